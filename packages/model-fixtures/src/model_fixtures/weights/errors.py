"""The one error of this package."""


class WeightsError(Exception):
    """Weights could not be had. The message is one line: the file, what is wrong, what to do."""

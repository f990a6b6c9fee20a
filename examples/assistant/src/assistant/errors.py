"""Errors that the user can do something about: each message is one line."""


class AssistantError(Exception):
    """The assistant cannot do what it was asked to do."""


class ConnectionLost(AssistantError):  # noqa: N818  # it says what happened
    """The connection to LM Studio broke while something was under way."""

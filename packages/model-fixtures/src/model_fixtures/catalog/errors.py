"""The one error of this package."""


class CatalogError(Exception):
    """The user's settings for the catalog are wrong. One line: the file, the key, what to do."""

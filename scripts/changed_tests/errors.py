"""What goes wrong in `local:changed`."""


class MapError(Exception):
    """No map can be read or made; the message is one line that says what to do."""

"""Tools that tests offer to a model: one that works and one that fails."""


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def broken() -> None:
    """Fail."""
    raise LookupError("lost")

"""A value that may be used but not shown."""

from __future__ import annotations

import hmac


class Secret:
    """A key or token whose text appears only where `reveal()` is called.

    `repr`, `str` and f-strings give `***`: tracebacks, test reports and logs that show a variable
    show nothing of it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep `value`, which must not be empty."""
        if not value:
            raise ValueError("a secret must not be empty")
        self._value = value

    def reveal(self) -> str:
        """Return the text, for the one place that has to send it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # A key from the environment may hold bytes that are no UTF-8: surrogates, here.
        mine, theirs = (each._value.encode("utf-8", "surrogatepass") for each in (self, other))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled")

"""Values that may be used but not shown.

A report of a failed test prints the repr of whatever is in sight, so a key lives in a `Secret`, and
is text only inside the call that sends it. What such a call has to hold meanwhile is text or bytes
that print nothing either: `HiddenText`, `HiddenBytes`.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from types import TracebackType
from typing import TypeVar, overload

_T = TypeVar("_T")


class HiddenText(str):
    """Text like any other, except that its repr is `'***'`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class HiddenBytes(bytes):
    """Bytes like any others, except that their repr is their number."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


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

    def reveal(self) -> HiddenText:
        """Return the text, for the one place that has to send it."""
        return HiddenText(self._value)

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


@overload
def hidden(value: str) -> HiddenText: ...


@overload
def hidden(value: None) -> None: ...


@overload
def hidden(value: Mapping[str, str]) -> dict[str, str]: ...


@overload
def hidden(value: _T) -> _T: ...


def hidden(value: object) -> object:
    """Return an equal value that does not show itself; other types than these stay as they are.

    A function that is given keys as plain text does this to its parameters first of all: reports
    show the values that these names have when the function fails.
    """
    if isinstance(value, str):
        return HiddenText(value)
    if isinstance(value, bytes):
        return HiddenBytes(value)
    if isinstance(value, Mapping):
        return {hidden(name): hidden(entry) for name, entry in value.items()}
    return value


class InnerFramesHidden:
    """Context manager: an error that leaves the block says what it says, but not where inside.

    The frames of the libraries that send a request hold its headers as plain text.
    """

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            raise error.with_traceback(None) from None

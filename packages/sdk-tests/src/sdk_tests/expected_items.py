"""Items that a test expects: one that is missing is a failed assertion, which shows what is there.

Without this such a test ends in an IndexError or a StopIteration, which tells nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import SupportsIndex, TypeVar, overload

T = TypeVar("T")


class Items(list[T]):
    """A list; asking for an item that it does not have fails the test."""

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> T: ...

    @overload
    def __getitem__(self, index: slice, /) -> list[T]: ...

    def __getitem__(self, index: SupportsIndex | slice, /) -> T | list[T]:
        try:
            return super().__getitem__(index)
        except IndexError:
            pass
        raise AssertionError(f"expected an item [{index}], but this is all: {list(self)!r}")


def next_item(items: Iterator[T], what: str) -> T:
    """Return the next item; if there is none, fail the test and say what was expected."""
    for item in items:
        return item
    raise AssertionError(f"expected {what}, but nothing more came")


def receiver(messages: Iterable[T]) -> Callable[[float | None], T]:
    """Return a function that takes a timeout and returns the next message, as a channel's does.

    A channel that waits for more than all messages fails the test: it would wait for ever.
    """
    left = iter(messages)
    return lambda _timeout: next_item(left, "another message (the channel waits after its last)")

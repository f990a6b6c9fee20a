"""What the suite itself says when something that a test expects is missing."""

import re

import pytest
from sdk_tests.expected_items import Items, next_item, receiver


@pytest.mark.parametrize("index", [2, -3])
def test_missing_item(index: int) -> None:
    """An item that is not there fails the test, with the items that are."""
    items = Items(["a", "b"])
    assert (items[0], items[-1], items[5:]) == ("a", "b", [])
    expected = f"expected an item [{index}], but this is all: ['a', 'b']"
    with pytest.raises(AssertionError, match=f"^{re.escape(expected)}$"):
        items[index]


def test_nothing_more() -> None:
    """An iterator that has ended fails the test, which says what was to come."""
    items = iter(["a"])
    assert next_item(items, "a letter") == "a"
    with pytest.raises(AssertionError, match=r"^expected a letter, but nothing more came$"):
        next_item(items, "a letter")


def test_waiting_for_ever() -> None:
    """A channel that waits after its last message fails the test."""
    receive = receiver(["a"])
    assert receive(None) == "a"
    with pytest.raises(AssertionError, match=r"^expected another message \(the channel waits"):
        receive(1.0)

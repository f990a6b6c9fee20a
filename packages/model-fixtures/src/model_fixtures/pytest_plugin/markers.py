"""What the suite's markers do to the items that carry them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def mark_items(items: Iterable[pytest.Item], foreign_host: str | None) -> None:
    """Give items the marks and fixtures that their marks imply.

    Args:
        items: as collected.
        foreign_host: a description of the host when it is not the embedded server.
    """
    for item in items:
        if touches_models(item):
            for marker in ("models", "lmstudio"):
                _add_marker(item, marker)
            _use_first(item, "loaded_models")
        elif item.get_closest_marker("lmstudio"):
            _use_first(item, "lmstudio_host")
        if foreign_host is not None and item.get_closest_marker("embedded"):
            reason = f"only the embedded server can provoke it; the host is {foreign_host}"
            _add_marker(item, "skip", reason=reason)


def needs_host(item: pytest.Item) -> bool:
    """Return whether the item is going to need the host's address."""
    if item.get_closest_marker("skip"):
        return False
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("lmstudio") is not None or "lmstudio_host" in fixtures


def touches_models(item: pytest.Item) -> bool:
    """Return whether the item must run in the one worker that deals with loaded models."""
    uses_them = "loaded_models" in getattr(item, "fixturenames", ())
    return uses_them or item.get_closest_marker("models") is not None


def is_slow(item: pytest.Item) -> bool:
    """Return whether the item takes over a second."""
    return item.get_closest_marker("slow") is not None


def _use_first(item: pytest.Item, fixture: str) -> None:
    """Set the fixture up before any other of the item, also before ones of higher scope."""
    names = getattr(item, "fixturenames", None)
    if names is not None and fixture not in names[:1]:
        # A new list: all cases of a parametrized test have the old one.
        item.fixturenames = [  # type: ignore[attr-defined]
            fixture,
            *(name for name in names if name != fixture),
        ]


def _add_marker(item: pytest.Item, name: str, **arguments: str) -> None:
    if item.get_closest_marker(name) is None:
        item.add_marker(getattr(pytest.mark, name)(**arguments))

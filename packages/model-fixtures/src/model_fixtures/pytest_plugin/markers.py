"""Applying the suite's markers to collected tests."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def mark_items(items: Iterable[pytest.Item], foreign_host: str | None) -> None:
    """Give items the marks and fixtures that their marks imply.

    Args:
        items: the collected items.
        foreign_host: a description of the host if it is not the embedded server, else None.
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
    """Return whether the item will ask for the host's address."""
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
    """Have the fixture set up before all others of the item, session fixtures included.

    pytest reads `usefixtures` marks before conftests add theirs, so such a mark would come too
    late; an autouse fixture would cost something in every test, and come after session fixtures.
    """
    names = getattr(item, "fixturenames", None)
    if names is not None and fixture not in names[:1]:
        # All cases of a parametrized test share the old list, so this makes a new one.
        item.fixturenames = [  # type: ignore[attr-defined]
            fixture,
            *(name for name in names if name != fixture),
        ]


def _add_marker(item: pytest.Item, name: str, **arguments: str) -> None:
    if item.get_closest_marker(name) is None:
        item.add_marker(getattr(pytest.mark, name)(**arguments))

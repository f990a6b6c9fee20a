"""Applying the suite's markers to collected tests."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from model_fixtures.pytest_plugin import use_first


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
            use_first(item, "loaded_models")
        elif item.get_closest_marker("lmstudio"):
            use_first(item, "lmstudio_host")
        if foreign_host is not None and item.get_closest_marker("embedded"):
            reason = f"only the embedded server can provoke it; the host is {foreign_host}"
            _add_marker(item, "skip", reason=reason)


def touches_models(item: pytest.Item) -> bool:
    """Return whether the item must run in the one worker that deals with loaded models."""
    uses_them = "loaded_models" in getattr(item, "fixturenames", ())
    return uses_them or item.get_closest_marker("models") is not None


def is_slow(item: pytest.Item) -> bool:
    """Return whether the item takes over a second."""
    return item.get_closest_marker("slow") is not None


def _add_marker(item: pytest.Item, name: str, **arguments: str) -> None:
    if item.get_closest_marker(name) is None:
        item.add_marker(getattr(pytest.mark, name)(**arguments))

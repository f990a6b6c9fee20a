"""Searching what can be downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .downloadable_models import Entry

COMPATIBILITY_TYPE: Final = "gguf"  # all that llama.cpp runs
MOST_RESULTS = 25


class SearchIndex:
    """The entries, and a search in them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = tuple(entries)

    def search(
        self,
        term: str = "",
        *,
        limit: int = MOST_RESULTS,
        compatibility_types: Sequence[str] | None = None,
    ) -> list[Entry]:
        """Return the entries that fit, those with exactly that name first, at most `limit`.

        Args:
            term: words that must all be in `author/name`, whatever their case.
            limit: how many at most.
            compatibility_types: formats that will do; None for any.
        """
        if compatibility_types is not None and COMPATIBILITY_TYPE not in compatibility_types:
            return []
        words = term.casefold().split()
        found = [
            entry
            for entry in self._entries
            if all(word in entry.identifier.casefold() for word in words)
        ]
        return sorted(found, key=lambda entry: not is_exact(entry, term))[:limit]

    def find(self, identifier: str) -> Entry | None:
        """Return the entry with an identifier, None if there is none.

        The identifier is `author/name` or a URL that ends so.
        """
        name = "/".join(identifier.rstrip("/").split("/")[-2:]).casefold()
        return next((each for each in self._entries if each.identifier.casefold() == name), None)


def is_exact(entry: Entry, term: str) -> bool:
    """Return whether a search term is the entry's whole name, with its author or without."""
    return term.strip().casefold() in (entry.identifier.casefold(), entry.name.casefold())

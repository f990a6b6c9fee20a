"""Messages about a name that does not exist, with the names that were probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """Return one line that refuses a name.

    Args:
        what: the kind of thing, such as "endpoint".
        name: what the user wrote.
        known: all names that exist.
    """
    names = list(dict.fromkeys(known))
    by_case = {each.lower(): each for each in reversed(names)}
    low = str(name).lower()
    near = [low] if low in by_case else difflib.get_close_matches(low, by_case, n=3, cutoff=0.6)
    if near:
        return f"no {what} {name!r}: did you mean {' or '.join(by_case[each] for each in near)}?"
    return f"no {what} {name!r}: choose from {', '.join(names)}"

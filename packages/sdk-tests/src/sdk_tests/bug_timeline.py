"""In which SDK releases a bug is: from a release in which it was seen until one that has it fixed.

This module needs no SDK: scripts read docs/findings.md with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

_FIRST = Version("0.dev0")  # before every release
_ALL = "all"


@dataclass(frozen=True)
class BugTimeline:
    """Releases in which a bug was first seen, and releases that were the first to have it fixed.

    The last release named that is not later than the one in question decides, so that releases and
    development versions which nobody has named yet are like the one before. Before the first
    release named it is the other way around. If none is named, every release has the bug.
    """

    seen_in: tuple[str, ...] = ()
    fixed_in: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen = {_version(name) for name in self.seen_in}
        if both := seen & {_version(name) for name in self.fixed_in}:
            raise ValueError(f"{min(both)} cannot have the bug and have it fixed")

    def __str__(self) -> str:
        """Return the text for the column "release" of docs/findings.md."""
        changes = self._changes()
        words = [f"from {name}" if seen else f"fixed in {name}" for _, name, seen in changes]
        return ", ".join(words) or _ALL

    @classmethod
    def parse(cls, text: str) -> BugTimeline:
        """Return the timeline that a text describes as `str` does; ValueError for another text."""
        if text == _ALL:
            return cls()
        words = [re.fullmatch(r"(from|fixed in) (\S+)", part) for part in text.split(", ")]
        found = [word.groups() for word in words if word]
        if len(found) < len(words):
            raise ValueError(
                f"{text!r} names no releases: write 'all', 'from 1.6.0b1' or 'fixed in 1.6.0b1'"
            )
        return cls(
            tuple(name for word, name in found if word == "from"),
            tuple(name for word, name in found if word != "from"),
        )

    @property
    def is_fixed(self) -> bool:
        """Whether the newest release named has the bug fixed."""
        changes = self._changes()
        return bool(changes) and not changes[-1][2]

    def has_bug(self, version: Version) -> bool:
        """Return whether a release, a development version or a working tree has the bug."""
        changes = self._changes()
        if not changes:
            return True
        passed = [seen for named, _, seen in changes if named <= version]
        return passed[-1] if passed else not changes[0][2]

    def after_pass(self, name: str, releases: Iterable[str]) -> BugTimeline | None:
        """Return what is right once the version `name`, which was to have the bug, had it not.

        All of `releases`, the releases that the suite runs on, stay as they are. None means that
        the bug is in no release that is known.
        """
        version = _version(name)
        observed = {_version(each): each for each in (*releases, *self.seen_in)}
        names = {
            _FIRST: str(_FIRST),
            **observed,
            **{_version(each): each for each in self.fixed_in},
            version: name,
        }
        has_bug = {each: self.has_bug(each) for each in names}
        has_bug[version] = False
        # Nobody has seen the bug before this version: then it came later.
        has_bug[_FIRST] &= any(each < version and has_bug[each] for each in observed)
        seen: list[str] = []
        fixed: list[str] = []
        before = has_bug[_FIRST]
        for each in sorted(names):
            if has_bug[each] != before:
                before = has_bug[each]
                (seen if before else fixed).append(names[each])
        if not has_bug[_FIRST] and not seen:
            return None
        return BugTimeline(tuple(seen), tuple(fixed))

    def arguments(self) -> str:
        """Return the timeline as arguments of `known_bug`."""
        given = {"seen_in": self.seen_in, "fixed_in": self.fixed_in}
        return ", ".join(f"{key}={_literal(names)}" for key, names in given.items() if names)

    def _changes(self) -> list[tuple[Version, str, bool]]:
        """Return the releases named, from the oldest on, and whether each has the bug."""
        seen = [(_version(name), name, True) for name in self.seen_in]
        return sorted([*seen, *((_version(name), name, False) for name in self.fixed_in)])


def _literal(names: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return quoted if len(names) == 1 else f"({quoted})"


def _version(name: str) -> Version:
    try:
        return Version(name)
    except InvalidVersion:
        raise ValueError(f"{name!r} is no version of the SDK: write it like '1.6.0b1'") from None

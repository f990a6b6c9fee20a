"""The SDK release under test, and a mark for what is broken in a release.

Only this module asks for the version. A test whose expectation depends on the release uses
`SDK_1_6`. A test whose right expectation the SDK does not meet uses `known_bug` and has an entry in
docs/findings.md.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import lmstudio
import pytest
from packaging.version import InvalidVersion, Version

from .bug_timeline import BugTimeline
from .sdk_origin import is_working_tree

RELEASES = ("1.5.0", "1.6.0b1")
"""The releases that the suite runs on, from the oldest on."""


def _sdk_release() -> str:
    name: str = lmstudio.__version__
    try:
        version = Version(name)
    except InvalidVersion:
        raise ValueError(f"lmstudio.__version__ is {name!r}: expected it like '1.5.0'") from None
    # A tree keeps the version of the last release until somebody raises it. It counts as later.
    published = version.public in RELEASES
    return f"{version.public}+local" if published and is_working_tree() else version.public


SDK_RELEASE: str = _sdk_release()
"""The version under test: "1.6.0b1+local" is a working tree that still says "1.6.0b1"."""
SDK_1_6: bool = Version(SDK_RELEASE).release >= (1, 6)
"""Whether the release has API tokens, `guest:` identities and an error class for unknown paths."""


@dataclass(frozen=True)
class KnownBug:
    """What `known_bug` was told; `file` is the source file that called it."""

    reason: str
    raises: type[BaseException] | tuple[type[BaseException], ...]
    timeline: BugTimeline
    when: bool
    file: Path

    @property
    def is_expected(self) -> bool:
        """Whether the SDK under test is expected to have the bug."""
        return self.when and self.timeline.has_bug(Version(SDK_RELEASE))


def known_bug(
    reason: str,
    *,
    raises: type[BaseException] | tuple[type[BaseException], ...] = AssertionError,
    seen_in: str | tuple[str, ...] = (),
    fixed_in: str | tuple[str, ...] = (),
    when: bool = True,
) -> pytest.MarkDecorator:
    """Mark a test as an expected failure in the releases that have a bug.

    By default these are all releases, also those to come. `seen_in` names the first release that
    has the bug, `fixed_in` the first that has it no more; `BugTimeline` says what several mean.
    Versions are literals, which scripts/tests/test_findings.py compares with docs/findings.md.

    `raises` is the exception with which the test fails, so that another failure is not mistaken
    for the bug. `when` narrows the bug further, for example to a range of Python versions.

    The mark is strict: a release in which the test passes nevertheless fails it, with a message
    that says what to write here (`known_bug_hooks`).
    """
    timeline = BugTimeline(_names(seen_in), _names(fixed_in))
    file = Path(sys._getframe(1).f_code.co_filename)
    return pytest.mark.known_bug(KnownBug(reason, raises, timeline, when, file))


def since(release: str) -> pytest.MarkDecorator:
    """Mark a test that holds from a release on, the first that has what the test is about.

    Older releases skip it: "needs 1.4.0". A file is marked by `pytestmark = since("1.5.0")`; on
    older releases it is not imported (`since_hooks`), so the release must be a literal there.
    What an older release has and does wrong is no case of this but a `known_bug`.
    """
    _version(release)
    return pytest.mark.since(release)


def _version(name: str) -> Version:
    try:
        return Version(name)
    except InvalidVersion:
        raise ValueError(f"{name!r} is no version of the SDK: write it like '1.4.0'") from None


def _names(releases: str | tuple[str, ...]) -> tuple[str, ...]:
    return (releases,) if isinstance(releases, str) else releases

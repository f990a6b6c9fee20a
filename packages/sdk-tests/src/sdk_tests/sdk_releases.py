"""The SDK release under test, and a mark for what is broken in a release.

Only this module asks for the version. A test whose expectation depends on the release uses
`SDK_1_6`. A test whose right expectation the SDK does not meet uses `known_bug` and has an entry in
docs/findings.md.
"""

import re

import lmstudio
import pytest

RELEASE_1_5 = "1.5.0"
RELEASE_1_6 = "1.6.0b1"
RELEASES = (RELEASE_1_5, RELEASE_1_6)
"""The releases that the suite knows."""


def _major_minor(version: str) -> tuple[int, int]:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None:
        raise ValueError(f"lmstudio.__version__ is {version!r}: expected it to start like '1.5'")
    return int(numbers[1]), int(numbers[2])


SDK_RELEASE: str = lmstudio.__version__
SDK_1_6: bool = _major_minor(SDK_RELEASE) >= (1, 6)
"""Whether the release has API tokens, `guest:` identities and an error class for unknown paths."""


def known_bug(
    reason: str,
    *,
    raises: type[BaseException] | tuple[type[BaseException], ...] = AssertionError,
    seen_in: tuple[str, ...] = RELEASES,
    when: bool = True,
) -> pytest.MarkDecorator:
    """Mark a test as an expected failure in exactly the releases in which the bug was seen.

    `raises` is the exception with which the test fails, so that another failure is not mistaken
    for the bug. `when` narrows the bug further, for example to a range of Python versions.

    Any other release has to pass the test. The mark is strict: a working tree that has fixed the
    bug but still has the version of such a release fails until the mark is removed.
    """
    return pytest.mark.xfail(
        when and SDK_RELEASE in seen_in,
        strict=True,
        raises=raises,
        reason=f"{reason} Seen in lmstudio {' and '.join(seen_in)}.",
    )


def is_known_bug(item: pytest.Item, error: BaseException | None) -> bool:
    """Return whether a test failed in the way that its `known_bug` describes."""
    return any(
        mark.args[0] and isinstance(error, mark.kwargs["raises"])
        for mark in item.iter_markers("xfail")
    )

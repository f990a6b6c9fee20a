"""A pytest plugin (`-p own_times`) that notes in the JUnit file how long each test itself takes.

The time of a test as pytest tells it has the set-up of what a file or the session shares in the
test that comes first, and its teardown in the one that comes last. Each test gets three properties:
`own_seconds` without those parts, `shared_seconds` for the shared set-up, and `slow` with `yes` or
`no` for the marker.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass

import pytest

OWN, SHARED, SLOW = "own_seconds", "shared_seconds", "slow"


@dataclass
class _Clock:
    """The times of the test that runs; there is one at a time in a process."""

    own: float = 0.0
    shared: float = 0.0
    depth: int = 0  # of shared fixtures that set up others
    last_of_file: bool = False

    def begin(self, last_of_file: bool) -> None:
        self.own, self.shared, self.depth, self.last_of_file = 0.0, 0.0, 0, last_of_file


_CLOCK = _Clock()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Begin a test; after the last one of a file, shared fixtures are torn down."""
    _CLOCK.begin(last_of_file=nextitem is None or nextitem.path != item.path)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object],
) -> Generator[None, object, object]:
    """Measure fixtures that tests share; what they depend on statically is set up before."""
    if fixturedef.scope == "function":
        return (yield)
    begun = time.perf_counter()
    _CLOCK.depth += 1
    try:
        return (yield)
    finally:
        _CLOCK.depth -= 1
        if not _CLOCK.depth:
            _CLOCK.shared += time.perf_counter() - begun


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, object, object]:
    """Add up the parts, and note them before the last report is made."""
    if call.when != "teardown":
        _CLOCK.own += call.duration
    else:
        _CLOCK.own += 0.0 if _CLOCK.last_of_file else call.duration
        own = max(0.0, _CLOCK.own - _CLOCK.shared)
        item.user_properties += [
            (OWN, f"{own:.3f}"),
            (SHARED, f"{_CLOCK.shared:.3f}"),
            (SLOW, "yes" if item.get_closest_marker("slow") else "no"),
        ]
    return (yield)

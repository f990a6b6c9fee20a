"""The progress of a download: how far it is, and how fast."""

from __future__ import annotations

from model_fixtures.server.repository.progress_meter import Progress, ProgressMeter


class Clock:
    """A clock whose time passes when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_rate_is_of_the_last_three_seconds() -> None:
    """The rate forgets what was more than three seconds ago, and falls to 0 in a stall."""
    clock = Clock()
    meter = ProgressMeter(1000, clock)
    assert meter.read() == Progress(0, 1000, 0)
    rates = []
    for done in (100, 200, 300, 400, 400, 400, 400):
        clock.now += 1
        meter.count(done)
        rates.append(meter.read().rate)
    assert rates == [100, 100, 100, 100, 67, 33, 0]


def test_bytes_never_fall_nor_pass_the_total() -> None:
    """Counts out of order, or beyond the total, leave the bytes between 0 and the total."""
    meter = ProgressMeter(100, Clock())
    seen = []
    for done in (50, 20, 90, 170):
        meter.count(done)
        seen.append(meter.read().downloaded)
    assert seen == [50, 50, 90, 100]


def test_finish_counts_for_bytes_only() -> None:
    """Bytes that need no transfer are there at once, at a rate of 0."""
    clock = Clock()
    meter = ProgressMeter(100, clock)
    clock.now += 1
    meter.finish()
    assert meter.read() == Progress(100, 100, 0)


def test_numbers_are_whole() -> None:
    """JavaScript clients refuse anything but whole numbers."""
    clock = Clock()
    meter = ProgressMeter(100, clock)
    clock.now += 0.3
    meter.count(10)
    progress = meter.read()
    assert [type(number) for number in (progress.downloaded, progress.total, progress.rate)] == [
        int,
        int,
        int,
    ]
    assert progress.rate == 33

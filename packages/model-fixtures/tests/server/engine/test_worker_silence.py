"""Telling a silent worker from a slow one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from model_fixtures.server.engine import worker_silence as module
from model_fixtures.server.engine.worker_silence import Signs, Silence, signs_of

NONE = Signs(heard=3, computed=10.0, read=1000)
BUSY = "print(flush=True)\nwhile True: pass"
IDLE = "print(flush=True)\ninput()"


def looks(*signs: Signs) -> int:
    """Return how many looks without a sign of life are counted after these signs."""
    silence = Silence()
    for each in signs:
        silence.look(each)
    return silence.looks


def test_process_without_any_sign_is_silent() -> None:
    """Every look after the last sign of life counts."""
    assert looks(NONE) == 0
    assert looks(*[NONE] * 31) == 30


@pytest.mark.difference("worker-silence")
@pytest.mark.parametrize(
    "alive",
    [
        Signs(heard=4, computed=10.0, read=1000),
        Signs(heard=3, computed=10.1, read=1000),
        Signs(heard=3, computed=10.0, read=5096),
    ],
    ids=["it writes", "it computes", "it reads"],
)
def test_each_sign_of_life_counts(alive: Signs) -> None:
    """After any sign of life the count starts anew."""
    assert looks(*[NONE] * 29, alive) == 0
    assert looks(*[NONE] * 29, alive, alive) == 1


@pytest.mark.difference("worker-silence")
def test_process_that_computes_little_at_a_time_is_slow() -> None:
    """Computing adds up between looks: a starved process gets a hundredth of a second each time."""
    assert looks(*(Signs(3, 10 + step / 100, 1000) for step in range(1000))) < 15


def test_idling_is_no_sign() -> None:
    """The little that an idle process computes is no sign of life."""
    assert looks(*(Signs(3, 10 + step / 1000, 1000) for step in range(31))) == 30


def test_break_begins_anew() -> None:
    """Silence does not count while nobody waits."""
    silence = Silence()
    for _ in range(20):
        silence.look(NONE)
    silence.break_off()
    silence.look(NONE)
    assert silence.looks == 0


def test_signs_of_processes() -> None:
    """A computing process shows signs of life, a waiting one doesn't; an ended one has none."""
    command = [sys.executable, "-c"]
    with (
        subprocess.Popen([*command, BUSY], stdout=subprocess.PIPE) as busy,
        subprocess.Popen([*command, IDLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as idle,
    ):
        try:
            for process in (busy, idle):
                assert process.stdout is not None
                process.stdout.readline()  # it has started
            first, resting = signs_of(busy.pid, 0), signs_of(idle.pid, 7)
            assert first is not None
            while (now := signs_of(busy.pid, 0)) is not None:
                if now.computed >= first.computed + 3 * module.LEAST_COMPUTING:
                    break
            after = signs_of(idle.pid, 7)
            assert resting is not None
            assert after is not None
            assert after.heard == 7
            assert after.computed < resting.computed + module.LEAST_COMPUTING
        finally:
            busy.kill()
            idle.kill()
    assert signs_of(busy.pid, 0) is None

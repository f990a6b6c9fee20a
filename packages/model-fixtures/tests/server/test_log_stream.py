"""Log events: where they come from, and what happens to listeners that are slow."""

from __future__ import annotations

import logging
from typing import Any

import anyio.to_thread
import pytest
from model_fixtures.server.engine.runtime_log import RuntimeLog, runtime_logger
from model_fixtures.server.log_stream import MOST_CHARACTERS, MOST_EVENTS, LogStream

pytestmark = pytest.mark.anyio

logger = logging.getLogger("model_fixtures.server")


def text_event(text: str) -> dict[str, Any]:
    """Return the data of an event of the server's log."""
    return {"type": "server.log", "level": "info", "content": text}


async def test_nothing_is_collected_without_a_listener() -> None:
    """Only while somebody listens is anything taken from the loggers, however often that starts."""
    logs = LogStream()
    before = list(logging.getLogger().handlers)
    for _ in range(2):
        assert not runtime_logger.isEnabledFor(logging.CRITICAL)
        with logs.listening(), logs.listening():
            assert runtime_logger.isEnabledFor(logging.DEBUG)
            assert len(logging.getLogger().handlers) == len(before) + 1
        assert not logs.heard
        assert logging.getLogger().handlers == before
    assert not runtime_logger.isEnabledFor(logging.CRITICAL)


async def test_levels_and_threads() -> None:
    """Events have the schema's levels, and may be logged in any thread."""
    logs = LogStream()
    with logs.listening() as listener:
        logger.error("no %s", "luck")
        await anyio.to_thread.run_sync(logger.warning, "from a thread")
        told = [(await anext(listener))["data"] for _ in range(2)]
    assert [(data["level"], data["content"]) for data in told] == [
        ("error", "no luck"),
        ("warn", "from a thread"),
    ]


async def test_lines_of_a_worker() -> None:
    """A line has the level of its prefix or of the line that it continues; keys are left out."""
    logs, log = LogStream(), RuntimeLog("mine", 7)
    log.note("0.00.1 E srv  init: before anybody listens")
    with logs.listening() as listener:
        log.note("0.00.014.189 W srv          init: careful")
        log.note("of this")
        log.note("")
        log.note("0.00.038.499 I srv  init_listene: api_keys: ****eeff")
        log.note("0.00.038.576 I srv  init_listene: The UI is disabled")
        told = [(await anext(listener))["data"] for _ in range(3)]
    assert [(data["level"], data["message"]) for data in told] == [
        ("warn", "srv          init: careful"),
        ("warn", "of this"),
        ("info", "srv  init_listene: The UI is disabled"),
    ]
    assert (told[0]["modelIdentifier"], told[0]["pid"]) == ("mine", 7)


@pytest.mark.difference("slow-log-reader")
async def test_many_events_for_a_slow_listener() -> None:
    """What does not fit is left out, and an event at its place says how much."""
    logs = LogStream()
    with logs.listening() as slow, logs.listening() as quick:
        for number in range(MOST_EVENTS + 3):
            logs.publish(text_event(str(number)))
            assert (await anext(quick))["data"] == text_event(str(number))
        assert (await anext(slow))["data"] == text_event("0")
        logs.publish(text_event("later"))
        rest = [(await anext(slow))["data"] for _ in range(MOST_EVENTS + 1)]
    assert rest[MOST_EVENTS - 2] == text_event(str(MOST_EVENTS - 1))
    gap, last = rest[MOST_EVENTS - 1 :]
    assert gap["level"] == "warn"
    assert gap["content"].endswith("left out here: 3")
    assert last == text_event("later")


@pytest.mark.difference("slow-log-reader")
async def test_long_events_for_a_slow_listener() -> None:
    """However few events wait, their text is bounded; a single one always fits."""
    logs = LogStream()
    long = "x" * (MOST_CHARACTERS + 1)
    with logs.listening() as listener:
        logs.publish(text_event(long))
        logs.publish(text_event("short"))
        told = [(await anext(listener))["data"] for _ in range(2)]
    assert told[0] == text_event(long)
    assert told[1]["content"].endswith("left out here: 1")


async def test_kinds() -> None:
    """A listener of some kinds gets no other, and so none that says what was left out."""
    logs = LogStream()
    wanted = {"type": "llm.prediction.input", "input": "x" * MOST_CHARACTERS}
    with logs.listening(["llm.prediction.input"]) as listener:
        logs.publish(text_event("a line"))
        logs.publish(wanted)
        logs.publish(wanted)
        assert (await anext(listener))["data"] == wanted
        logs.publish({**wanted, "input": "the next"})
        assert (await anext(listener))["data"]["input"] == "the next"

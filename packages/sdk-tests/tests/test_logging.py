"""The SDK's structured log events."""

import logging
from collections.abc import Callable

import pytest
from lmstudio._logging import StructuredLogger, new_logger
from lmstudio.sdk_api import sdk_callback_invocation
from sdk_tests.expected_items import Items
from sdk_tests.sdk_releases import since
from sdk_tests.structured_log import logged_events

pytestmark = since("1.5.0")

LOGGER = "structured-log-test"


@pytest.fixture
def logger(caplog: pytest.LogCaptureFixture) -> StructuredLogger:
    """Provide a structured logger whose events are all captured."""
    caplog.set_level(logging.DEBUG, LOGGER)
    return new_logger(LOGGER)


@pytest.mark.parametrize(
    ("write", "level"),
    [
        (StructuredLogger.debug, "DEBUG"),
        (StructuredLogger.info, "INFO"),
        (StructuredLogger.warn, "WARNING"),
        (StructuredLogger.error, "ERROR"),
        (StructuredLogger.critical, "CRITICAL"),
    ],
    ids=["debug", "info", "warn", "error", "critical"],
)
def test_levels(
    logger: StructuredLogger,
    caplog: pytest.LogCaptureFixture,
    write: Callable[..., None],
    level: str,
) -> None:
    """Each method writes one event of its level with text and fields and without a traceback."""
    write(logger, "It happened", count=2)
    assert logged_events(caplog, LOGGER) == [(level, {"event": "It happened", "count": 2})]
    assert not caplog.records[0].exc_info


def test_explicit_level(logger: StructuredLogger, caplog: pytest.LogCaptureFixture) -> None:
    """log() writes an event of any level."""
    logger.log(logging.WARNING, "It happened")
    assert logged_events(caplog, LOGGER) == [("WARNING", {"event": "It happened"})]


def test_message_is_sorted_json(logger: StructuredLogger, caplog: pytest.LogCaptureFixture) -> None:
    """A message is JSON on one line with sorted keys."""
    logger.info("It happened", zebra=1, ape={"b": 1, "a": 2})
    assert caplog.messages == ['{"ape": {"a": 2, "b": 1}, "event": "It happened", "zebra": 1}']


def test_fields_are_record_attributes(
    logger: StructuredLogger, caplog: pytest.LogCaptureFixture
) -> None:
    """The context and the fields of an event are also attributes of the log record."""
    logger.update_context(model="m")
    logger.info("It happened", count=2)
    record = vars(Items(caplog.records)[0])
    assert (record["model"], record["count"], record["event"]) == ("m", 2, "It happened")


def test_record_names_the_caller(
    logger: StructuredLogger, caplog: pytest.LogCaptureFixture
) -> None:
    """A log record has the place of the caller, whichever method wrote it."""
    logger.debug("It happened")
    logger.info("It happened")
    logger.warn("It happened")
    logger.error("It happened")
    logger.critical("It happened")
    logger.exception("It happened")
    logger.log(logging.INFO, "It happened")
    places = {(record.pathname, record.funcName) for record in caplog.records}
    assert places == {(__file__, "test_record_names_the_caller")}


def test_context_joins_every_event(
    logger: StructuredLogger, caplog: pytest.LogCaptureFixture
) -> None:
    """The context accumulates and joins every event, and an event's own field replaces it once."""
    logger.update_context({"a": 1}, b=2)
    logger.update_context(None, c=3)
    logger.info("One", b="own")
    logger.info("Two")
    assert [event for _, event in logged_events(caplog, LOGGER)] == [
        {"event": "One", "a": 1, "b": "own", "c": 3},
        {"event": "Two", "a": 1, "b": 2, "c": 3},
    ]


def test_context_is_not_shared(logger: StructuredLogger) -> None:
    """Two loggers of the same name have separate contexts."""
    logger.update_context(a=1)
    assert new_logger(LOGGER).event_context == {}


def test_exception_has_a_traceback(
    logger: StructuredLogger, caplog: pytest.LogCaptureFixture
) -> None:
    """exception() writes an error with the active exception and the stack."""
    try:
        raise LookupError("lost")
    except LookupError:
        logger.exception("It failed")
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info is not None
    assert record.exc_info[0] is LookupError
    assert record.stack_info is not None


def test_guarded_callback_is_transparent(
    logger: StructuredLogger, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback that succeeds is not logged."""
    with sdk_callback_invocation("Callback failed", logger):
        pass
    assert logged_events(caplog, LOGGER) == []


def test_guarded_callback_failure_is_logged(
    logger: StructuredLogger, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback's exception is logged with its repr and traceback and is not raised."""
    with sdk_callback_invocation("Callback failed", logger):
        raise LookupError("lost")
    assert logged_events(caplog, LOGGER) == [
        ("ERROR", {"event": "Callback failed", "exc": "LookupError('lost')"})
    ]
    assert caplog.records[0].exc_info is not None


def test_guard_lets_interrupts_through(logger: StructuredLogger) -> None:
    """A KeyboardInterrupt in a callback is raised."""
    with pytest.raises(KeyboardInterrupt), sdk_callback_invocation("Callback failed", logger):
        raise KeyboardInterrupt

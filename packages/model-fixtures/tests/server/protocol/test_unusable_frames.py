"""Messages that can't be decoded, or not fast enough: whoever waits gets an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from model_fixtures.server.protocol.connection_state import Connection, Event, Fail, Ignored, Send
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads.models import Cancel, ModelQuery, Tokenize
from model_fixtures.server.protocol.unusable_frames import (
    EXACT,
    HEAD,
    MOST_VALUES,
    MOST_WIDE,
    NESTED,
    SURROGATE,
    TOO_MUCH,
    is_too_much,
)

PLACE = "in place of the content"
CALL = {"type": "rpcCall", "endpoint": "tokenize", "callId": 7, "parameter": PLACE}
OPEN = {"type": "channelCreate", "endpoint": "predict", "channelId": 3, "creationParameter": PLACE}
PACKET = {"type": "channelSend", "channelId": 1, "message": PLACE}
BAD = {
    '{"text": "\\ud800"}': SURROGATE,
    '["\\uDFFF and more", "\\ud800"]': SURROGATE,
    '"\\ud800\\ud800\\udc00"': SURROGATE,
    '{"\\\\\\udc00": "\\\\ud800"}': SURROGATE,
    '{"text": "' + "x" * EXACT + '\\ud800"}': SURROGATE,
    "[" * 100_000 + "]" * 100_000: NESTED,
    "[0" + ",0" * MOST_VALUES + "]": TOO_MUCH,
    "[0" + ",[{}]" * (MOST_VALUES // 3) + "]": TOO_MUCH,
    "[0" + ",0" * 5_000_000 + "]": TOO_MUCH,
    '"' + "ж" * (MOST_WIDE + 1) + '"': TOO_MUCH,
    '"' + "\\n" * (MOST_WIDE // 2 + 1) + '"': TOO_MUCH,
}


async def handle(*arguments: object) -> None:
    """Do nothing: these tests run no handler."""


@pytest.fixture
def connection() -> Connection:
    """Provide a connection with the channel 1 open."""
    namespace = Namespace("llm")
    namespace.rpc("tokenize", Tokenize)(handle)
    namespace.channel("predict", Any, Cancel)(handle)
    opened = Connection(namespace)
    opened.accept()
    opened.receive(json.dumps(OPEN | {"channelId": 1}))
    return opened


def frame(message: dict[str, Any], content: str, kind: str) -> str | bytes:
    """Return a message with a content, as text or binary."""
    text = json.dumps(message).replace(json.dumps(PLACE), content)
    return text if kind == "text" else text.encode()


def answers(events: list[Event]) -> list[Any]:
    """Return what the client gets, without warnings, and the errors for handlers."""
    sent = [json.loads(event.frame) for event in events if isinstance(event, Send)]
    failed = [event for event in events if not isinstance(event, Send)]
    return [each for each in sent if each["type"] != "communicationWarning"] + failed


@pytest.mark.difference("unreadable-messages", "heavy-messages")
@pytest.mark.parametrize("kind", ["text", "binary"])
@pytest.mark.parametrize(("content", "reason"), BAD.items(), ids=range(len(BAD)))
def test_whoever_waits_gets_an_error(
    connection: Connection, content: str, reason: str, kind: str
) -> None:
    """A call and an opening fail, and so does an open channel when a packet can't be read."""
    title = f"the message has {reason}"
    error = {"title": title, "rootTitle": title}
    assert answers(connection.receive(frame(CALL, content, kind))) == [
        {"type": "rpcError", "callId": 7, "error": error}
    ]
    assert answers(connection.receive(frame(OPEN, content, kind))) == [
        {"type": "channelError", "channelId": 3, "error": error}
    ]
    (failure,) = answers(connection.receive(frame(PACKET, content, kind)))
    assert isinstance(failure, Fail)
    assert (failure.channel_id, str(failure.error)) == (1, title)
    # A channel that is not open can't fail.
    assert answers(connection.receive(frame(PACKET | {"channelId": 2}, content, kind))) == []


def test_numbers_after_the_content(connection: Connection) -> None:
    """A client may write the number of its call last, and as JavaScript allows it."""
    late = '{"type": "rpcCall", "endpoint": "tokenize", "parameter": %s, "callId": 8.0}'
    for content in BAD:
        answer, *_ = answers(connection.receive(late % content))
        assert answer["callId"] == 8


@pytest.mark.parametrize("text", ["\\\\ud800", "\\ud83d\\ude00", "\\\\\\ud83d\\uDE00"])
def test_what_only_looks_like_half_a_pair(connection: Connection, text: str) -> None:
    """An escaped backslash before the letters, and complete pairs, are decoded like any text."""
    content = '{"specifier": {"type": "query", "query": {}}, "inputString": "' + text + '"}'
    (call,) = connection.receive(frame(CALL, content, "text"))
    assert call.parameter.input_string == json.loads(f'"{text}"')  # type: ignore[union-attr]


def test_separators_in_a_text_are_no_values() -> None:
    """A text may be a table of numbers, and a text without commas is checked quickly."""
    assert not is_too_much(json.dumps(["1,[{2" * MOST_VALUES]))
    assert not is_too_much(json.dumps(['"\\,,,,' * MOST_VALUES]).encode())
    assert not is_too_much("x" * (8 * MOST_WIDE))


def test_neither_a_message_nor_json(connection: Connection) -> None:
    """A frame that names no call and no channel is ignored."""
    for text in ("\\ud800", '{"type": "rpcCall", "x": "\\ud800"}', "[" * 10**5, "," * 10**7):
        (event,) = connection.receive(text)
        assert isinstance(event, Ignored)
    assert len("".join(json.dumps(each) for each in (CALL, OPEN, PACKET))) < HEAD


def test_what_the_server_itself_cannot_send() -> None:
    """A result or an error with such a text, such as a file's name, is sent with question marks."""
    error = ServerError("no \udce9.gguf")
    assert json.loads(Connection.rpc_error(7, error))["error"]["title"] == "no ?.gguf"
    query = ModelQuery(identifier="\ud800")
    assert json.loads(Connection.rpc_result(7, [query]))["result"] == [{"identifier": "?"}]


@pytest.mark.difference("heavy-messages")
@pytest.mark.parametrize(
    ("content", "refused"),
    [
        ("[0" + ",0" * 249_000 + "]", False),
        ("[0" + ",0" * 250_000 + "]", True),
        ('"ж' + "x" * (2**24 - 3) + '"', False),
        ('"ж' + "x" * (2**24 - 2) + '"', True),
        ('"x' + "x" * (2**24 - 2) + '"', False),
    ],
    ids=["values", "too many values", "letters", "too many letters", "plain letters"],
)
def test_what_is_too_much(content: str, refused: bool) -> None:
    """So many values, or characters of which one is not plain ASCII, are too much at once."""
    assert is_too_much(content) is refused

"""The act() loop on a host whose model makes the tool calls that the test asks for."""

import threading
from typing import Any

import pytest
from lmstudio import (
    AsyncClient,
    AsyncLLM,
    Chat,
    ToolFunctionDef,
)
from sdk_tests.faulty_clients_async import faulty_client
from sdk_tests.forced_tool_calls import SAY_OK, calling
from sdk_tests.logged_requests import logged_requests
from sdk_tests.sample_tools import add, broken
from sdk_tests.scenarios import ScenarioServer

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]


def handle(client: AsyncClient, model: str) -> AsyncLLM:
    """Return a handle for the loaded model."""
    return AsyncLLM(model, client.llm)


async def test_no_call(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A model that calls no tool is asked in one round, whose request offers the tools."""
    async with faulty_client(scenario_host) as client:
        with logged_requests(caplog) as sent:
            result = await handle(client, scenario_model).act("Hi", [add, broken], config=SAY_OK)
    assert result.rounds == 1
    assert result.total_time_seconds > 0, "the result does not say how long it took"
    assert len(sent) == 1
    assert sent.messages(0) == [("user", ["Hi"])]
    assert sent.tools(0) == ["add", "broken"]


async def test_one_call(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The request after a tool call has the model's text, the call and its result."""
    async with faulty_client(scenario_host, calling(("add", {"a": 1, "b": 2}))) as client:
        with logged_requests(caplog) as sent:
            result = await handle(client, scenario_model).act("Add", [add], config=SAY_OK)
    assert result.rounds == 2
    request = {"type": "function", "id": "id-0", "name": "add", "arguments": {"a": 1, "b": 2}}
    assert sent.messages(1) == [
        ("user", ["Add"]),
        ("assistant", ["ok", request]),
        ("tool", ["3"]),
    ]
    assert sent.tools(1) == ["add"]


async def test_calls_in_several_rounds(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each round's request has all messages of the earlier rounds."""
    rules = [calling(("add", {"a": 1, "b": 2})), calling(("add", {"a": 3, "b": 4}))]
    async with faulty_client(scenario_host, *rules) as client:
        with logged_requests(caplog) as sent:
            result = await handle(client, scenario_model).act("Add", [add], config=SAY_OK)
    assert result.rounds == 3
    roles = [role for role, _ in sent.messages(2)]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]
    assert sent.messages(2)[:3] == sent.messages(1)
    assert sent.messages(2)[-1] == ("tool", ["7"])


def in_round(index: int) -> list[Any]:
    """Return the events that callbacks see in a round until its prediction is complete."""
    return [("start", index), (0.0, index), (1.0, index), ("first", index), ("ok", index)]


def merged(seen: list[Any]) -> list[Any]:
    """Return the events with their fragments joined and without progress between 0 and 1."""
    result: list[Any] = []
    for event in seen:
        value = event[0]
        if isinstance(value, float) and 0 < value < 1:
            continue
        if value == "k" and result and result[-1][0] == "o":
            result[-1] = ("ok", event[1])
        else:
            result.append(event)
    return result


async def test_callbacks(scenario_host: ScenarioServer, scenario_model: str) -> None:
    """All callbacks run in the order of events, and those that promise it get the round's index."""
    seen: list[Any] = []
    async with faulty_client(scenario_host, calling(("add", {"a": 1, "b": 2}))) as client:
        await handle(client, scenario_model).act(
            "Add",
            [add],
            config=SAY_OK,
            on_round_start=lambda index: seen.append(("start", index)),
            on_prompt_processing_progress=lambda value, index: seen.append((value, index)),
            on_first_token=lambda index: seen.append(("first", index)),
            on_prediction_fragment=lambda part, index: seen.append((part.content, index)),
            on_prediction_completed=lambda result: seen.append(("done", result.round_index)),
            on_message=lambda message: seen.append(message.role),
            on_round_end=lambda index: seen.append(("end", index)),
        )
    assert merged(seen) == [
        *in_round(0),
        ("done", 0),
        "assistant",
        "tool",
        ("end", 0),
        *in_round(1),
        ("done", 1),
        "assistant",
        ("end", 1),
    ]


async def test_collected_messages_continue_the_chat(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A chat to which each message was appended is the conversation for the next act()."""
    chat = Chat("Be brief.")
    chat.add_user_message("Add")
    async with faulty_client(scenario_host, calling(("add", {"a": 1, "b": 2}))) as client:
        llm = handle(client, scenario_model)
        with logged_requests(caplog) as sent:
            await llm.act(chat, [add], config=SAY_OK, on_message=chat.append)
            chat.add_user_message("Thanks")
            await llm.act(chat, [add], config=SAY_OK, on_message=chat.append)
    roles = [role for role, _ in sent.messages(2)]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert sent.messages(2)[:4] == sent.messages(1)


@pytest.mark.parametrize("limit", [2, None], ids=["two", "unlimited"])
async def test_parallel_calls(
    scenario_host: ScenarioServer,
    scenario_model: str,
    caplog: pytest.LogCaptureFixture,
    limit: int | None,
) -> None:
    """With a limit of two or none, the two calls of a round run at the same time."""
    meeting = threading.Barrier(2, timeout=20)

    def meet(name: str) -> str:
        """Wait for the other call."""
        meeting.wait()
        return name

    calls = calling(("meet", {"name": "Ann"}), ("meet", {"name": "Bob"}))
    async with faulty_client(scenario_host, calls) as client:
        with logged_requests(caplog) as sent:
            await handle(client, scenario_model).act(
                "Meet", [meet], config=SAY_OK, max_parallel_tool_calls=limit
            )
    assert sent.result_ids(1) == {"id-0": '"Ann"', "id-1": '"Bob"'}


async def test_one_call_at_a_time(scenario_host: ScenarioServer, scenario_model: str) -> None:
    """By default the calls of a round run one after the other, in the order of the requests."""
    order: list[str] = []

    def note(name: str) -> None:
        """Note when the call begins and ends."""
        order.append(f"{name} begins")
        threading.Event().wait(0.02)  # long enough for another call to begin, if one may
        order.append(f"{name} ends")

    calls = calling(("note", {"name": "a"}), ("note", {"name": "b"}))
    async with faulty_client(scenario_host, calls) as client:
        await handle(client, scenario_model).act("Note", [note], config=SAY_OK)
    assert order == ["a begins", "a ends", "b begins", "b ends"]


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (("subtract", {}), "Cannot find tool with name subtract."),
        (
            ("add", {"a": 1}),
            "Failed to parse arguments for tool add: Object missing required field `b`",
        ),
        (
            ("add", {"a": "one", "b": 2}),
            "Failed to parse arguments for tool add: Expected `int`, got `str` - at `$.a`",
        ),
        (("broken", {}), "\"Unhandled Python exception: LookupError('lost')\""),
    ],
    ids=["unknown tool", "missing argument", "wrong argument", "exception"],
)
async def test_failed_call(
    scenario_host: ScenarioServer,
    scenario_model: str,
    caplog: pytest.LogCaptureFixture,
    call: tuple[str, dict[str, Any]],
    result: str,
) -> None:
    """The model learns what was wrong with a call, beside the results of the other calls."""
    calls = calling(call, ("add", {"a": 1, "b": 2}))
    async with faulty_client(scenario_host, calls) as client:
        with logged_requests(caplog) as sent:
            acted = await handle(client, scenario_model).act("Go", [add, broken], config=SAY_OK)
    assert acted.rounds == 2
    assert sent.result_ids(1) == {"id-0": result, "id-1": "3"}


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text", '"text"'),
        (None, "null"),
        ([1, {"a": 2.5}], '[1, {"a": 2.5}]'),
        ("Größe 🎉", '"Größe 🎉"'),
    ],
    ids=["text", "none", "nested", "unicode"],
)
async def test_results_are_json(
    scenario_host: ScenarioServer,
    scenario_model: str,
    caplog: pytest.LogCaptureFixture,
    value: Any,
    content: str,
) -> None:
    """A tool's result reaches the model as JSON without escapes for other scripts."""

    def get() -> Any:
        """Get the value."""
        return value

    async with faulty_client(scenario_host, calling(("get", {}))) as client:
        with logged_requests(caplog) as sent:
            await handle(client, scenario_model).act("Get", [get], config=SAY_OK)
    assert sent.result_ids(1) == {"id-0": content}


async def test_result_that_is_no_json(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A result that JSON cannot express reaches the model like an exception of the tool."""

    def get() -> Any:
        """Get a set."""
        return {1}

    async with faulty_client(scenario_host, calling(("get", {}))) as client:
        with logged_requests(caplog) as sent:
            await handle(client, scenario_model).act("Get", [get], config=SAY_OK)
    (content,) = sent.result_ids(1).values()
    assert content.startswith('"Unhandled Python exception: TypeError(')


# sync: skip
async def test_async_tool(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine function can be a tool, and it runs in the caller's event loop."""
    threads: list[int] = []

    async def here(name: str) -> str:
        """Note the thread."""
        threads.append(threading.get_ident())
        return name

    async with faulty_client(scenario_host, calling(("here", {"name": "Ann"}))) as client:
        with logged_requests(caplog) as sent:
            await handle(client, scenario_model).act("Go", [here], config=SAY_OK)
    assert threads == [threading.get_ident()]
    assert sent.result_ids(1) == {"id-0": '"Ann"'}


async def test_tool_definitions_of_every_kind(
    scenario_host: ScenarioServer, scenario_model: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Functions, definition objects and dicts can be offered together and called."""
    tools = [
        add,
        ToolFunctionDef.from_callable(add, name="plus"),
        {"name": "sum", "description": "x", "parameters": {"a": int}, "implementation": abs},
    ]
    async with faulty_client(scenario_host, calling(("plus", {"a": 2, "b": 3}))) as client:
        with logged_requests(caplog) as sent:
            await handle(client, scenario_model).act("Go", tools, config=SAY_OK)  # type: ignore[arg-type]
    assert sent.tools(0) == ["add", "plus", "sum"]
    assert sent.result_ids(1) == {"id-0": "5"}

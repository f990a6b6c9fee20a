"""A plugin in a separate process, whose hooks the tests call with turns of a chat."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sdk_tests.expected_items import Items, next_item
from sdk_tests.plugin_process import PluginProcess, plugin_process, write_plugin
from sdk_tests.plugin_turns import events_of_kind, started_turn, turn
from sdk_tests.scenarios import ScenarioServer
from sdk_tests.sdk_releases import known_bug, since

pytestmark = [pytest.mark.embedded, pytest.mark.slow, since("1.5.0")]

SOURCE = (Path(__file__).parent / "plugin_sources" / "helper.py").read_text(encoding="utf-8")
NAME = "helper"
IDENTIFIER = f"tests/{NAME}"
PREPROCESSING = f"Prompt preprocessing error in plugin '{NAME}'"


@pytest.fixture(scope="module")
def plugin(
    scenario_host: ScenarioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PluginProcess]:
    """Provide the plugin of plugin_sources/helper.py, ready for turns."""
    folder = write_plugin(tmp_path_factory.mktemp("plugins") / NAME, SOURCE)
    with plugin_process(scenario_host.address, folder) as running:
        running.wait_for(f"Plugin '{NAME}' running, press Ctrl-C to terminate...")
        yield running


@pytest.fixture
def address(scenario_host: ScenarioServer, plugin: PluginProcess) -> str:
    """Provide the "host:port" of the server on which the plugin runs."""
    return scenario_host.address


def through(address: str, text: str, **options: object) -> Items[dict[str, Any]]:
    """Return the events of a turn through the plugin."""
    return turn(address, text, plugins=[IDENTIFIER], **options)


def message(text: str) -> dict[str, Any]:
    """Return a user message."""
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def preprocessed(events: list[dict[str, Any]]) -> str:
    """Return the text that the plugin made of the user's message."""
    (event,) = events_of_kind(events, "preprocessed")
    (part,) = event["message"]["content"]
    return str(part["text"])


def call(address: str, name: str, **arguments: object) -> Items[dict[str, Any]]:
    """Return the events of a turn that calls a tool, beginning with the call's own."""
    events = through(address, "keep", calls=[{"name": name, "arguments": arguments}])
    assert [event["event"] for event in events[:2]] == ["preprocessed", "tools"]
    return Items(events[2:])


def test_registration(scenario_host: ScenarioServer, plugin: PluginProcess) -> None:
    """A running plugin is registered under owner/name, with its hooks, and is ready."""
    registered = scenario_host.request("GET", "/control/plugins")["plugins"]
    (info,) = [info for info in registered if info["identifier"] == IDENTIFIER]
    assert info["ready"]
    assert info["hasPromptPreprocessor"]
    assert info["hasToolsProvider"]
    assert not info["hasGenerator"]
    assert not info["hasPredictionLoopHandler"]


def test_default_settings(address: str) -> None:
    """A plugin gets its declared defaults in a turn without settings."""
    assert preprocessed(through(address, "you")) == "Hello, you 1.5!"


def test_settings_reach_the_plugin(address: str) -> None:
    """A plugin gets the turn's values for its settings of the chat and of all chats."""
    settings = {"ending": "?", "times": 2, "factor": 0.25, "loud": True, "greeting": "Dear"}
    assert preprocessed(through(address, "you", settings=settings)) == "DEAR YOU YOU 0.25?"


def test_undeclared_settings_are_ignored(address: str) -> None:
    """A value for a setting that the plugin has not declared changes nothing."""
    assert preprocessed(through(address, "you", settings={"colour": "red"})) == "Hello, you 1.5!"


def test_preprocessed_message_replaces_the_users(address: str) -> None:
    """The preprocessor's result replaces the user's message, and earlier messages remain."""
    before = [message("earlier")]
    (done,) = events_of_kind(through(address, "you", messages=before), "done")
    assert done["messages"] == [message("earlier"), message("Hello, you 1.5!")]


def test_preprocessor_that_changes_nothing(address: str) -> None:
    """A preprocessor that returns None leaves the user's message unchanged."""
    assert preprocessed(through(address, "keep")) == "keep"


def test_preprocessor_that_returns_its_argument(address: str) -> None:
    """A preprocessor may change the message object and return it instead of a dict."""
    assert preprocessed(through(address, "as object")) == "Hello, as object 1.5!"


def test_status_updates(address: str) -> None:
    """Status blocks are created and updated in the order of the calls, each with its own id."""
    updates = [event["update"] for event in events_of_kind(through(address, "report"), "update")]
    assert [(update["type"], *update["state"].values()) for update in updates] == [
        ("status.create", "waiting", "starting"),
        ("status.update", "loading", "working"),
        ("status.update", "waiting", "waiting"),
        ("status.update", "error", "failed"),
        ("status.update", "canceled", "canceled"),
        ("status.update", "done", "done"),
        ("status.create", "done", "all done"),
    ]
    assert len({update["id"] for update in updates[:6]}) == 1
    assert updates[6]["id"] != updates[0]["id"]


def failure(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the error that ended a turn."""
    assert events[-1]["event"] == "error"
    error: dict[str, Any] = events[-1]["error"]
    return error


def test_failed_preprocessor(address: str) -> None:
    """An exception in the preprocessor ends the turn with an error that names the plugin."""
    error = failure(through(address, "fail"))
    assert error["title"] == error["rootTitle"] == PREPROCESSING
    assert error["cause"].startswith("Error calling prompt preprocessing hook\n(")
    assert preprocessed(through(address, "you")) == "Hello, you 1.5!"


@known_bug(
    "The preprocessor runs in a task group, which wraps its exception: the cause that is shown to"
    ' the user is "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)" for'
    " any exception."
)
def test_failed_preprocessor_says_why(address: str) -> None:
    """The error of a failed preprocessor must name the exception that it raised."""
    assert "(LookupError: lost)" in failure(through(address, "fail"))["cause"]


def test_preprocessor_that_returns_nonsense(address: str) -> None:
    """A preprocessor's result of another type raises an error that names the type."""
    assert failure(through(address, "nonsense")) == {
        "title": PREPROCESSING,
        "rootTitle": PREPROCESSING,
        "cause": "Prompt preprocessing hook returned 'str' ('UserMessage' expected)",
    }


def test_preprocessor_that_returns_another_role(address: str) -> None:
    """A preprocessor's message of another role raises an error that names the field."""
    cause = failure(through(address, "assistant"))["cause"]
    assert cause.startswith("Failed to parse prompt preprocessing response as UserMessage\n(")
    assert "$.role" in cause


def test_abort_of_the_preprocessor(address: str, plugin: PluginProcess) -> None:
    """An aborted turn cancels the preprocessor, and the plugin stays usable."""
    with started_turn(address, "hang", plugins=[IDENTIFIER]) as events:
        first = next_item(events, "an update of the status")
        assert first["update"]["state"] == {"status": "waiting", "text": "hanging"}
    line = plugin.wait_for('"event": "Aborted request ')
    assert re.search(r'"Aborted request [0-9a-f]+"', line)
    assert preprocessed(through(address, "you")) == "Hello, you 1.5!"


def test_tool_definitions(address: str) -> None:
    """Tools are offered with name, docstring and annotations, like those of act()."""
    (event,) = events_of_kind(through(address, "keep"), "tools")
    tools = {tool["function"]["name"]: tool for tool in event["definitions"][IDENTIFIER]}
    assert list(tools) == ["divide", "count", "confuse", "hang"]
    assert tools["divide"] == {
        "type": "function",
        "function": {
            "name": "divide",
            "description": "Divide two numbers.",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
                "required": ["a", "b"],
            },
        },
    }


def test_tool_call(address: str) -> None:
    """A tool in a thread reports its status and returns its result as JSON."""
    events = call(address, "divide", a=3, b=2)
    assert events[:2] == [
        {"event": "toolStatus", "tool": "divide", "text": "3.0 by 2.0"},
        {"event": "toolResult", "tool": "divide", "result": 1.5},
    ]
    request, result = events[2]["messages"][1:]
    assert request["content"][0]["toolCallRequest"]["arguments"] == {"a": 3, "b": 2}
    assert result["content"][0]["content"] == "1.5"


def test_async_tool_call(address: str) -> None:
    """A coroutine as a tool reports its status and returns a structured result."""
    assert call(address, "count", words=["a", "bcd"])[:2] == [
        {"event": "toolStatus", "tool": "count", "text": "counting"},
        {"event": "toolResult", "tool": "count", "result": {"a": 1, "bcd": 3}},
    ]


def test_failed_tool_call(address: str) -> None:
    """A tool's warning and exception are reported with tool, plugin and cause."""
    status, warning, error, done = call(address, "divide", a=1, b=0)
    assert status["text"] == "1.0 by 0.0"
    assert warning == {"event": "toolWarning", "tool": "divide", "text": "that goes wrong"}
    cause = error["error"]["cause"]
    assert cause.startswith("ZeroDivisionError: ")
    title = f"Error calling tool divide in plugin 'helper' ({cause})"
    assert error["error"]["title"] == error["error"]["rootTitle"] == title
    assert done["messages"][-1]["content"][0]["content"] == title


def test_tool_call_with_wrong_arguments(address: str) -> None:
    """Wrong arguments for a tool raise an error that names the wrong one."""
    error = call(address, "divide", a="three", b=2)[0]["error"]
    assert error["cause"] == (
        "ServerRequestError: Failed to parse arguments for tool divide:"
        " Expected `float`, got `str` - at `$.a`"
    )


def test_wrong_context_for_a_tool(address: str) -> None:
    """A coroutine that asks for the wrong tool context gets an error with the right function."""
    error = call(address, "confuse")[0]["error"]
    assert error["cause"].startswith("LMStudioPluginRuntimeError: ")
    assert "get_tool_call_context_async()" in error["cause"]


def test_several_calls_in_a_turn(address: str) -> None:
    """The calls of one turn all run, in order."""
    calls = [{"name": "divide", "arguments": {"a": n, "b": 1}} for n in (1, 2, 3)]
    results = events_of_kind(through(address, "keep", calls=calls), "toolResult")
    assert [event["result"] for event in results] == [1.0, 2.0, 3.0]


def test_abort_of_a_tool_call(address: str, plugin: PluginProcess) -> None:
    """An aborted turn cancels the tool's coroutine, and the plugin stays usable."""
    calls = [{"name": "hang", "arguments": {}}]
    with started_turn(address, "keep", plugins=[IDENTIFIER], calls=calls) as events:
        while next_item(events, "a toolStatus")["event"] != "toolStatus":
            pass
    plugin.wait_for('"event": "Aborting tool_call ')
    assert call(address, "divide", a=1, b=1)[1]["result"] == 1.0


def test_failed_tools_provider(address: str) -> None:
    """An exception in the tools provider ends the turn with an error and its cause."""
    assert failure(through(address, "keep", settings={"ending": "no tools"})) == {
        "title": "Tools listing error in plugin 'helper'",
        "rootTitle": "Tools listing error in plugin 'helper'",
        "cause": "Error calling tools listing hook\n(LookupError: none today)",
    }

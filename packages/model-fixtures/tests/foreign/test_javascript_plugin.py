"""Development plugins in JavaScript, and turns of a chat through them."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import connect

from .npm_packages import install

PLUGINS = Path(__file__).parent / "javascript_plugin"
PATIENCE = 120.0  # seconds for a process to be ready or to end, on a machine under load

StartPlugin = Callable[[str], Any]
Event = dict[str, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """Provide a server through which tests may drive turns."""
    with EmbeddedServer(["--scenarios"]) as running:
        yield running


@pytest.fixture(scope="module", params=["1.5.0", "2.0.0"])
def packages(request: pytest.FixtureRequest, node: str) -> Path:
    """Provide the packages of each release of the SDK."""
    return install(f"lmstudio-{request.param}")


@pytest.fixture
def plugin(packages: Path, node: str, address: str, tmp_path: Path) -> StartPlugin:
    """Provide a context manager that runs the plugin of a file and yields its identifier."""
    folder = tmp_path / "plugin"
    shutil.copytree(PLUGINS, folder)
    (folder / "node_modules").symlink_to(packages / "node_modules")

    @contextmanager
    def run(name: str) -> Iterator[str]:
        identifier = f"foreign/{name.replace('_', '-')}"
        process = subprocess.Popen(
            [node, "run_plugin.mjs", f"ws://{address}", f"plugins/{name}.mjs", identifier],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        try:
            assert "ready\n" in process.stdout  # what the SDK writes before is read, too
            yield identifier
            process.stdin.close()
            assert process.stdout.readlines()[-1] == "ended\n"
            assert process.wait() == 0
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
            process.stdin.close()

    return run


def turn(address: str, identifier: str, text: str, **options: Any) -> list[Event]:
    """Drive a turn through a plugin and return its events, as `plugins/chat_turn.py` names them."""
    body = {"plugins": [identifier], "text": text, **options}
    answer = httpx.post(f"http://{address}/control/turns", json=body, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.iter_lines()]


def of_kind(events: list[Event], *kinds: str) -> list[Event]:
    """Return the events of some kinds."""
    return [event for event in events if event["event"] in kinds]


def test_tools(plugin: StartPlugin, address: str) -> None:
    """A turn offers the plugin's tools and calls them; status, warning and error reach the chat."""
    calls = [
        {"name": "add", "arguments": {"a": 1, "b": 2}},
        {"name": "add", "arguments": {"a": 999, "b": 2}},
        {"name": "fail", "arguments": {}},
    ]
    with plugin("tools") as identifier:
        events = turn(address, identifier, "Hi", calls=calls)
    (offered,) = of_kind(events, "tools")
    tools = {each["function"]["name"]: each for each in offered["definitions"][identifier]}
    assert list(tools) == ["add", "fail", "hang"]
    assert tools["add"]["function"]["description"] == "Add two numbers."
    assert sorted(tools["add"]["function"]["parameters"]["required"]) == ["a", "b"]
    happened = of_kind(events, "toolStatus", "toolWarning", "toolResult", "toolError")
    assert happened[:-1] == [
        {"event": "toolStatus", "tool": "add", "text": "adding 1 and 2"},
        {"event": "toolResult", "tool": "add", "result": 3},
        {"event": "toolStatus", "tool": "add", "text": "adding 999 and 2"},
        {"event": "toolWarning", "tool": "add", "text": "that is a lot"},
        {"event": "toolResult", "tool": "add", "result": 1001},
    ]
    assert happened[-1]["event"] == "toolError"
    assert "out of order" in str(happened[-1])
    assert events[-1]["event"] == "done"


def test_preprocessor(plugin: StartPlugin, address: str) -> None:
    """A preprocessor changes the message by the chat's settings and reports its status."""
    with plugin("preprocessor") as identifier:
        events = turn(address, identifier, "Ada", settings={"ending": "?", "times": 2})
        failed = turn(address, identifier, "fail")
    (message,) = of_kind(events, "preprocessed")
    assert "Hello, Ada Ada?" in str(message)
    states = [str(event) for event in of_kind(events, "update")]
    assert any("preprocessing" in state for state in states)
    assert failed[-1]["event"] == "error"
    assert "out of order" in str(failed[-1])


def test_prediction_loop(plugin: StartPlugin, address: str) -> None:
    """A prediction loop handler writes the answer itself."""
    with plugin("prediction_loop") as identifier:
        events = turn(address, identifier, "Hello")
    assert len(of_kind(events, "loopHandled")) == 1
    assert "You said: Hello" in str(of_kind(events, "update"))
    assert events[-1]["event"] == "done"


def test_generator(plugin: StartPlugin, address: str) -> None:
    """A generator's fragments arrive one by one."""

    async def generate(identifier: str) -> list[Event]:
        request = {
            "pluginIdentifier": identifier,
            "pluginConfigSpecifier": {"type": "direct", "config": {"fields": []}},
            "tools": [],
            "history": {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "one two three"}]}
                ]
            },
        }
        async with (
            connect(address, "plugins") as plugins,
            plugins.channel("generateWithGenerator", request) as channel,
        ):
            return [packet async for packet in channel]

    with plugin("generator") as identifier:
        packets = anyio.run(generate, identifier)
    pieces = [each["fragment"]["content"] for each in packets if each["type"] == "fragment"]
    assert pieces == ["one ", "two ", "three "]
    assert packets[-1]["type"] == "success"

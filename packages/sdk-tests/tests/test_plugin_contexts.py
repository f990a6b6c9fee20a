"""What plugins report while they work: status blocks, and the status and warnings of tools."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lmstudio.json_api import ClientBase
from lmstudio.plugin import AsyncToolCallContext, ToolCallContext, run_plugin_async
from sdk_tests.plugin_process import write_plugin
from sdk_tests.scripted_host import scripted_host

REQUEST: dict[str, Any] = {
    "type": "preprocess",
    "taskId": "task-1",
    "input": {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    "config": {"fields": []},
    "pluginConfig": {"fields": []},
    "globalPluginConfig": {"fields": []},
    "workingDirectoryPath": None,
    "enabledPluginInfos": [],
    "pci": "a-context",
    "token": "a-token",
}


async def updates_of(body: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the updates that a preprocessor with this body sends during one request."""
    monkeypatch.setenv("LMS_PLUGIN_CLIENT_IDENTIFIER", "an-identifier")
    monkeypatch.setenv("LMS_PLUGIN_CLIENT_PASSKEY", "a-passkey")
    source = f"async def preprocess_prompt(ctl, message):\n    {body}\n"
    with scripted_host() as host:
        port = int(host.address.rpartition(":")[2])
        monkeypatch.setattr(ClientBase, "_DEFAULT_API_PORTS", (port,))
        host.packets["setPromptPreprocessor"] = [REQUEST]
        with pytest.warns(FutureWarning, match="the plugin API is not yet stable"):
            await run_plugin_async(write_plugin(folder / "reporting", source))
        updates = list(host.parameters("processingHandleUpdate"))
    assert {(each["pci"], each["token"]) for each in updates} == {("a-context", "a-token")}
    return [each["update"] for each in updates]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("waiting", "waiting"),
        ("working", "loading"),
        ("error", "error"),
        ("canceled", "canceled"),
        ("done", "done"),
    ],
)
async def test_status_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, status: str
) -> None:
    """A status block is created as waiting, and each report updates the same block."""
    body = f"await (await ctl.notify_start('first')).notify_{method}('second')"
    created, updated = await updates_of(body, tmp_path, monkeypatch)
    assert (created["type"], created["state"]) == (
        "status.create",
        {"status": "waiting", "text": "first"},
    )
    assert updated == {
        "type": "status.update",
        "id": created["id"],
        "state": {"status": status, "text": "second"},
    }


@pytest.mark.anyio
async def test_status_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finished task is reported in a block of its own."""
    (created,) = await updates_of("await ctl.notify_done('all done')", tmp_path, monkeypatch)
    assert created.pop("id"), "the block has no id"
    assert created == {"type": "status.create", "state": {"status": "done", "text": "all done"}}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [ToolCallContext, AsyncToolCallContext])
async def test_tool_reports(kind: type) -> None:
    """A tool's status and warnings name its session and its call."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    context = kind("session-1", "call-1", send)
    if isinstance(context, AsyncToolCallContext):
        await context.notify_status("half done")
        await context.notify_warning("nearly full")
    else:  # in a thread, as such tools run: it waits until the message has been sent
        await asyncio.to_thread(context.notify_status, "half done")
        await asyncio.to_thread(context.notify_warning, "nearly full")
    call = {"sessionId": "session-1", "callId": "call-1"}
    assert sent == [
        {"type": "toolCallStatus", **call, "statusText": "half done"},
        {"type": "toolCallWarn", **call, "warnText": "nearly full"},
    ]

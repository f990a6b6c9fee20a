"""Send mutated frames of real sessions to a server, which must not crash, hang or lose a worker.

The script first records sessions of the SDK. It mutates the keys, values and bytes of their frames,
and of frames to endpoints that the SDK calls only in plugins or not at all. After each batch the
server must answer on a new connection, with the same instance of the model loaded. At the end, the
server's log must not have an internal error.

    hatch run measure:fuzz [--frames 50000] [--seed 1]
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import lmstudio
from lmstudio._ws_impl import AsyncWebsocketHandler
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import ConnectionLostError, Credentials, connect, connect_raw
from model_fixtures.wire_client.override_stack import override_stack

MODEL = "smollm2-135m-instruct"
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
BATCH = 250
ANSWER_SECONDS = 20.0
QUERY = {"type": "query", "query": {"identifier": MODEL}}
STACK = override_stack(
    {
        "llm.prediction.temperature": 0.5,
        "llm.prediction.maxPredictedTokens": {"checked": True, "value": 2},
        "llm.prediction.stopStrings": ["x"],
    }
)
CHAT = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
SPECIFIED = {"specifier": QUERY}
ODD_VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    2**63,
    -(2**70),
    1e308,
    "",
    "x" * 5000,
    "\x00\ud83d\ude00",
    "__proto__",
    [],
    {},
    [[[[]]]],
    {"type": "query"},
    {"type": "cancel"},
    {"checked": True},
]


def rpc_call(endpoint: str, parameter: Any = None) -> dict[str, Any]:
    """Return the message of a call, as the SDK sends it."""
    message: dict[str, Any] = {"type": "rpcCall", "endpoint": endpoint, "callId": 1}
    return message if parameter is None else {**message, "parameter": parameter}


def channel(endpoint: str, parameter: Any = None, *packets: Any) -> list[dict[str, Any]]:
    """Return the messages that open a channel and send packets on it."""
    create: dict[str, Any] = {"type": "channelCreate", "endpoint": endpoint, "channelId": 1}
    if parameter is not None:
        create["creationParameter"] = parameter
    sends = [{"type": "channelSend", "channelId": 1, "message": packet} for packet in packets]
    return [create, *sends]


CANCEL = {"type": "cancel"}
UNLOAD_NOBODY = rpc_call("unloadModel", {"identifier": "nobody"})
# Messages that no recording has: those of plugins, and those after a cancel or a stop.
PREDICT = {"modelSpecifier": QUERY, "history": CHAT, "predictionConfigStack": STACK}
WRITTEN: dict[str, list[dict[str, Any]]] = {
    "llm": [
        *channel("predict", PREDICT, CANCEL),
        *channel("getOrLoad", {"identifier": MODEL, "loadConfigStack": STACK}, CANCEL),
        *channel("loadModel", {"modelKey": "nobody", "loadConfigStack": STACK}, CANCEL),
        rpc_call("listLoaded"),
        rpc_call("getModelInfo", {**SPECIFIED, "throwIfNotFound": True}),
        rpc_call("getLoadConfig", SPECIFIED),
        rpc_call("tokenize", {**SPECIFIED, "inputString": "Hello world"}),
        rpc_call("countTokens", {**SPECIFIED, "inputString": "Hello world"}),
        rpc_call(
            "applyPromptTemplate",
            {**SPECIFIED, "history": CHAT, "predictionConfigStack": STACK, "opts": {}},
        ),
        {"type": "keepAlive"},
        UNLOAD_NOBODY,
    ],
    "embedding": [
        rpc_call("embedString", {"modelSpecifier": QUERY, "inputString": "Hi"}),
        rpc_call("listLoaded"),
        UNLOAD_NOBODY,
    ],
    "system": [
        rpc_call("listDownloadedModels"),
        rpc_call("version"),
        rpc_call("notify", {"title": "t", "description": "d"}),
        *channel("alive"),
    ],
    "files": [
        rpc_call("uploadFileBase64", {"name": "a.txt", "contentBase64": "aGVsbG8="}),
        rpc_call("getLocalFileAbsolutePath", {"fileName": "nobody"}),
        *channel("parseDocument", {"fileIdentifier": "nobody", "parseOpts": {}}, CANCEL),
        *channel(
            "retrieve",
            {"query": "q", "fileIdentifiers": ["nobody"], "config": {"fields": []}},
            {"type": "stop"},
        ),
    ],
    "repository": [
        rpc_call("searchModels", {"opts": {"searchTerm": "nothing of this name", "limit": 3}}),
        *channel("downloadModel", {"downloadIdentifier": "nobody"}, CANCEL),
    ],
    "plugins": [
        *channel(
            "registerDevelopmentPlugin",
            {"manifest": {"type": "plugin", "runner": "node", "owner": "a", "name": "b"}},
            {"type": "end"},
        ),
        *channel("setToolsProvider"),
        rpc_call("pluginInitCompleted"),
        rpc_call("processingHandleUpdate", {"pci": "p", "token": "t", "update": {"type": "x"}}),
    ],
    "diagnostics": [*channel("streamLogs", None, {"type": "stop"})],
}


Sessions = dict[str, list[dict[str, Any]]]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def use_the_sdk(address: str) -> None:
    """Use the SDK: predict, cancel, embed, upload, search, load models and list them."""
    with lmstudio.Client(address) as client:
        model = client.llm.model(MODEL)
        model.complete("Once", config={"maxTokens": 2, "temperature": 0.5})
        chat = lmstudio.Chat("Be brief.")
        chat.add_user_message("Hi", images=[])
        model.respond(chat, response_format={"type": "object"}, config={"maxTokens": 3})
        with model.respond_stream("Tell me a story.") as stream:
            stream.cancel()
        model.act("Add 1 and 2.", [add], max_prediction_rounds=1, config={"maxTokens": 3})
        model.tokenize("Hello world")
        model.count_tokens("Hello world")
        model.apply_prompt_template(chat)
        model.get_info()
        model.get_load_config()
        client.embedding.model(EMBEDDING).embed(["a", "b"])
        client.embedding.unload(EMBEDDING)
        client.llm.load_new_instance(MODEL, ttl=60, config={"contextLength": 512}).unload()
        client.prepare_image(b"hello", "a.png")
        client.list_downloaded_models()
        client.list_loaded_models()
        client.repository.search_models("nothing of this name", limit=3)


def record(address: str) -> Sessions:
    """Return the messages that the SDK sends and those of `WRITTEN`, by namespace."""
    found: Sessions = {namespace: [] for namespace in WRITTEN}
    send = AsyncWebsocketHandler.send_json

    async def noting(handler: Any, message: Any) -> None:
        found[urlsplit(handler._ws_url).path.strip("/")].append(message)
        await send(handler, message)

    logging.getLogger("lmstudio").setLevel(logging.ERROR)  # the SDK warns of packets after a cancel
    AsyncWebsocketHandler.send_json = noting  # type: ignore[assignment, method-assign]
    try:
        use_the_sdk(address)
    finally:
        AsyncWebsocketHandler.send_json = send  # type: ignore[method-assign]
    # Without the clients' authentication, and without calls that unload the model.
    return {
        name: WRITTEN[name]
        + [each for each in sent if "type" in each and each.get("endpoint") != "unloadModel"]
        for name, sent in found.items()
    }


class FrameMutator:
    """Makes random mutations of messages; the same seed makes the same ones."""

    def __init__(self, sessions: Sessions, seed: int) -> None:
        self._sessions = sessions
        self._random = random.Random(seed)  # noqa: S311 (a seeded run, not a secret)

    def frame(self) -> tuple[str, str | bytes]:
        """Return a namespace and a mutated frame for it."""
        choose = self._random.choice
        sessions = self._sessions
        namespace = choose(list(sessions))
        # Rarely a message of another namespace.
        message = json.loads(json.dumps(choose(sessions[choose([namespace] * 9 + ["llm"])])))
        for number in ("callId", "channelId"):
            if number in message:
                message[number] = self._random.randrange(40)
        for _ in range(self._random.randrange(4)):
            self._change_json(message)
        text = json.dumps(message)
        if self._random.random() < 0.4:
            return namespace, self._change_bytes(text.encode())
        return namespace, text

    def _change_json(self, message: dict[str, Any]) -> None:
        """Delete, replace, copy or double the value at one place in a message."""
        places: list[tuple[Any, Any]] = []

        def visit(value: Any) -> None:
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, inner in list(items):
                places.append((value, key))
                if isinstance(inner, (dict, list)):
                    visit(inner)

        visit(message)
        if not places:
            return
        holder, key = self._random.choice(places)
        kind = self._random.randrange(4)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            holder[key] = copy.deepcopy(self._random.choice(ODD_VALUES))
        elif kind == 2 and isinstance(holder, dict):
            holder[str(key) + "x"] = copy.deepcopy(holder[key])
        else:
            holder[key] = [holder[key], holder[key]]

    def _change_bytes(self, data: bytes) -> str | bytes:
        """Cut, change or insert bytes; half of the results are binary frames."""
        changed = bytearray(data)
        for _ in range(self._random.randrange(1, 5)):
            place = self._random.randrange(len(changed) + 1)
            kind = self._random.randrange(3)
            if kind == 0:
                del changed[place:]
            elif kind == 1 and place < len(changed):
                changed[place] ^= 1 << self._random.randrange(8)
            else:
                changed[place:place] = self._random.randbytes(3)
        if self._random.random() < 0.5:
            return bytes(changed)
        return changed.decode(errors="replace")


async def send_batch(address: str, frames: list[tuple[str, str | bytes]]) -> None:
    """Send each frame on a connection to its namespace; drop the answers."""
    for namespace in WRITTEN:
        mine = [frame for name, frame in frames if name == namespace]
        async with connect_raw(address, namespace, open_timeout=ANSWER_SECONDS) as raw:
            await raw.authenticate(Credentials.guest())
            async with anyio.create_task_group() as tasks:

                async def drain() -> None:
                    try:
                        while True:
                            await raw.next_frame()
                    except ConnectionLostError:
                        return

                tasks.start_soon(drain)
                for frame in mine:
                    await raw.send(frame)
                tasks.cancel_scope.cancel()


async def check(address: str, reference: str) -> None:
    """Check that the server answers and still has the same model instance; unload all others.

    Raises:
        RuntimeError: the instance or its worker is gone.
        TimeoutError: the server hangs.
    """
    with anyio.fail_after(ANSWER_SECONDS):
        async with connect(address, "llm") as llm:
            for info in await llm.rpc("listLoaded"):
                if info["instanceReference"] != reference:
                    await llm.rpc("unloadModel", {"identifier": info["identifier"]})
            references = [one["instanceReference"] for one in await llm.rpc("listLoaded")]
            if references != [reference]:
                raise RuntimeError("the loaded instance is gone")
            await llm.rpc("countTokens", {**SPECIFIED, "inputString": "alive"})


async def run(
    address: str, sessions: Sessions, total: int, seed: int, report: Callable[[int], None]
) -> None:
    """Load an instance of the model, then send all frames in batches and check after each."""
    async with connect(address, "llm") as llm:
        request = {"modelKey": MODEL, "loadConfigStack": {"layers": []}}
        async with llm.channel("loadModel", request) as loading:
            packets = [packet async for packet in loading]
        reference = packets[-1]["info"]["instanceReference"]
        mutator = FrameMutator(sessions, seed)
        for sent in range(0, total, BATCH):
            frames = [mutator.frame() for _ in range(min(BATCH, total - sent))]
            await send_batch(address, frames)
            await check(address, reference)
            report(sent + len(frames))


def main() -> int:
    """Read the command line and run; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:fuzz", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--frames", type=int, default=50_000, help="frames to send (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the mutations (default: %(default)s)"
    )
    options = parser.parse_args()
    begun = time.monotonic()

    def report(sent: int) -> None:
        if sent % 5000 == 0 or sent == options.frames:
            print(f"{sent} frames, {time.monotonic() - begun:.0f} s", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "server.log")
        with EmbeddedServer(log=log) as server:
            sessions = record(server.address)
            count = sum(map(len, sessions.values()))
            written = sum(map(len, WRITTEN.values()))
            print(f"{count - written} recorded messages and {written} others", flush=True)
            anyio.run(run, server.address, sessions, options.frames, options.seed, report)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    failures = [line for line in lines if "Traceback" in line or " failed" in line]
    for line in failures:
        print(f"in the log: {line}")
    if failures:
        return 1
    print(f"seed {options.seed}: no crash, no hang, no worker lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Load a server with many clients that come and go, and check that nothing of theirs is left.

For a minute, 200 clients at a time connect, upload, tokenize, predict, cancel and leave, some of
them by cutting the connection. After that the server must have no more clients, files, tasks,
workers and file handles than before, and at most a tenth more memory.

    hatch run measure:soak [--seconds 60] [--clients 200] [--seed 1]
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import httpx
import psutil
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import Connection, Credentials, WireError, connect
from wire_requests import prediction_request, token_limit

MODEL = "smollm2-135m-instruct"
QUIET_SECONDS = 15.0  # that the server may take to clean up
STACK: dict[str, Any] = {"layers": []}
ACTIONS = ("upload", "predict", "cancel", "vanish", "tokenize", "idle")


class Soak:
    """The clients of a run, and counts of what they did and what failed."""

    def __init__(self, address: str, seed: int) -> None:
        self.address = address
        self.random = random.Random(seed)  # noqa: S311 (a seeded run, not a secret)
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.specifier = {"type": "query", "query": {"identifier": MODEL}}

    async def client(self, until: float) -> None:
        """Run one client after the other until this monotonic time."""
        while time.monotonic() < until:
            identity = Credentials.guest()
            action = getattr(self, self.random.choice(ACTIONS))
            try:
                await action(identity)
                self.done[action.__name__] += 1
            except WireError as error:
                self.failed[f"{action.__name__}: {type(error).__name__}: {error}"] += 1

    async def upload(self, identity: Credentials) -> None:
        """Upload up to 200 kB; every other client cuts the connection afterwards."""
        data = self.random.randbytes(self.random.randrange(200_000))
        content = base64.b64encode(data).decode()
        async with connect(self.address, "files", identity, open_timeout=30) as files:
            await files.rpc("uploadFileBase64", {"name": "soak", "contentBase64": content})
            if self.random.random() < 0.5:
                files.raw.drop()

    async def predict(self, identity: Credentials) -> None:
        """Wait for a short answer."""
        request = self._request(self.random.randrange(1, 6))
        async with (
            connect(self.address, "llm", identity, open_timeout=30) as llm,
            llm.channel("predict", request) as channel,
        ):
            async for _ in channel:
                pass

    async def cancel(self, identity: Credentials) -> None:
        """Cancel an answer and wait for its end."""
        async with (
            connect(self.address, "llm", identity, open_timeout=30) as llm,
            llm.channel("predict", self._request(400)) as channel,
        ):
            await anyio.sleep(self.random.random())
            await channel.cancel()
            async for _ in channel:
                pass

    async def vanish(self, identity: Credentials) -> None:
        """Cut the connection during an answer."""
        async with (
            connect(self.address, "llm", identity, open_timeout=30) as llm,
            llm.channel("predict", self._request(400)),
        ):
            await anyio.sleep(self.random.random())
            llm.raw.drop()

    async def tokenize(self, identity: Credentials) -> None:
        """Tokenize a text and list the loaded models."""
        async with connect(self.address, "llm", identity, open_timeout=30) as llm:
            await self._tokenize(llm)
            await llm.rpc("listLoaded")

    async def idle(self, identity: Credentials) -> None:
        """Connect to several namespaces and do nothing."""
        async with (
            connect(self.address, "system", identity, open_timeout=30),
            connect(self.address, "diagnostics", identity, open_timeout=30) as diagnostics,
            diagnostics.channel("streamLogs"),
        ):
            await anyio.sleep(self.random.random())

    async def _tokenize(self, llm: Connection) -> None:
        text = "soak " * self.random.randrange(200)
        await llm.rpc("tokenize", {"specifier": self.specifier, "inputString": text})

    def _request(self, tokens: int) -> dict[str, Any]:
        settings = {"maxPredictedTokens": token_limit(tokens)}
        return prediction_request(MODEL, "Tell me a story.", settings)


def measure(server: EmbeddedServer) -> dict[str, int]:
    """Return how much the server and its process hold, by name."""
    holdings: dict[str, int] = httpx.get(
        f"http://{server.address}/control/holdings", timeout=30, trust_env=False
    ).json()
    assert server.pid is not None
    process = psutil.Process(server.pid)
    folders = Path(tempfile.gettempdir()).glob(f"lmstudio-model-fixtures-uploads-{server.pid}-*")
    return {
        **holdings,
        "handles": handles(process),
        "workers": len(process.children()),
        "temporary files": sum(
            len(list(folder.iterdir())) for folder in folders if folder.is_dir()
        ),
        "memory kB": process.memory_info().rss // 1024,
    }


def handles(process: psutil.Process) -> int:
    """Return how many files, sockets and other things of the system a process has open."""
    if sys.platform == "win32":
        return process.num_handles()
    else:  # noqa: RET505 (mypy skips the branches of other platforms)
        return process.num_fds()


async def run(server: EmbeddedServer, seconds: float, clients: int, seed: int) -> bool:
    """Run the clients; return whether nothing of theirs is left and nothing failed."""
    soak = Soak(server.address, seed)
    async with connect(server.address, "llm") as llm:
        request = {"modelKey": MODEL, "loadConfigStack": STACK}
        async with llm.channel("loadModel", request) as channel:
            async for _ in channel:
                pass
    # A short run first, since what Python keeps for ever is no leak.
    async with anyio.create_task_group() as tasks:
        for _ in range(clients):
            tasks.start_soon(soak.client, time.monotonic() + min(10, seconds / 4))
    await anyio.sleep(2)
    before = measure(server)
    soak.done.clear()
    async with anyio.create_task_group() as tasks:
        for _ in range(clients):
            tasks.start_soon(soak.client, time.monotonic() + seconds)
    left = measure(server)
    with anyio.move_on_after(QUIET_SECONDS):
        while problems(before, left):
            await anyio.sleep(0.5)
            left = measure(server)
    print("clients:", ", ".join(f"{count} {name}" for name, count in sorted(soak.done.items())))
    print(f"{'':16}{'before':>12}{'after':>12}")
    for name, value in left.items():
        print(f"{name:16}{before[name]:12}{value:12}")
    found = problems(before, left)
    print("nothing is left" if not found else f"left: {', '.join(found)}")
    for name, count in soak.failed.most_common():
        print(f"failed {count} times: {name}")
    return not found and not soak.failed and len(soak.done) == len(ACTIONS)


def problems(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """Return the names of what has grown; memory may grow by a tenth."""
    grown = [name for name in after if name != "memory kB" and after[name] > before[name]]
    if after["memory kB"] > 1.1 * before["memory kB"]:
        grown.append("memory kB")
    return grown


def main() -> int:
    """Read the command line and run; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:soak", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=60, help="duration (default: %(default)s)")
    parser.add_argument(
        "--clients", type=int, default=200, help="clients at a time (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of what clients do (default: %(default)s)"
    )
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        parser.error("the server's memory and file handles are read from /proc: run it on Linux")
    with EmbeddedServer(["--scenarios"]) as server:
        clean = anyio.run(run, server, options.seconds, options.clients, options.seed)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())

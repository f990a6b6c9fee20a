"""A client that fails to connect has closed all that it opened when its error arrives."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
import lmstudio
import lmstudio._ws_impl as sdk_websockets
import pytest
from lmstudio._ws_thread import AsyncWebsocketThread
from waf_tests.client import NATIVE, AsyncClient, Client, configure_default_client
from waf_tests.client.host_endpoint import parse_endpoint
from waf_tests.testing.recording_origin import Answer, RecordingOrigin
from waf_tests.testing.silent_host import SilentHost
from waf_tests.testing.tcp_server import TcpServer

pytestmark = pytest.mark.skipif(NATIVE, reason="the installed SDK has its own client")

# A bound in seconds for what never happens; all that does happen takes milliseconds.
PATIENCE = 120

REFUSED = Answer("403 Forbidden")
NOWHERE = parse_endpoint("127.0.0.1:9")
OPENED_BEFORE = ["/embedding", "/files", "/llm"]


@contextmanager
def interrupting() -> Iterator[Callable[[], None]]:
    """Yield a function that interrupts the main thread from another one, as Ctrl-C does."""
    main = threading.main_thread().ident
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # Not raise_signal: a system call of the main thread has to be interrupted.
        yield lambda: signal.pthread_kill(main or 0, signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


needs_signals = pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="only POSIX lets one thread interrupt another"
)


@pytest.fixture
def closed_port() -> str:
    """Provide an address at which nothing listens."""
    with RecordingOrigin() as gone:
        return gone.address


@pytest.fixture
def rude_host() -> Iterator[str]:
    """Provide a host that hangs up on every client."""

    async def hang_up(reader: object, writer: object) -> None:
        pass

    with TcpServer(hang_up) as host:
        yield host.address


FORGOTTEN = """
import gc
from waf_tests.client import Client

gc.disable()
client = Client("127.0.0.1:9")
client.itself = client
thread = client._ws_thread
del client
# The collector runs on the thread that the finalizer ends.
thread.task_manager.call_soon_threadsafe(gc.collect)
thread.join()
"""


AFTERWARDS = """
import asyncio, sys
from lmstudio import LMStudioClientError
from waf_tests.client import AsyncClient, Client

_, closed_port, address = sys.argv
try:
    Client(closed_port).__enter__()
except LMStudioClientError:
    pass

async def connect():
    async with AsyncClient(address) as client:
        await client.list_downloaded_models()

asyncio.run(connect())
"""


def test_finalizer_on_the_clients_own_thread() -> None:
    """A client that is collected on its own thread ends that thread and does not wait for it."""
    # It runs in a process of its own: a thread that waits for itself would keep pytest from ending.
    subprocess.run([sys.executable, "-c", FORGOTTEN], check=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("host", "reason"), [("closed_port", "not reachable"), ("rude_host", "the server hung up")]
)
def test_thread_ended(host: str, reason: str, request: pytest.FixtureRequest) -> None:
    """A client that cannot connect has ended its thread when its error arrives."""
    client = Client(request.getfixturevalue(host), x_api_key="k")
    thread = client._ws_thread
    assert thread.is_alive()
    with pytest.raises(lmstudio.LMStudioClientError, match=reason):
        client.__enter__()
    assert not thread.is_alive()


def test_async_client_after_failure(closed_port: str) -> None:
    """After a blocking client that could not connect, asyncio.run with an async client works."""
    # It runs in a process of its own: the deadlock came with the first import of a loop's backend.
    with RecordingOrigin() as origin:
        command = [sys.executable, "-c", AFTERWARDS, closed_port, origin.address]
        subprocess.run(command, check=True, timeout=PATIENCE)
    assert origin.requests != []


def test_entered_again(closed_port: str) -> None:
    """A client that could not connect can be entered again, and then works."""
    port = int(closed_port.rpartition(":")[2])
    client = Client(closed_port, x_api_key="k")
    with pytest.raises(lmstudio.LMStudioClientError):
        client.__enter__()
    with RecordingOrigin(port=port), client:
        assert list(client.list_downloaded_models()) == []


def test_outer_block_goes_on() -> None:
    """A client that has been entered stays open if entering it again fails."""
    with RecordingOrigin() as origin:
        client = Client(origin.address, x_api_key="k")
        with client:
            assert list(client.list_downloaded_models()) == []
            endpoint, client.connection.endpoint = client.connection.endpoint, NOWHERE
            with pytest.raises(lmstudio.LMStudioClientError):
                client.__enter__()
            client.connection.endpoint = endpoint
            assert list(client.list_downloaded_models()) == []


def test_default_client(closed_port: str) -> None:
    """The default client ends its thread, too, and works once its host is up."""
    lmstudio.sync_api._reset_default_client()
    port = int(closed_port.rpartition(":")[2])
    try:
        configure_default_client(closed_port, x_api_key="k")
        thread = lmstudio.get_default_client()._ws_thread
        with pytest.raises(lmstudio.LMStudioClientError, match="not reachable"):
            lmstudio.list_downloaded_models()
        assert not thread.is_alive()
        with RecordingOrigin(port=port):
            assert list(lmstudio.list_downloaded_models()) == []
            lmstudio.sync_api._reset_default_client()
    finally:
        lmstudio.sync_api._reset_default_client()


@needs_signals
def test_probe_interrupted() -> None:
    """Ctrl-C while the probe waits for the host ends the thread and closes the connection."""
    with interrupting() as interrupt, SilentHost(interrupt, silent_probe=True) as host:
        client = Client(host.address, x_api_key="k")
        with pytest.raises(KeyboardInterrupt):
            client.__enter__()
        assert not client._ws_thread.is_alive()
        assert host.hung_up.wait(PATIENCE)


@needs_signals
def test_session_interrupted() -> None:
    """Ctrl-C while a session waits for the host closes its connection; the client stays open."""
    with interrupting() as interrupt, SilentHost(interrupt) as host:
        client = Client(host.address, x_api_key="k")
        with client:
            with pytest.raises(KeyboardInterrupt):
                client.list_downloaded_models()
            assert host.hung_up.wait(PATIENCE)
            assert client._ws_thread.is_alive()


@needs_signals
def test_start_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a client is constructed ends the thread that it has started."""
    started: list[threading.Thread] = []
    wait_for_loop = AsyncWebsocketThread.wait_for_loop

    def interrupted(self: AsyncWebsocketThread) -> None:
        started.append(self)
        monkeypatch.setattr(AsyncWebsocketThread, "wait_for_loop", wait_for_loop)
        raise KeyboardInterrupt

    monkeypatch.setattr(AsyncWebsocketThread, "wait_for_loop", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Client("127.0.0.1:9")
    (thread,) = started
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_unknown_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an SDK that opens websockets in another way, no thread is started."""
    monkeypatch.setattr(sdk_websockets, "aconnect_ws", None)
    before = set(threading.enumerate())
    with pytest.raises(lmstudio.sdk_api.LMStudioRuntimeError, match="does not know how lmstudio"):
        Client("127.0.0.1:9")
    assert set(threading.enumerate()) == before


# --- the async client


@pytest.mark.anyio
async def test_open_sessions_closed_async() -> None:
    """When a session is refused, the client closes those that are open and leaves no task."""
    before = asyncio.all_tasks()
    with RecordingOrigin(upgrade_answer=REFUSED, upgrade_path="/repository") as origin:
        client = AsyncClient(origin.address, x_api_key="k")
        with pytest.raises(lmstudio.LMStudioWebsocketError, match="/repository: blocked"):
            await client.__aenter__()
        assert asyncio.all_tasks() == before
        assert [request.target for request in origin.requests[1:-1]] == OPENED_BEFORE


@pytest.mark.anyio
async def test_entered_again_async(closed_port: str) -> None:
    """An async client can be entered again after a session was refused, and then works."""
    port = int(closed_port.rpartition(":")[2])
    client = AsyncClient(closed_port, x_api_key="k")
    with pytest.raises(lmstudio.LMStudioClientError, match="not reachable"):
        await client.__aenter__()
    with (
        RecordingOrigin(port=port, upgrade_answer=REFUSED, upgrade_path="/repository"),
        pytest.raises(lmstudio.LMStudioWebsocketError, match="/repository: blocked"),
    ):
        await client.__aenter__()
    with RecordingOrigin(port=port):
        async with client:
            assert list(await client.list_downloaded_models()) == []


@pytest.mark.anyio
async def test_outer_block_goes_on_async() -> None:
    """An async client that has been entered stays open if entering it again fails."""
    with RecordingOrigin() as origin:
        async with AsyncClient(origin.address, x_api_key="k") as client:
            endpoint, client.connection.endpoint = client.connection.endpoint, NOWHERE
            with pytest.raises(lmstudio.LMStudioClientError):
                await client.__aenter__()
            client.connection.endpoint = endpoint
            assert list(await client.list_downloaded_models()) == []


@pytest.mark.anyio
@pytest.mark.parametrize("silent_probe", [True, False], ids=["probe", "session"])
async def test_cancelled_async(silent_probe: bool) -> None:
    """Cancelling an async client that waits for the host leaves no task and no connection."""
    before = asyncio.all_tasks()
    loop = asyncio.get_running_loop()
    scope = anyio.CancelScope()

    def cancel() -> None:
        loop.call_soon_threadsafe(scope.cancel)

    with SilentHost(cancel, silent_probe=silent_probe) as host:
        client = AsyncClient(host.address, x_api_key="k")
        with scope:
            await client.__aenter__()
        assert scope.cancelled_caught
        assert asyncio.all_tasks() == before
        assert host.hung_up.wait(PATIENCE)


@pytest.mark.anyio
async def test_session_cancelled_async() -> None:
    """A session that is cancelled while it reconnects closes its own connection and no other."""
    loop = asyncio.get_running_loop()
    scope = anyio.CancelScope()
    with (
        RecordingOrigin() as origin,
        SilentHost(lambda: loop.call_soon_threadsafe(scope.cancel)) as silent,
    ):
        async with AsyncClient(origin.address, x_api_key="k") as client:
            await client.system.aclose()
            client.connection.endpoint = parse_endpoint(silent.address)
            with scope:
                await client.system.connect()
            assert scope.cancelled_caught
            assert silent.hung_up.wait(PATIENCE)
            assert await client.llm.remote_call("listLoaded") == []


@needs_signals
@pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="before Python 3.11 Ctrl-C interrupts whichever task runs, and the SDK may swallow it",
)
@pytest.mark.parametrize("silent_probe", [True, False], ids=["probe", "session"])
def test_interrupted_async(silent_probe: bool) -> None:
    """Ctrl-C in asyncio.run while a client waits for the host closes its connection."""

    async def connect(address: str) -> None:
        async with AsyncClient(address, x_api_key="k"):
            pass

    with interrupting() as interrupt, SilentHost(interrupt, silent_probe=silent_probe) as host:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(connect(host.address))
        assert host.hung_up.wait(PATIENCE)

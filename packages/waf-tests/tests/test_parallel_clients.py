"""Fifty clients at once get through one edge."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from waf_tests.client import AsyncClient, Client
from waf_tests.edge import Edge
from waf_tests.secret import Secret
from waf_tests.testing.recording_origin import RecordingOrigin

CLIENTS = 50
# Six connections a client, each with up to four files; some systems allow only 256 by default.
_FILES = CLIENTS * 6 * 4


@pytest.fixture(autouse=True)
def _enough_files() -> Iterator[None]:
    """Raise this process's limit of open files for the test, if the system has one."""
    resource = pytest.importorskip(
        "resource", reason="only POSIX limits open files", exc_type=ImportError
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, min(_FILES, hard) if hard != resource.RLIM_INFINITY else _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.anyio
@pytest.mark.slow
async def test_fifty_async_clients(edge: Edge, key: Secret, origin: RecordingOrigin) -> None:
    """Fifty async clients, five websockets each, are open together and all are answered."""
    start = len(origin.requests)
    answers: list[int] = []
    open_clients: list[AsyncClient] = []
    all_open = anyio.Event()

    async def talk() -> None:
        async with AsyncClient(edge.api_host, x_api_key=key.reveal()) as client:
            open_clients.append(client)
            if len(open_clients) == CLIENTS:
                all_open.set()
            await all_open.wait()
            answers.append(len(await client.list_downloaded_models()))

    async with anyio.create_task_group() as tasks:
        for _ in range(CLIENTS):
            tasks.start_soon(talk)
    assert answers == [0] * CLIENTS
    requests = origin.requests[start:]
    assert len(requests) == CLIENTS * 6  # the probe and five namespaces
    assert {tuple(request.values("x-api-key")) for request in requests} == {(key.reveal(),)}


@pytest.mark.slow
def test_fifty_sync_clients(edge: Edge, key: Secret, origin: RecordingOrigin) -> None:
    """Fifty blocking clients in fifty threads are all answered."""
    start = len(origin.requests)

    def talk(_: int) -> int:
        with Client(edge.api_host, x_api_key=key.reveal()) as client:
            return len(client.list_downloaded_models())

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert list(pool.map(talk, range(CLIENTS))) == [0] * CLIENTS
    requests = origin.requests[start:]
    assert len(requests) == CLIENTS * 2  # the probe and the one namespace that was used
    assert {tuple(request.values("x-api-key")) for request in requests} == {(key.reveal(),)}

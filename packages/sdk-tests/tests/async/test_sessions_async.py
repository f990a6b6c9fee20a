"""Clients and their sessions: opening, closing, and use at the wrong time."""

import pytest
from lmstudio import (
    AsyncClient,
    AsyncLLM,
    LMStudioClientError,
    LMStudioServerError,
    LMStudioValueError,
    LMStudioWebsocketError,
)
from lmstudio._sdk_models import LlmRpcUnloadModelParameter
from sdk_tests.concurrency_async import together
from sdk_tests.faulty_clients_async import short_wait
from sdk_tests.foreign_hosts import closed_address
from sdk_tests.model_names import UNKNOWN
from sdk_tests.sdk_releases import known_bug

pytestmark = [pytest.mark.anyio, pytest.mark.lmstudio]

NAMESPACES = ["embedding", "files", "llm", "repository", "system"]


async def test_host_is_recognised(lmstudio_host: str) -> None:
    """A host's address is valid, and the address of a closed port is not."""
    assert await AsyncClient.is_valid_api_host(lmstudio_host) is True
    assert await AsyncClient.is_valid_api_host(closed_address()) is False


async def test_client_knows_its_host(client: AsyncClient, lmstudio_host: str) -> None:
    """A client reports the host that it was given."""
    assert client.api_host == lmstudio_host


async def test_wrong_host() -> None:
    """Entering a client without its host raises an error that names the address."""
    address = closed_address()
    with pytest.raises(LMStudioClientError) as failure:
        async with AsyncClient(address):
            pass
    assert str(failure.value) == f"LM Studio is not reachable at {address}. Is LM Studio running?"


# sync: skip
async def test_all_sessions_are_opened(client: AsyncClient) -> None:
    """Entering the asynchronous client connects all five sessions."""
    assert {name: getattr(client, name).connected for name in NAMESPACES} == dict.fromkeys(
        NAMESPACES, True
    )


@pytest.mark.parametrize("name", NAMESPACES)
async def test_one_session_for_each_namespace(client: AsyncClient, name: str) -> None:
    """A client has one session for each namespace, and the session refers to the client."""
    session = getattr(client, name)
    namespace = session.API_NAMESPACE
    assert namespace == name
    assert session.client is client
    assert getattr(client, name) is session


@pytest.mark.parametrize("name", ["llm", "embedding"])
async def test_session_answers(client: AsyncClient, name: str) -> None:
    """A session is connected once it has made a call."""
    session = getattr(client, name)
    assert isinstance(await session.list_loaded(), list)
    assert session.connected


async def test_entering_an_open_session(own_client: AsyncClient) -> None:
    """An open session can be entered again, and leaving that block closes it."""
    await own_client.system.list_downloaded_models()
    async with own_client.system as session:
        assert session is own_client.system
        assert session.connected
    assert not own_client.system.connected


async def test_disconnecting(own_client: AsyncClient) -> None:
    """A session can be disconnected, even twice, and connected again."""
    await own_client.system.list_downloaded_models()
    states = [own_client.system.connected]
    await own_client.system.disconnect()
    states.append(own_client.system.connected)
    await own_client.system.disconnect()
    states.append(own_client.system.connected)
    await own_client.system.connect()
    states.append(own_client.system.connected)
    assert states == [True, False, False, True]
    assert await own_client.system.list_downloaded_models(), "no model is listed after connecting"


async def test_closing_a_session_leaves_others_open(own_client: AsyncClient) -> None:
    """Closing one session of a client leaves its other sessions open."""
    await own_client.llm.list_loaded()
    await own_client.system.list_downloaded_models()
    await own_client.system.aclose()
    assert own_client.llm.connected
    assert isinstance(await own_client.llm.list_loaded(), list)


async def test_connecting_twice(client: AsyncClient) -> None:
    """Connecting a connected session raises an error and leaves the session connected."""
    await client.llm.list_loaded()
    with pytest.raises(
        LMStudioWebsocketError, match=r"^Attempted to connect already connected session$"
    ):
        await client.llm.connect()
    assert isinstance(await client.llm.list_loaded(), list)


# sync: skip
async def test_use_of_a_disconnected_session(own_client: AsyncClient) -> None:
    """A disconnected asynchronous session refuses calls, loads and predictions."""
    await own_client.llm.disconnect()
    with pytest.raises(
        LMStudioWebsocketError, match=r"^Session must be connected to make remote calls$"
    ):
        await own_client.llm.list_loaded()
    with pytest.raises(
        LMStudioWebsocketError, match=r"^Session must be connected to create channels$"
    ):
        await own_client.llm.model(UNKNOWN)
    stream = await AsyncLLM(UNKNOWN, own_client.llm).complete_stream("Hello")
    with pytest.raises(LMStudioWebsocketError):
        await stream.start()


async def test_leaving_the_block_closes_all_sessions(lmstudio_host: str) -> None:
    """Leaving a client's block disconnects its sessions."""
    async with AsyncClient(lmstudio_host) as client:
        llm, system = client.llm, client.system
        await llm.list_loaded()
        await system.list_downloaded_models()
    assert not llm.connected
    assert not system.connected


async def test_nested_block_closes(lmstudio_host: str) -> None:
    """A client may be entered twice, and the first exit closes it."""
    async with AsyncClient(lmstudio_host) as client:
        llm = client.llm
        await llm.list_loaded()
        async with client as same:
            assert same is client
        assert not llm.connected


async def test_closing_twice(lmstudio_host: str) -> None:
    """A closed client can be closed again."""
    client = AsyncClient(lmstudio_host)
    async with client:
        await client.llm.list_loaded()
    await client.aclose()
    await client.aclose()


@known_bug(
    "A closed client can be entered again without an error, unlike a closed file, but its"
    " sessions never work again: they stay disconnected, or (without await) fail with a bare"
    " RuntimeError about an inactive task manager.",
    raises=pytest.fail.Exception,
)
async def test_entering_a_closed_client(lmstudio_host: str) -> None:
    """Entering a client that was closed must be refused."""
    client = AsyncClient(lmstudio_host)
    async with client:
        pass
    with pytest.raises(LMStudioClientError):
        await client.__aenter__()


async def test_two_clients_are_independent(client: AsyncClient, lmstudio_host: str) -> None:
    """Closing a client leaves the sessions of another client open."""
    await client.llm.list_loaded()
    async with AsyncClient(lmstudio_host) as other_client:
        await other_client.llm.list_loaded()
        assert other_client.llm is not client.llm
    assert isinstance(await client.llm.list_loaded(), list)


async def test_calls_at_the_same_time(client: AsyncClient) -> None:
    """A session answers several calls at the same time."""
    alone = await client.system.list_downloaded_models()
    assert await together([client.system.list_downloaded_models] * 8) == [alone] * 8


async def test_search_without_conditions(client: AsyncClient) -> None:
    """A search without any condition is refused."""
    with pytest.raises(
        LMStudioValueError, match=r"^At least one search parameter must be specified\.$"
    ):
        await client.repository.search_models()


@pytest.mark.parametrize("name", NAMESPACES)
async def test_unknown_call(client: AsyncClient, name: str) -> None:
    """The host does not answer an unknown call: the caller's timeout ends it."""
    session = getattr(client, name)
    with pytest.raises(TimeoutError), short_wait():
        await session.remote_call("noSuchCall")
    assert session.connected


async def test_call_without_its_parameter(client: AsyncClient) -> None:
    """The host does not answer a call without its parameter, and the session stays usable."""
    with pytest.raises(TimeoutError), short_wait():
        await client.llm.remote_call("tokenize")
    assert isinstance(await client.llm.list_loaded(), list)


async def test_notice_prefix(client: AsyncClient) -> None:
    """The error of a call begins with the prefix that the caller chose."""
    unload = LlmRpcUnloadModelParameter(identifier=UNKNOWN)
    with pytest.raises(LMStudioServerError, match=r"^My call error: "):
        await client.llm.remote_call("unloadModel", unload, notice_prefix="My call")


@pytest.mark.embedded  # what the app answers is not documented
@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 2000], ids=["empty", "control", "long"])
async def test_invalid_model_name(client: AsyncClient, name: str) -> None:
    """A name that no model can have raises a server error from calls and channels."""
    for request in (client.llm.unload, client.llm.model, client.llm.load_new_instance):
        with pytest.raises(LMStudioServerError):
            await request(name)
    assert isinstance(await client.llm.list_loaded(), list)

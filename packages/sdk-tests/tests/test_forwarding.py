"""Each keyword of each public method arrives: at the host, or as the calls of a callback."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import lmstudio
import pytest
from lmstudio import AsyncClient, Chat, Client, LMStudioValueError
from sdk_tests.forwarding_evidence import Calls, ElsewhereTested
from sdk_tests.forwarding_table import TABLE
from sdk_tests.host_packets import fragment, predicted, tool_call
from sdk_tests.public_callables import parameters, public_callables
from sdk_tests.scripted_host import ScriptedHost, scripted_host

pytestmark = pytest.mark.usefixtures("no_api_token", "no_default_client")

CALLING = [
    fragment("Let me see."),
    tool_call("add", {"a": 1, "b": 2}),
    tool_call("unknown", {}, "call-2"),
    predicted(),
]
"""What the host answers to act() at first."""


@pytest.mark.parametrize("api", ["sync", "async", "plugin"])
def test_table_has_every_keyword(api: str) -> None:
    """The table has all public callables of an API, each with exactly its keywords."""
    found = {name: set(parameters(each)) for of, name, each in public_callables() if of == api}
    assert {name: set(TABLE[name]) for name in found if name in TABLE} == found


def test_table_has_nothing_else() -> None:
    """Each callable in the table is one of the SDK's."""
    assert set(TABLE) == {name for _, name, _ in public_callables()}


def test_other_tests_exist() -> None:
    """The tests to which the table refers exist."""
    named = {
        evidence.test
        for row in TABLE.values()
        for evidence in row.values()
        if isinstance(evidence, ElsewhereTested)
    }
    sources = {path.name: path.read_text("utf-8") for path in Path(__file__).parent.rglob("*.py")}
    for test in named:
        file, _, function = test.partition("::")
        assert f"def {function}(" in sources.get(file, ""), test


@asynccontextmanager
async def entered_client(api: str, host: ScriptedHost) -> AsyncIterator[Any]:
    """Provide a client of one of both APIs, inside its block."""
    if api == "sync":
        with Client(host.address) as client:
            yield client
    else:
        async with AsyncClient(host.address) as async_client:
            yield async_client


async def finished(value: Any) -> Any:
    """Wait for a coroutine, and for the end of a prediction that is a stream."""
    result = await value if inspect.isawaitable(value) else value
    if hasattr(result, "wait_for_result"):
        await finished(result.wait_for_result())
    return result


async def subject_of(owner: str, client: Any) -> Any:
    """Return an object of a class in the table."""
    sync = isinstance(client, Client)
    match owner:
        case "Client":
            return client
        case "LLM":
            return (lmstudio.LLM if sync else lmstudio.AsyncLLM)("my-model", client.llm)
        case "EmbeddingModel":
            cls = lmstudio.EmbeddingModel if sync else lmstudio.AsyncEmbeddingModel
            return cls("my-model", client.embedding)
        case "DownloadedLlm" | "DownloadedEmbeddingModel":
            models = await finished(client.list_downloaded_models())
            return models[["DownloadedLlm", "DownloadedEmbeddingModel"].index(owner)]
        case "ModelDownloadOption":
            (found,) = await finished(client.repository.search_models("small"))
            (option,) = await finished(found.get_download_options())
            return option
        case "Chat":
            return Chat()
    return getattr(client, owner.removeprefix("Session").lower())


def with_evidence(api: str) -> list[str]:
    """Return the names of an API's methods that have evidence in the table."""
    names = {name for of, name, _ in public_callables() if of == api}
    return [
        name
        for name, row in TABLE.items()
        if name in names and not all(isinstance(each, ElsewhereTested) for each in row.values())
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("api", "name"), [(api, name) for api in ("sync", "async") for name in with_evidence(api)]
)
async def test_keywords_arrive(api: str, name: str) -> None:
    """A method called with all of its keywords passes each of them on."""
    evidence = {
        keyword: each
        for keyword, each in TABLE[name].items()
        if not isinstance(each, ElsewhereTested)
    }
    owner, _, method = name.rpartition(".")
    with scripted_host(*([CALLING] if method == "act" else [])) as host:
        calls = Calls(host)
        given = {keyword: each.value(keyword, calls) for keyword, each in evidence.items()}
        async with entered_client(api, host) as client:
            subject: Any = None
            result: Any
            if name == "Chat":
                result = Chat(**given)
            elif owner:
                subject = await subject_of(owner, client)
                result = await finished(call(getattr(subject, method), given))
            else:
                lmstudio.configure_default_client(host.address)
                result = await finished(call(getattr(lmstudio, method), given))
            if owner == "Chat" or name == "Chat":
                chat = result if isinstance(result, Chat) else subject
                lmstudio.LLM("my-model", client.llm).respond(chat)
        arrived = {keyword: each.arrived(keyword, calls) for keyword, each in evidence.items()}
    assert arrived == {keyword: each.expected() for keyword, each in evidence.items()}


def call(function: Any, given: dict[str, Any]) -> Any:
    """Call a function with these arguments, by position where they have no name."""
    kinds = {name: each.kind for name, each in inspect.signature(function).parameters.items()}
    first = [given[name] for name in given if kinds[name] == inspect.Parameter.POSITIONAL_ONLY]
    return function(*first, **dict(list(given.items())[len(first) :]))


@pytest.mark.anyio
@pytest.mark.parametrize("api", ["sync", "async", "module"])
async def test_namespace(api: str) -> None:
    """Both lists of models ask for one kind only, or for all."""
    with scripted_host() as host:
        lmstudio.configure_default_client(host.address)
        async with entered_client("async" if api == "async" else "sync", host) as client:
            lists: Any = lmstudio if api == "module" else client
            kinds = {}
            for namespace in ("llm", "embedding", None):
                host.received.clear()
                await finished(lists.list_loaded_models(namespace))
                asked = [each.namespace for each in host.received]
                downloaded = await finished(lists.list_downloaded_models(namespace))
                kinds[namespace] = (asked, [model.type for model in downloaded])
    assert kinds == {
        "llm": (["llm"], ["llm"]),
        "embedding": (["embedding"], ["embedding"]),
        None: (["llm", "embedding"], ["llm", "embedding"]),
    }


@pytest.mark.anyio
@pytest.mark.parametrize("api", ["sync", "async"])
async def test_notice_prefix(api: str) -> None:
    """A call's notice begins with its prefix."""
    with scripted_host() as host:
        async with entered_client(api, host) as client:
            with pytest.raises(lmstudio.LMStudioServerError, match=r"^My notice error: "):
                await finished(client.llm.remote_call("fail", notice_prefix="My notice"))


@pytest.mark.anyio
@pytest.mark.parametrize("api", ["sync", "async"])
async def test_search_without_keywords(api: str) -> None:
    """A search without any keyword is refused before a request."""
    with scripted_host() as host:
        async with entered_client(api, host) as client:
            with pytest.raises(LMStudioValueError, match="At least one search parameter"):
                await finished(client.repository.search_models())
        assert host.received == []

"""Uploads, documents and retrieval over the wire."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from model_fixtures.wire_client import ChannelError, Connection, Credentials, RpcError, connect

from ...one_page_pdf import one_page_pdf  # noqa: TID252 (tests are no importable package)
from .talking import EMPTY_STACK, limit, loaded, predict

pytestmark = pytest.mark.anyio
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
TEXTS = {
    "animals.md": "# Animals\n\nA cat sits on the mat and purrs.",
    "money.txt": "Share prices fell sharply on the stock exchange today.",
}


async def upload(files: Connection, name: str, data: bytes) -> dict[str, Any]:
    """Upload a file."""
    content = base64.b64encode(data).decode()
    handle: dict[str, Any] = await files.rpc(
        "uploadFileBase64", {"name": name, "contentBase64": content}
    )
    return handle


async def packets(files: Connection, endpoint: str, parameter: Any) -> list[dict[str, Any]]:
    """Return all packets of a channel."""
    async with files.channel(endpoint, parameter) as channel:
        return [packet async for packet in channel]


async def test_upload(address: str) -> None:
    """An upload returns an identifier, the type by content, and the decoded size."""
    async with connect(address, "files") as files:
        handle = await upload(files, "some-uuid", b"\x89PNG\r\n\x1a\n1234")
    assert handle == {
        "identifier": handle["identifier"],
        "fileType": "image",
        "sizeBytes": 12,
    }


async def test_handle_is_its_owners_alone(address: str) -> None:
    """Another client can't use a handle; another connection of the same client can."""
    owner = Credentials.guest()
    async with connect(address, "files", owner) as files:
        handle = await upload(files, "note.txt", b"hello")
        name = {"fileName": handle["identifier"]}
        async with connect(address, "files", owner) as same:
            assert "path" in await same.rpc("getLocalFileAbsolutePath", name)
        async with connect(address, "files") as other:
            with pytest.raises(RpcError, match="File not found"):
                await other.rpc("getLocalFileAbsolutePath", name)


async def test_handles_vanish_with_the_last_connection(address: str) -> None:
    """A handle outlives one connection of its client, but not the last."""
    owner = Credentials.guest()
    async with connect(address, "llm", owner):
        async with connect(address, "files", owner) as files:
            handle = await upload(files, "note.txt", b"hello")
        async with connect(address, "files", owner) as files:
            path = await files.rpc("getLocalFileAbsolutePath", {"fileName": handle["identifier"]})
    assert "path" in path
    async with connect(address, "files", owner) as files:
        with pytest.raises(RpcError, match="File not found"):
            await files.rpc("getLocalFileAbsolutePath", {"fileName": handle["identifier"]})


async def test_image_for_a_model_that_does_not_see(address: str) -> None:
    """A chat with an image is refused by a model without vision."""
    owner = Credentials.guest()
    async with (
        connect(address, "files", owner) as files,
        connect(address, "llm", owner) as llm,
        loaded(llm) as identifier,
    ):
        handle = await upload(files, "a.png", b"\x89PNG\r\n\x1a\n")
        part = {"type": "file", "name": "a.png", **handle}
        request = {
            "modelSpecifier": {"type": "query", "query": {"identifier": identifier}},
            "history": {"messages": [{"role": "user", "content": [part]}]},
            "predictionConfigStack": EMPTY_STACK,
        }
        with pytest.raises(ChannelError, match="does not support images"):
            await packets(llm, "predict", request)
        assert (await predict(llm, "Hi", limit(1), identifier))[-1]["type"] == "success"


@pytest.mark.parametrize(
    ("name", "data", "library"),
    [("a.md", b"# Title\n\ntext", "text"), ("a", one_page_pdf("Hello PDF"), "pypdf")],
)
async def test_parse_document(address: str, name: str, data: bytes, library: str) -> None:
    """A document is returned as text, after its parser and progress up to 1."""
    async with connect(address, "files") as files:
        handle = await upload(files, name, data)
        parser = await files.rpc(
            "getDocumentParsingLibrary", {"fileIdentifier": handle["identifier"]}
        )
        found = await packets(
            files,
            "parseDocument",
            {"fileIdentifier": handle["identifier"], "parseOpts": {}},
        )
    assert parser["library"] == library
    assert found[0] == {"type": "parserLoaded", "parser": parser}
    assert [packet["progress"] for packet in found[1:-1]] == [1]
    assert found[-1]["type"] == "result"
    assert found[-1]["parser"] == parser
    assert found[-1]["content"].strip() in {"# Title\n\ntext", "Hello PDF"}


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"%PDF-1.7 broken"])
async def test_document_that_cannot_be_read(address: str, data: bytes) -> None:
    """An image, or a damaged PDF, ends in an error that names the file."""
    async with connect(address, "files") as files:
        handle = await upload(files, "thing", data)
        parameter = {"fileIdentifier": handle["identifier"], "parseOpts": {}}
        with pytest.raises(ChannelError, match="Cannot read thing"):
            await packets(files, "parseDocument", parameter)


async def test_retrieve(address: str) -> None:
    """Retrieval ranks passages by meaning, with all steps of each file in order."""
    async with connect(address, "files") as files, connect(address, "embedding") as embedding:
        model = {"identifier": EMBEDDING, "loadConfigStack": EMPTY_STACK}
        await packets(embedding, "getOrLoad", model)
        handles = [await upload(files, name, TEXTS[name].encode()) for name in TEXTS]
        handles.append(await upload(files, "page", one_page_pdf("The moon circles the earth.")))
        field = {"key": "retrieval.embeddingModel", "value": EMBEDDING}
        found = await packets(
            files,
            "retrieve",
            {
                "query": "a kitten on a rug",
                "fileIdentifiers": [handle["identifier"] for handle in handles],
                "config": {"fields": [field]},
            },
        )
        await embedding.rpc("unloadModel", {"identifier": EMBEDDING})
    kinds = [packet["type"] for packet in found]
    assert found[0] == {"type": "onFileProcessList", "indices": [0, 1, 2]}
    assert kinds[-3:] == ["onSearchingStart", "onSearchingEnd", "result"]
    first = [packet for packet in found if packet.get("index") == 0]
    assert [
        (packet["type"].removeprefix("onFileProcessing"), packet.get("step"))
        for packet in first
        if "progress" not in packet
    ] == [
        ("Start", None),
        ("StepStart", "loading"),
        ("StepEnd", "loading"),
        ("StepStart", "chunking"),
        ("StepEnd", "chunking"),
        ("StepStart", "embedding"),
        ("StepEnd", "embedding"),
        ("End", None),
    ]
    entries = found[-1]["result"]["entries"]
    assert entries[0]["sourceIndex"] == 0
    assert entries[0]["content"].endswith("purrs.")
    assert [entry["score"] for entry in entries] == sorted(
        (entry["score"] for entry in entries), reverse=True
    )
    assert [entry.get("pageNumber") for entry in entries if entry["sourceIndex"] == 2] == [1]


async def test_retrieve_without_an_embedding_model(address: str) -> None:
    """Without a loaded embedding model a retrieval says what is missing."""
    async with connect(address, "files") as files:
        handle = await upload(files, "a.txt", b"hello")
        parameter = {
            "query": "x",
            "fileIdentifiers": [handle["identifier"]],
            "config": {"fields": []},
        }
        with pytest.raises(ChannelError, match="needs an embedding model"):
            await packets(files, "retrieve", parameter)


@pytest.mark.difference("retrieval-chunks")
async def test_file_of_too_many_chunks(address: str) -> None:
    """A file that makes over 20,000 chunks is an error before any of it is embedded."""
    async with connect(address, "files") as files, connect(address, "embedding") as embedding:
        model = {"identifier": EMBEDDING, "loadConfigStack": EMPTY_STACK}
        await packets(embedding, "getOrLoad", model)
        handle = await upload(files, "long.txt", b"abcd" * 5001)
        cut = {"type": "recursive-v1", "chunkSize": 1, "chunkOverlap": 0}
        parameter = {
            "query": "x",
            "fileIdentifiers": [handle["identifier"]],
            "config": {
                "fields": [
                    {"key": "retrieval.embeddingModel", "value": EMBEDDING},
                    {"key": "retrieval.chunkingMethod", "value": cut},
                ]
            },
        }
        with pytest.raises(ChannelError, match=r"long\.txt makes more than 20000 chunks"):
            await packets(files, "retrieve", parameter)
        await embedding.rpc("unloadModel", {"identifier": EMBEDDING})

"""Retrieval: documents are read, cut, embedded, and searched."""

from __future__ import annotations

from itertools import islice
from typing import Any

from model_fixtures.server.engine.embedding_vectors import embed
from model_fixtures.server.files.document_text import Page, pages
from model_fixtures.server.files.file_store import StoredFile
from model_fixtures.server.files.text_chunks import Chunk, chunks
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings
from model_fixtures.server.protocol.payloads.files import Retrieve
from model_fixtures.server.protocol.payloads.models import ModelQuery, QuerySpecifier

from .handler_context import ChannelPort, Context

Vector = list[float]
MOST_CHUNKS = 20_000  # embedding them takes minutes


async def run_retrieval(context: Context, request: Retrieve, port: ChannelPort) -> None:
    """Send the packets of a retrieval, `result` last.

    Raises:
        ServerError: a file is unknown or can't be read, or no embedding model is loaded.
    """
    settings = Settings.from_config(request.config)
    files = [context.state.files.get(context.client, one) for one in request.file_identifiers]
    instance = _embedding_model(context, settings.text("retrieval.embeddingModel", ""))
    method = Settings(settings.mapping("retrieval.chunkingMethod"))
    size = max(1, method.integer("chunkSize", 512))
    overlap = max(0, method.integer("chunkOverlap", 100))
    with port.cancellable(), context.models.loaded.using(instance, context.client):
        await port.send({"type": "onFileProcessList", "indices": list(range(len(files)))})
        passages: list[tuple[int, Chunk, Vector]] = []
        for index, file in enumerate(files):
            await port.send({"type": "onFileProcessingStart", "index": index})
            for chunk, vector in await _embed_file(
                context, port, instance, index, file, size, overlap
            ):
                passages.append((index, chunk, vector))
            await port.send({"type": "onFileProcessingEnd", "index": index})
            if len(passages) > MOST_CHUNKS:
                raise ServerError(f"The files make more than {MOST_CHUNKS} chunks")
        await port.send({"type": "onSearchingStart"})
        query = await _embed(instance, request.query)
        entries = await context.state.reading.run(_ranked, passages, query)
        await port.send({"type": "onSearchingEnd"})
        best = entries[: max(0, settings.integer("retrieval.limit", 5))]
        await port.send({"type": "result", "result": {"entries": best}})
        return
    raise ServerError("The retrieval was stopped")


async def _embed_file(
    context: Context,
    port: ChannelPort,
    instance: LoadedInstance,
    index: int,
    file: StoredFile,
    size: int,
    overlap: int,
) -> list[tuple[Chunk, Vector]]:
    """Return the chunks of a file with their vectors; report the three steps meanwhile."""

    async def step(kind: str, name: str, **more: float) -> None:
        packet = {"type": f"onFileProcessingStep{kind}", "index": index, "step": name, **more}
        await port.send(packet)

    await step("Start", "loading")
    read: list[Page] = []
    reading = pages(file)
    while (part := await context.state.reading.run(next, reading, None)) is not None:
        read.append(part[1])
        await step("Progress", "loading", progress=part[0])
    await step("End", "loading")
    await step("Start", "chunking")
    cut = await context.state.reading.run(_cut, file.name, read, size, overlap)
    await step("End", "chunking")
    await step("Start", "embedding")
    results: list[tuple[Chunk, Vector]] = []
    for number, chunk in enumerate(cut, start=1):
        results.append((chunk, await _embed(instance, chunk.content)))
        await step("Progress", "embedding", progress=number / len(cut))
    await step("End", "embedding")
    return results


def _cut(name: str, pages: list[Page], size: int, overlap: int) -> list[Chunk]:
    cut = list(islice(chunks(pages, size, overlap), MOST_CHUNKS + 1))
    if len(cut) > MOST_CHUNKS:
        raise ServerError(
            f"{name} makes more than {MOST_CHUNKS} chunks",
            suggestion="Take larger chunks (retrieval.chunkingMethod), or split the file",
        )
    return cut


def _ranked(passages: list[tuple[int, Chunk, Vector]], query: Vector) -> list[dict[str, Any]]:
    """Return the entries of all passages, the best first."""
    entries = [_entry(index, chunk, vector, query) for index, chunk, vector in passages]
    return sorted(entries, key=lambda entry: -entry["score"])


def _entry(index: int, chunk: Chunk, vector: Vector, query: Vector) -> dict[str, Any]:
    # Vectors have length 1, so this is the cosine.
    score = sum(left * right for left, right in zip(vector, query, strict=True))
    entry: dict[str, Any] = {
        "content": chunk.content,
        "score": score,
        "sourceIndex": index,
        "lineNumber": chunk.line,
    }
    if chunk.page is not None:
        entry["pageNumber"] = chunk.page
    return entry


async def _embed(instance: LoadedInstance, text: str) -> Vector:
    return await embed(
        instance.llama,
        text,
        stand_in=instance.model.stand_in,
        context=instance.context_length,
    )


def _embedding_model(context: Context, identifier: str) -> LoadedInstance:
    if identifier:
        query = ModelQuery(identifier=identifier)
        return context.models.loaded.find(QuerySpecifier(query), "embedding")
    loaded = context.models.loaded.all("embedding")
    if not loaded:
        raise ServerError(
            "Retrieval needs an embedding model",
            suggestion="Load one, and name its identifier in retrieval.embeddingModel",
        )
    return loaded[0]

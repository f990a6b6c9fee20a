"""The `files` namespace: uploads, documents as text, retrieval."""

from __future__ import annotations

from typing import Any

from model_fixtures.server.files.document_text import pages, parser_of
from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.handlers.retrieval import run_retrieval
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import files as payloads
from model_fixtures.server.protocol.payloads.models import Cancel

namespace = Namespace("files")


@namespace.rpc("uploadFileBase64", payloads.UploadFile)
async def upload_file_base64(context: Context, request: payloads.UploadFile) -> dict[str, Any]:
    """Keep a file until the client's last connection drops."""
    file = await context.state.looking.run(
        context.state.files.add, context.client, request.name, request.content_base64
    )
    return {"identifier": file.identifier, "fileType": file.kind, "sizeBytes": file.size}


@namespace.rpc("getLocalFileAbsolutePath", payloads.FileName)
async def get_local_file_absolute_path(
    context: Context, request: payloads.FileName
) -> dict[str, str]:
    """Return where an uploaded file lies on the server's machine."""
    return {"path": str(context.state.files.get(context.client, request.file_name).path)}


@namespace.rpc("getDocumentParsingLibrary", payloads.FileIdentifier)
async def get_document_parsing_library(
    context: Context, request: payloads.FileIdentifier
) -> dict[str, str]:
    """Return what reads a document."""
    file = context.state.files.get(context.client, request.file_identifier)
    library, version = parser_of(file)
    return {"library": library, "version": version}


@namespace.channel("parseDocument", payloads.ParseDocument, Cancel)
async def parse_document(
    context: Context, request: payloads.ParseDocument, port: ChannelPort
) -> None:
    """Send the text of a document."""
    file = context.state.files.get(context.client, request.file_identifier)
    library, version = parser_of(file)
    parser = {"library": library, "version": version}
    wanted = request.parse_opts.parser_id
    if isinstance(wanted, payloads.ParserId) and wanted.library != library:
        raise ServerError(f"No parser {wanted.library} for files of type {file.kind}")
    await port.send({"type": "parserLoaded", "parser": parser})
    texts: list[str] = []
    with port.cancellable():
        reading = pages(file)
        while (step := await context.state.reading.run(next, reading, None)) is not None:
            share, page = step
            texts.append(page.text)
            port.progress({"type": "progress", "progress": share})
        await port.send({"type": "result", "content": "\n\n".join(texts), "parser": parser})
        return
    raise ServerError("The parsing was cancelled")


@namespace.channel("retrieve", payloads.Retrieve, payloads.Stop)
async def retrieve(context: Context, request: payloads.Retrieve, port: ChannelPort) -> None:
    """Send the passages of documents that fit a query best, by a loaded embedding model."""
    await run_retrieval(context, request, port)

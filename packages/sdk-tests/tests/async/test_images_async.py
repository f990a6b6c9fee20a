"""Images for a chat: how they are uploaded, and which chats may use them."""

import io
import zlib
from pathlib import Path
from typing import Any

import pytest
from lmstudio import (
    AsyncClient,
    AsyncLLM,
    Chat,
    FileHandle,
    LMStudioOSError,
    LMStudioServerError,
    LMStudioValueError,
)
from sdk_tests.model_names import PLAIN_LLM_KEY, VISION_LLM_KEY

pytestmark = [pytest.mark.anyio, pytest.mark.lmstudio]


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + kind + data + check


IMAGE = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
    + _chunk(b"IEND", b"")
)
"""A PNG file with one red pixel."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Provide an image file."""
    path = tmp_path / "dot.png"
    path.write_bytes(IMAGE)
    return path


def question_about(handle: FileHandle) -> Chat:
    """Return a chat that asks what an image shows."""
    chat = Chat()
    chat.add_user_message("What is this?", images=[handle])
    return chat


def check_handle(handle: FileHandle, name: str) -> None:
    """Check that a handle describes IMAGE under the name."""
    assert handle.name == name
    assert handle.file_type == "image"
    assert handle.size_bytes == len(IMAGE)
    assert handle.identifier, "the handle has no identifier"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_image_from_bytes(client: AsyncClient, kind: Any) -> None:
    """Bytes in any form are uploaded under the given name."""
    check_handle(await client.prepare_image(kind(IMAGE), "dot.png"), "dot.png")


async def test_image_without_name(client: AsyncClient) -> None:
    """Bytes without a name get a random one, and the host knows an image by its content."""
    handle = await client.prepare_image(IMAGE)
    check_handle(handle, handle.name)
    assert handle.name != (await client.prepare_image(IMAGE)).name


@pytest.mark.parametrize("kind", [str, Path])
async def test_image_from_a_path(client: AsyncClient, file: Path, kind: Any) -> None:
    """An image from a path has the file's name."""
    check_handle(await client.prepare_image(kind(file)), "dot.png")


async def test_image_under_another_name(client: AsyncClient, file: Path) -> None:
    """A given name replaces the name of the file."""
    check_handle(await client.prepare_image(file, "red.png"), "red.png")


async def test_image_from_an_open_file(client: AsyncClient, file: Path) -> None:
    """An open file is read to its end, and the image has the name that the file was opened with."""
    with file.open("rb") as stream:
        check_handle(await client.prepare_image(stream), str(file))
        assert stream.read() == b""


async def test_image_from_a_buffer(client: AsyncClient) -> None:
    """A file in memory is read like one on disk."""
    check_handle(await client.prepare_image(io.BytesIO(IMAGE), "dot.png"), "dot.png")


async def test_same_image_through_the_session(client: AsyncClient) -> None:
    """The files session uploads like the client, and each upload has its own handle."""
    first = await client.files.prepare_image(IMAGE, "dot.png")
    second = await client.prepare_image(IMAGE, "dot.png")
    check_handle(first, "dot.png")
    assert first.identifier != second.identifier


async def test_missing_file(client: AsyncClient, tmp_path: Path) -> None:
    """A missing file raises an SDK error with its path and the reason."""
    with pytest.raises(LMStudioOSError, match=r"missing\.png' \(FileNotFoundError\("):
        await client.prepare_image(tmp_path / "missing.png")


async def test_unusable_source(client: AsyncClient) -> None:
    """An object that is not an image source is refused."""
    source: Any = 5
    with pytest.raises(LMStudioValueError):
        await client.prepare_image(source)


async def test_handles_in_a_chat(client: AsyncClient) -> None:
    """A message's images become parts after its text, in order."""
    images = [await client.prepare_image(IMAGE, name) for name in ("one.png", "two.png")]
    chat = Chat()
    chat.add_user_message("Compare", images=images)
    (message,) = chat._get_history_for_prediction()["messages"]
    assert [part["type"] for part in message["content"]] == ["text", "file", "file"]
    for part, handle in zip(message["content"][1:], images, strict=True):
        assert part == {
            "type": "file",
            "name": handle.name,
            "identifier": handle.identifier,
            "sizeBytes": len(IMAGE),
            "fileType": "image",
        }


@pytest.mark.models
async def test_image_for_a_model_without_vision(client: AsyncClient) -> None:
    """A model without vision refuses an image, and the session stays usable."""
    handle = await client.prepare_image(IMAGE)
    llm = AsyncLLM(PLAIN_LLM_KEY, client.llm)
    with pytest.raises(LMStudioServerError, match=r"^Chat response error: "):
        await llm.respond(question_about(handle))
    assert isinstance(await client.llm.list_loaded(), list)


@pytest.mark.models
async def test_image_of_another_client(client: AsyncClient, lmstudio_host: str) -> None:
    """The host refuses the handle of another client."""
    async with AsyncClient(lmstudio_host) as other:
        handle = await other.prepare_image(IMAGE)
        with pytest.raises(LMStudioServerError, match=r"^Chat response error: "):
            await AsyncLLM(VISION_LLM_KEY, client.llm).respond(question_about(handle))


@pytest.mark.models
async def test_image_of_a_closed_client(client: AsyncClient, lmstudio_host: str) -> None:
    """The host refuses the handle of a client that has closed its connections."""
    async with AsyncClient(lmstudio_host) as other:
        handle = await other.prepare_image(IMAGE)
    with pytest.raises(LMStudioServerError, match=r"^Chat response error: "):
        await AsyncLLM(VISION_LLM_KEY, client.llm).respond(question_about(handle))


@pytest.mark.models
async def test_handle_that_was_never_issued(client: AsyncClient) -> None:
    """The host refuses a handle that it has never issued."""
    handle = FileHandle(name="x.png", identifier="nothing.png", size_bytes=1, file_type="image")
    with pytest.raises(LMStudioServerError, match=r"^Chat response error: "):
        await AsyncLLM(VISION_LLM_KEY, client.llm).respond(question_about(handle))


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image"),
        (b"%PDF-1.4\n", "application/pdf"),
        (b"Just text.\n", "text/plain"),
        (b"\x00\x01\x02\x03", "unknown"),
    ],
    ids=["jpeg", "webp", "pdf", "text", "binary"],
)
async def test_kind_of_a_file(client: AsyncClient, data: bytes, kind: str) -> None:
    """The host tells the kind of a nameless upload from its content."""
    handle = await client.prepare_image(data)
    assert handle.file_type == kind
    assert handle.size_bytes == len(data)

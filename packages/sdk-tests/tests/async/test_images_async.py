"""Images for a chat: how they get to the host, and who may use them."""

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


def check(handle: FileHandle, name: str) -> None:
    """Compare a handle with what the host must have made of IMAGE."""
    assert handle.name == name
    assert handle.file_type == "image"
    assert handle.size_bytes == len(IMAGE)
    assert handle.identifier


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_image_from_bytes(client: AsyncClient, kind: Any) -> None:
    """Bytes in any form are uploaded under the given name."""
    check(await client.prepare_image(kind(IMAGE), "dot.png"), "dot.png")


async def test_image_without_name(client: AsyncClient) -> None:
    """Bytes without a name get a random one; the host sees by the content that it's an image."""
    handle = await client.prepare_image(IMAGE)
    check(handle, handle.name)
    assert handle.name != (await client.prepare_image(IMAGE)).name


@pytest.mark.parametrize("kind", [str, Path])
async def test_image_from_a_path(client: AsyncClient, file: Path, kind: Any) -> None:
    """A path is read, and its file's name is the image's."""
    check(await client.prepare_image(kind(file)), "dot.png")


async def test_image_under_another_name(client: AsyncClient, file: Path) -> None:
    """A given name counts more than the path's."""
    check(await client.prepare_image(file, "red.png"), "red.png")


async def test_image_from_an_open_file(client: AsyncClient, file: Path) -> None:
    """An open file is read to its end; its name is what it was opened with."""
    with file.open("rb") as stream:
        check(await client.prepare_image(stream), str(file))
        assert stream.read() == b""


async def test_image_from_a_buffer(client: AsyncClient) -> None:
    """A file in memory is read like one on disk."""
    check(await client.prepare_image(io.BytesIO(IMAGE), "dot.png"), "dot.png")


async def test_same_image_through_the_session(client: AsyncClient) -> None:
    """The files session uploads as the client does; each upload has a handle of its own."""
    first = await client.files.prepare_image(IMAGE, "dot.png")
    second = await client.prepare_image(IMAGE, "dot.png")
    check(first, "dot.png")
    assert first.identifier != second.identifier


async def test_missing_file(client: AsyncClient, tmp_path: Path) -> None:
    """A path to nothing is an error before any upload."""
    with pytest.raises(LMStudioOSError, match=r"missing\.png' \(FileNotFoundError\("):
        await client.prepare_image(tmp_path / "missing.png")


async def test_unusable_source(client: AsyncClient) -> None:
    """What is no image source is refused before any upload."""
    source: Any = 5
    with pytest.raises(LMStudioValueError):
        await client.prepare_image(source)


async def test_handles_in_a_chat(client: AsyncClient) -> None:
    """Images of a message are parts of it, after the text and in order."""
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
    """A model that sees nothing refuses an image; the session goes on."""
    chat = Chat()
    chat.add_user_message("What is this?", images=[await client.prepare_image(IMAGE)])
    llm = AsyncLLM(PLAIN_LLM_KEY, client.llm)
    with pytest.raises(LMStudioServerError, match=r"^Chat response error: "):
        await llm.respond(chat)
    assert isinstance(await client.llm.list_loaded(), list)


@pytest.mark.models
async def test_image_of_another_client(client: AsyncClient, lmstudio_host: str) -> None:
    """A handle is its client's own: in another client's chat it is an error."""
    async with AsyncClient(lmstudio_host) as other:
        handle = await other.prepare_image(IMAGE)
        chat = Chat()
        chat.add_user_message("What is this?", images=[handle])
        with pytest.raises(LMStudioServerError, match=r"^Chat response error: "):
            await AsyncLLM(VISION_LLM_KEY, client.llm).respond(chat)


@pytest.mark.models
async def test_image_of_a_client_that_left(client: AsyncClient, lmstudio_host: str) -> None:
    """A handle goes with its client's last connection."""
    async with AsyncClient(lmstudio_host) as other:
        handle = await other.prepare_image(IMAGE)
    chat = Chat()
    chat.add_user_message("What is this?", images=[handle])
    with pytest.raises(LMStudioServerError, match=r"^Chat response error: "):
        await AsyncLLM(VISION_LLM_KEY, client.llm).respond(chat)


@pytest.mark.models
async def test_handle_that_never_was(client: AsyncClient) -> None:
    """A made-up handle is an error of the host."""
    chat = Chat()
    handle = FileHandle(name="x.png", identifier="nothing.png", size_bytes=1, file_type="image")
    chat.add_user_message("What is this?", images=[handle])
    with pytest.raises(LMStudioServerError, match=r"^Chat response error: "):
        await AsyncLLM(VISION_LLM_KEY, client.llm).respond(chat)


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
    """What an upload is, the host tells from its content when the name has no extension."""
    handle = await client.prepare_image(data)
    assert handle.file_type == kind
    assert handle.size_bytes == len(data)

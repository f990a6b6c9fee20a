"""Local files for upload: which sources are accepted, and what is sent for them."""

import array
import io
import sys
import tempfile
import uuid
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lmstudio import FileHandle, LMStudioOSError, LMStudioValueError
from lmstudio.history import _FileHandleCache, _LocalFileData
from sdk_tests.sdk_releases import known_bug, since

DATA = b"\x89PNG\r\n\x00\xff"


def upload(src: Any, name: str | None = None) -> dict[str, Any]:
    """Return the parameter of the upload call that prepare_image() sends."""
    return dict(_LocalFileData(src, name)._as_fetch_param().to_dict())


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Provide the path of a file that contains DATA."""
    path = tmp_path / "cat.png"
    path.write_bytes(DATA)
    return path


@since("1.5.0")
@pytest.mark.parametrize(
    "as_buffer",
    [
        bytes,
        bytearray,
        memoryview,
        lambda data: memoryview(b"--" + data)[2:],
    ],
    ids=["bytes", "bytearray", "memoryview", "slice"],
)
def test_buffers_are_accepted(as_buffer: Callable[[bytes], Any]) -> None:
    """An object with the buffer protocol is uploaded byte for byte under a random name."""
    param = upload(as_buffer(DATA))
    assert param["contentBase64"] == b64encode(DATA).decode("ascii")
    assert uuid.UUID(param["name"]).version == 4


@known_bug(
    "Before Python 3.12, Buffer of typing_extensions knows bytes, bytearray and memoryview"
    " only: an array.array or NumPy array, which a comment in the SDK says is accepted, is"
    " refused.",
    raises=LMStudioValueError,
    when=sys.version_info < (3, 12),
)
def test_arrays_are_accepted() -> None:
    """An array of bytes must be uploaded byte for byte, like any buffer."""
    assert upload(array.array("B", DATA))["contentBase64"] == b64encode(DATA).decode("ascii")


@pytest.mark.parametrize("as_path", [Path, str], ids=["path", "str"])
def test_paths_are_read(as_path: Callable[[Path], Any], image: Path) -> None:
    """A path is read at once, and its last component is the name."""
    src = _LocalFileData(as_path(image))
    image.unlink()
    assert src._as_fetch_param().to_dict() == {
        "name": "cat.png",
        "contentBase64": b64encode(DATA).decode("ascii"),
    }


def test_file_objects_are_read(image: Path) -> None:
    """An open file is read from its position, and has the name that it was opened with."""
    with image.open("rb") as file:
        file.seek(3)
        param = upload(file)
    assert param == {"name": str(image), "contentBase64": b64encode(DATA[3:]).decode("ascii")}


def test_nameless_file_objects_are_read() -> None:
    """A file in memory, which has no name, is uploaded under a random one."""
    param = upload(io.BytesIO(DATA))
    assert param["contentBase64"] == b64encode(DATA).decode("ascii")
    assert uuid.UUID(param["name"]).version == 4


@pytest.mark.parametrize("kind", ["buffer", "path", "file"])
def test_given_name_wins(kind: str, image: Path) -> None:
    """A name argument replaces the default name of every kind of source."""
    sources: dict[str, Any] = {"buffer": DATA, "path": image, "file": io.BytesIO(DATA)}
    assert upload(sources[kind], "other.png")["name"] == "other.png"


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """A missing file raises the SDK's OSError with the path and the reason."""
    path = tmp_path / "none.png"
    with pytest.raises(LMStudioOSError) as failure:
        upload(path)
    assert str(failure.value).startswith(f"Error while reading {str(path)!r} (FileNotFoundError(")
    assert isinstance(failure.value, OSError)
    assert isinstance(failure.value.__context__, FileNotFoundError)
    assert failure.value.__suppress_context__


def test_folder_is_an_os_error(tmp_path: Path) -> None:
    """A folder raises the SDK's OSError with its path."""
    with pytest.raises(LMStudioOSError) as failure:
        upload(tmp_path)
    assert str(failure.value).startswith(f"Error while reading {str(tmp_path)!r} (")


def test_failing_file_object_is_an_os_error() -> None:
    """A file object whose read() fails raises the SDK's OSError with the reason."""

    class Broken(io.RawIOBase):
        def read(self, _size: int = -1) -> bytes:
            raise OSError("no medium")

    with pytest.raises(
        LMStudioOSError, match=r"^Error while reading <.*Broken.*\('no medium'\)\)$"
    ):
        upload(Broken())


@since("1.5.0")
@pytest.mark.parametrize("src", [5, None, ["cat.png"]], ids=repr)
def test_unusable_source_is_refused(src: Any) -> None:
    """A source of another kind is refused with an error that says what is expected, and why."""
    with pytest.raises(
        LMStudioValueError,
        match=r"^Expected file-like object, filesystem path, or data buffer \(TypeError\(.+\)\)$",
    ):
        upload(src)


@known_bug(
    "A temporary file's name attribute is its descriptor's number, which is sent as the file's"
    " name where the protocol has a string."
)
def test_temporary_file_has_a_text_name() -> None:
    """A file object whose name is a number must be uploaded under a text name."""
    with tempfile.TemporaryFile() as file:
        file.write(DATA)
        file.seek(0)
        assert isinstance(upload(file)["name"], str)


@known_bug(
    "A file opened in text mode fails with a bare TypeError from base64 (or from hashlib),"
    " which does not mention the mode.",
    raises=TypeError,
)
def test_text_mode_is_explained() -> None:
    """A file in text mode must be refused with an SDK error."""
    with pytest.raises(LMStudioValueError):
        upload(io.StringIO("text"))


@since("1.5.0")
def test_handle_cache_fetches_equal_files_once() -> None:
    """The (private) handle cache uploads equal files once, and completes handles in place."""
    cache = _FileHandleCache()
    first = cache._get_file_handle(DATA, "cat.png")
    again = cache._get_file_handle(bytearray(DATA), "cat.png")
    other = cache._get_file_handle(DATA, "dog.png")
    assert first is again
    assert first.identifier == "<file addition pending>"
    fetched: list[str] = []

    def fetch(data: _LocalFileData) -> FileHandle:
        fetched.append(data.name)
        return FileHandle(
            name=data.name, identifier=f"id-{data.name}", size_bytes=8, file_type="image"
        )

    cache._fetch_file_handles(fetch)
    assert fetched == ["cat.png", "dog.png"]
    assert (first.identifier, first.size_bytes) == ("id-cat.png", 8)
    assert other.identifier == "id-dog.png"
    assert cache._get_file_handle(DATA, "cat.png").identifier == "id-cat.png"
    cache._fetch_file_handles(fetch)
    assert fetched == ["cat.png", "dog.png"]

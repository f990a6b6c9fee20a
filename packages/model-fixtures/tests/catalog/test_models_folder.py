"""Real models from a folder laid out like LM Studio's (LMSTUDIO_TEST_MODELS)."""

from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
from model_fixtures.catalog import CatalogError, answering_file, read_catalog, size_bytes

WriteGguf = Callable[..., Path]
LLAMA = "hugging-quants/Llama-3.2-1B-Instruct-Q8_0-GGUF/llama-3.2-1b-instruct-q8_0.gguf"
MOBILE = "ZiangWu/MobileVLM_V2-1.7B-GGUF/ggml-model-q4_k.gguf"
NOMIC = "nomic-ai/nomic-embed-text-v1.5-GGUF/nomic-embed-text-v1.5.Q4_K_M.gguf"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide an empty models folder that the environment names."""
    path = tmp_path / "models"
    path.mkdir()
    monkeypatch.setenv("LMSTUDIO_TEST_MODELS", str(path))
    return path


def test_present_file_replaces_the_stand_in(folder: Path, write_gguf: WriteGguf) -> None:
    """A file at a model's path answers for it, with its own facts and without stand-in weights."""
    file = write_gguf(
        folder / LLAMA,
        architecture="llama",
        size_label="1B",
        file_type=gguf.LlamaFileType.MOSTLY_Q8_0,
        context_length=131072,
        template="{{ tools }}",
    )
    (model,) = read_catalog().find("llama-3.2-1b-instruct")
    assert (model.stand_in, model.weights, model.file) == (False, None, file)
    assert model.display_name == "Llama 3.2 1B Instruct"
    assert (model.architecture, model.params, model.quantization) == ("llama", "1B", "Q8_0")
    assert (model.max_context_length, model.context_length) == (131072, 4096)
    assert (model.vision, model.tool_use, model.problem) == (False, True, None)
    assert answering_file(model) == file
    assert size_bytes(model) == file.stat().st_size


def test_absent_files_stay_stand_ins(folder: Path, write_gguf: WriteGguf) -> None:
    """Models without a file in the folder keep their stand-ins."""
    without = read_catalog().models
    write_gguf(folder / LLAMA)
    write_gguf(folder / "someone/else/model.gguf")
    now = read_catalog().models
    assert [model.key for model in now if not model.stand_in] == ["llama-3.2-1b-instruct"]
    assert [model for model in now if model.stand_in] == [
        model for model in without if model.key != "llama-3.2-1b-instruct"
    ]


def test_small_context_caps_the_suites(folder: Path, write_gguf: WriteGguf) -> None:
    """The suite never loads a model with more context than the file was made for."""
    write_gguf(folder / MOBILE, context_length=2048)
    (model,) = read_catalog().find("mobilevlm_v2-1.7b")
    assert (model.max_context_length, model.context_length) == (2048, 2048)


def test_embedding_model(folder: Path, write_gguf: WriteGguf) -> None:
    """A real embedding model has the vector length of its file and does not claim tool use."""
    write_gguf(
        folder / NOMIC,
        architecture="nomic-bert",
        size_label=None,
        context_length=2048,
        embedding_length=768,
        template="{{ tools }}",
    )
    (model,) = read_catalog().find("text-embedding-nomic-embed-text-v1.5")
    assert (model.domain, model.dimensions, model.architecture) == ("embedding", 768, "nomic-bert")
    assert (model.vision, model.tool_use) == (False, False)


@pytest.mark.parametrize("name", ["mmproj-model-f16.gguf", "MMPROJ.GGUF"])
def test_projector_beside_the_file_means_vision(
    folder: Path, write_gguf: WriteGguf, name: str
) -> None:
    """A model with a projector beside its file accepts images, and its size counts both files."""
    file = write_gguf(folder / MOBILE)
    projector = write_gguf((folder / MOBILE).parent / name, architecture="clip")
    (model,) = read_catalog().find("mobilevlm_v2-1.7b")
    assert (model.vision, model.projector) == (True, projector)
    assert size_bytes(model) == file.stat().st_size + projector.stat().st_size


def test_other_files_beside_are_no_projector(folder: Path, write_gguf: WriteGguf) -> None:
    """Only mmproj*.gguf counts as a projector."""
    file = write_gguf(folder / MOBILE)
    for name in ("mmproj.txt", "other.gguf", "my-mmproj.gguf"):
        file.with_name(name).write_bytes(b"x")
    (model,) = read_catalog().find("mobilevlm_v2-1.7b")
    assert (model.vision, model.projector) == (False, None)


def test_broken_file_is_listed_with_its_problem(folder: Path, write_gguf: WriteGguf) -> None:
    """A truncated file stays in the catalog, with one line that says what is wrong with it."""
    file = write_gguf(folder / LLAMA)
    content = file.read_bytes().rstrip(b"\0")
    file.write_bytes(content[:-1])
    (model,) = read_catalog().find("llama-3.2-1b-instruct")
    assert (model.file, model.architecture, model.max_context_length) == (file, None, 4096)
    assert model.problem == (
        f"{file} is truncated: it has {len(content) - 1} of {len(content)} bytes:"
        " replace the file or point the catalog at another one"
    )


def test_vanished_file_has_no_size(folder: Path, write_gguf: WriteGguf) -> None:
    """A file that vanishes later counts as 0 bytes, so models can still be listed."""
    file = write_gguf(folder / LLAMA)
    (model,) = read_catalog().find("llama-3.2-1b-instruct")
    file.unlink()
    assert size_bytes(model) == 0


def test_missing_folder(folder: Path) -> None:
    """A missing folder is an error that names the folder and the variable."""
    folder.rmdir()
    with pytest.raises(CatalogError) as caught:
        read_catalog()
    assert str(caught.value) == (
        f"{folder}: is not a folder; LMSTUDIO_TEST_MODELS must name one that holds"
        " <publisher>/<repo>/<file>.gguf"
    )


def test_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty variables count as not set."""
    monkeypatch.setenv("LMSTUDIO_TEST_MODELS", "")
    monkeypatch.setenv("LMSTUDIO_TEST_CATALOG", "")
    assert all(model.stand_in for model in read_catalog().models)

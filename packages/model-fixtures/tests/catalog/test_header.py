"""Reading the headers of GGUF files."""

import struct
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
from model_fixtures.catalog.header import Header, HeaderError, read_header

WriteGguf = Callable[..., Path]


def test_facts(tmp_path: Path, write_gguf: WriteGguf) -> None:
    """The header gives architecture, size, quantization, context and width, past the vocabulary."""
    path = write_gguf(tmp_path / "m.gguf", template="{% if tools %}{{ tools }}{% endif %}")
    assert read_header(path) == Header(
        architecture="qwen2",
        params="7B",
        quantization="Q4_K_M",
        context_length=32768,
        embedding_length=64,
        tool_use=True,
    )


def test_same_facts_as_the_gguf_package(tmp_path: Path, write_gguf: WriteGguf) -> None:
    """The fast reader and gguf's own agree on a file."""
    path = write_gguf(tmp_path / "m.gguf", architecture="llama", size_label="1B")
    slow = gguf.GGUFReader(path)

    def contents(key: str) -> object:
        field = slow.get_field(key)
        assert field is not None
        return field.contents()

    fast = read_header(path)
    assert fast.architecture == contents("general.architecture")
    assert fast.params == contents("general.size_label")
    assert fast.context_length == contents("llama.context_length")
    assert fast.embedding_length == contents("llama.embedding_length")


def test_missing_facts(tmp_path: Path, write_gguf: WriteGguf) -> None:
    """What a file leaves out is None; the number of parameters is counted from the tensors."""
    path = write_gguf(
        tmp_path / "m.gguf",
        size_label=None,
        file_type=None,
        context_length=None,
        tensor=np.zeros((1000, 1234), np.float32),
    )
    header = read_header(path)
    assert (header.quantization, header.context_length) == (None, None)
    assert header.params == "1.2M"


@pytest.mark.parametrize(
    ("file_type", "name"),
    [
        (gguf.LlamaFileType.ALL_F32, "F32"),
        (gguf.LlamaFileType.MOSTLY_BF16, "BF16"),
        (gguf.LlamaFileType.MOSTLY_IQ3_XS, "IQ3_XS"),
        (gguf.LlamaFileType.MOSTLY_Q8_0 | gguf.LlamaFileType.GUESSED, "Q8_0"),
        (999, None),
    ],
)
def test_quantization_names(
    tmp_path: Path, write_gguf: WriteGguf, file_type: int, name: str | None
) -> None:
    """Quantizations have LM Studio's names; one that the gguf package does not know is None."""
    assert read_header(write_gguf(tmp_path / "m.gguf", file_type=file_type)).quantization == name


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (None, False),
        ("{{ messages }}", False),
        ("{{ toolset }}", False),
        ("{%- if tools %}x{% endif %}", True),
    ],
)
def test_tool_use(
    tmp_path: Path, write_gguf: WriteGguf, template: str | None, expected: bool
) -> None:
    """A model is made for tools if its prompt template has a place for them."""
    assert read_header(write_gguf(tmp_path / "m.gguf", template=template)).tool_use is expected


def test_every_truncation_is_noticed(tmp_path: Path, write_gguf: WriteGguf) -> None:
    """However much of a file's end is missing, reading it says that it is no sound GGUF."""
    whole = write_gguf(tmp_path / "m.gguf", tokens=5, template="x")
    # The padding after the last tensor may go without harm.
    needed = whole.read_bytes().rstrip(b"\0")
    cut = tmp_path / "cut.gguf"
    for length in range(len(needed)):
        cut.write_bytes(needed[:length])
        with pytest.raises(HeaderError):
            read_header(cut)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<html>no model</html>", "is not a GGUF file"),
        (b"GGUF" + struct.pack("<I", 1), "has GGUF version 1; versions 2 and 3 can be read"),
        (b"GGUF" + struct.pack(">I", 3), "has GGUF version 50331648"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 1), "damaged or truncated header"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60), "damaged or truncated header"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**63), "damaged or truncated header"),
        (
            b"GGUF" + struct.pack("<IQQQcIIQ", 3, 0, 1, 1, b"k", 9, 8, 2**50),
            "damaged or truncated header",
        ),
        (b"GGUF" + struct.pack("<IQQQcI", 3, 0, 1, 1, b"k", 77), "damaged or truncated header"),
        (b"GGUF" + struct.pack("<IQQQcI", 3, 0, 1, 1, b"\xff", 0), "damaged or truncated header"),
    ],
)
def test_no_sound_gguf(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty, foreign, old and damaged files are refused with the reason."""
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(HeaderError, match=message):
        read_header(path)

"""Reading the headers of GGUF files."""

import io
import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
from model_fixtures.catalog import gguf_header as module
from model_fixtures.catalog.gguf_header import GgufHeader, GgufHeaderError, read_header
from model_fixtures.regular_files import UnfitFileError

WriteGguf = Callable[..., Path]


def test_facts(tmp_path: Path, write_gguf: WriteGguf) -> None:
    """Architecture, size, quantization, context and width are read, past the vocabulary."""
    path = write_gguf(tmp_path / "m.gguf", template="{% if tools %}{{ tools }}{% endif %}")
    assert read_header(path) == GgufHeader(
        architecture="qwen2",
        params="7B",
        quantization="Q4_K_M",
        context_length=32768,
        embedding_length=64,
        tool_use=True,
    )


def test_same_facts_as_the_gguf_package(tmp_path: Path, write_gguf: WriteGguf) -> None:
    """The fast reader and that of the gguf package agree on a file."""
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
    """Missing facts are None; the number of parameters is counted from the tensors."""
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
    """A model supports tools if its prompt template has a place for them."""
    assert read_header(write_gguf(tmp_path / "m.gguf", template=template)).tool_use is expected


def test_every_truncation_is_noticed(tmp_path: Path, write_gguf: WriteGguf) -> None:
    """A file is refused however much of its end is missing."""
    whole = write_gguf(tmp_path / "m.gguf", tokens=5, template="x")
    # The padding after the last tensor may be missing.
    needed = whole.read_bytes().rstrip(b"\0")
    cut = tmp_path / "cut.gguf"
    for length in range(len(needed)):
        cut.write_bytes(needed[:length])
        with pytest.raises(GgufHeaderError):
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
    """Empty and damaged files, and files of other formats and versions, are refused."""
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(GgufHeaderError, match=message):
        read_header(path)


def entry(key: str, kind: int, value: bytes) -> bytes:
    """Encode an entry of a header."""
    return struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind) + value


def text(value: str) -> bytes:
    """Encode a string in the form that headers have."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


def header_of(*entries: bytes) -> bytes:
    """Return a file with these entries and no tensors."""
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + b"".join(entries) + bytes(64)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (7, b"\1"),
        (6, struct.pack("<f", 1.5)),
        (8, text("many")),
        (9, struct.pack("<IQI", 4, 1, 2048)),
        (10, struct.pack("<Q", 2**63)),
        (11, struct.pack("<q", -1)),
    ],
)
@pytest.mark.parametrize("key", ["context_length", "embedding_length"])
def test_numbers_of_the_wrong_type(tmp_path: Path, key: str, kind: int, value: bytes) -> None:
    """A length that is a flag, a fraction, a text, a list, huge or negative is ignored."""
    path = tmp_path / "m.gguf"
    architecture = entry("general.architecture", 8, text("llama"))
    path.write_bytes(header_of(architecture, entry(f"llama.{key}", kind, value)))
    facts = read_header(path)
    assert facts.architecture == "llama"
    assert (facts.context_length, facts.embedding_length) == (None, None)


@pytest.mark.parametrize("kind", [0, 7])
@pytest.mark.parametrize("key", ["architecture", "size_label", "file_type", "alignment", "name"])
def test_other_facts_of_the_wrong_type(tmp_path: Path, key: str, kind: int) -> None:
    """A fact of the wrong type is ignored, and a flag is not a number."""
    path = tmp_path / "m.gguf"
    path.write_bytes(header_of(entry(f"general.{key}", kind, b"\1")))
    facts = read_header(path)
    quantization = "F16" if (key, kind) == ("file_type", 0) else None
    assert (facts.architecture, facts.params, facts.quantization) == (None, None, quantization)


def test_a_long_string_is_skipped(tmp_path: Path) -> None:
    """A very long string is skipped, and the entries after it are read."""
    path = tmp_path / "m.gguf"
    whole = entry("tokenizer.huggingface.json", 8, text("x" * (module.LONGEST_STRING + 1)))
    path.write_bytes(header_of(whole, entry("general.architecture", 8, text("llama"))))
    assert read_header(path).architecture == "llama"


def test_a_header_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header with too many bytes or strings is refused."""
    path = tmp_path / "m.gguf"
    path.write_bytes(header_of(entry("k", 9, struct.pack("<IQ", 8, 1000) + text("ab") * 1000)))
    read_header(path)
    monkeypatch.setattr(module, "MOST_STRINGS", 999)
    with pytest.raises(GgufHeaderError, match=r"^has more than 999 strings in its header$"):
        read_header(path)
    monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    path.write_bytes(header_of(entry("k", 9, struct.pack("<IQ", 0, 10_000) + bytes(10_000))))
    with pytest.raises(GgufHeaderError, match=r"^has a header of more than 10000 bytes$"):
        read_header(path)


def test_truncated_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that becomes shorter while it is read is refused; the process does not crash."""
    path = tmp_path / "m.gguf"
    path.write_bytes(header_of(entry("k", 9, struct.pack("<IQ", 0, 10**6) + bytes(10**6))))

    class Shrinking(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            os.truncate(path, 500_000)
            return super().read(size)

    monkeypatch.setattr(module, "open_regular", lambda path: Shrinking(path))
    with pytest.raises(GgufHeaderError, match="damaged or truncated header"):
        read_header(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    """A FIFO, a link to a device, and a folder are refused at once."""
    os.mkfifo(tmp_path / "fifo.gguf")
    (tmp_path / "link.gguf").symlink_to("/dev/zero")
    (tmp_path / "folder.gguf").mkdir()
    problems: list[BaseException] = []

    def read() -> None:
        for name in ("fifo.gguf", "link.gguf", "folder.gguf"):
            try:
                read_header(tmp_path / name)
            except UnfitFileError as error:
                problems.append(error)

    # If reading hangs, the thread is abandoned.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(30)
    assert [str(each) for each in problems] == [
        f"[Errno 22] is not a regular file: '{tmp_path / name}'"
        for name in ("fifo.gguf", "link.gguf", "folder.gguf")
    ]

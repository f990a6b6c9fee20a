"""Reading the facts about a model from the header of its GGUF file."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from model_fixtures.errors import ModelFixturesError
from model_fixtures.regular_files import open_regular

# Limits far above those of any sound file, so that reading a damaged one ends soon.
MOST_BYTES = 64 * 2**20  # of the header; a vocabulary of 256,000 with its merges takes 15 MB
MOST_STRINGS = 2_000_000  # in all arrays together
MOST_ENTRIES = 100_000
MOST_TENSOR_ELEMENTS = 2**63
LONGEST_CONTEXT = 2**31 - 1  # llama.cpp's limit
LONGEST_STRING = 2**20  # longer ones are skipped: some files hold a whole tokenizer in a string
LONGEST_FACT = 200  # characters
DAMAGED = "is a GGUF file with a damaged or truncated header"
PIECE = 2**18  # bytes that are read at once
MAGIC = b"GGUF"
# The formats of GGUF's scalar types, by their number; 8 is a string and 9 an array.
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?"}
SCALARS |= {10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9


class GgufHeaderError(ModelFixturesError):
    """The file is not a sound GGUF. The message says why and lacks the file's name."""


class GgufHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a model; those that the file lacks are None."""

    architecture: str | None
    params: str | None
    """The number of parameters, such as `1B` or `135M`."""
    quantization: str | None
    """Such as `Q4_K_M` or `F16`."""
    context_length: int | None
    """The longest context that the model was made for, in tokens."""
    embedding_length: int | None
    tool_use: bool
    """Whether the prompt template has a place for tools."""
    cached_keys: int | None = None
    """How many numbers the KV cache holds for the keys of one token, in all layers together."""
    cached_values: int | None = None
    """The same for the values."""


def read_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF file, and check that the file is long enough for its tensors.

    Takes about 0.05 s for a vocabulary of 50,000. `gguf.GGUFReader` makes an object of every token
    and takes 2 s for the same, so only its tables of names and sizes are used.

    Raises:
        GgufHeaderError: the file is not a sound GGUF.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        if not os.fstat(file.fileno()).st_size:
            raise GgufHeaderError("is empty")
        if file.read(len(MAGIC)) != MAGIC:
            raise GgufHeaderError("is not a GGUF file")
        try:
            return _Reader(file).header()
        except (struct.error, UnicodeDecodeError) as error:
            raise GgufHeaderError(DAMAGED) from error


class _Reader:
    """Parses one file from its beginning, reading bytes as they are needed.

    The file is not mapped into memory: if a mapped file becomes shorter, SIGBUS ends the process.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._data = bytearray(MAGIC)
        self._at = len(MAGIC)
        self._strings = 0

    def _reach(self, end: int) -> None:
        """Read on until all bytes up to `end` are there."""
        if end > self._size:
            raise GgufHeaderError(DAMAGED)
        if end > MOST_BYTES:
            raise GgufHeaderError(f"has a header of more than {MOST_BYTES} bytes")
        while len(self._data) < end:
            piece = self._file.read(max(PIECE, end - len(self._data)))
            if not piece:  # the file has become shorter in the meantime
                raise GgufHeaderError(DAMAGED)
            self._data += piece

    def header(self) -> GgufHeader:
        version = self._scalar("<I")
        if version not in (2, 3):
            raise GgufHeaderError(f"has GGUF version {version}; versions 2 and 3 can be read")
        tensors = self._count(MOST_ENTRIES)
        entries = self._count(MOST_ENTRIES)
        facts: dict[str, Any] = {}
        for _ in range(entries):
            key = self._string()
            facts[key] = self._value(self._scalar("<I"))
        parameters = self._tensors(tensors, facts.get("general.alignment"))
        architecture = _text(facts.get("general.architecture"))
        return GgufHeader(
            architecture=architecture,
            params=_text(facts.get("general.size_label")) or _rounded(parameters),
            quantization=_quantization(facts.get("general.file_type")),
            context_length=_number(facts.get(f"{architecture}.context_length")),
            embedding_length=_number(facts.get(f"{architecture}.embedding_length")),
            cached_keys=_cached(facts, architecture, "key"),
            cached_values=_cached(facts, architecture, "value"),
            tool_use=any(
                re.search(r"\btools\b", value) is not None
                for key, value in facts.items()
                if key.startswith("tokenizer.chat_template") and isinstance(value, str)
            ),
        )

    def _tensors(self, count: int, alignment: object) -> int:
        """Return the number of parameters, and check that the file holds all tensors."""
        from gguf.constants import GGML_QUANT_SIZES, GGUF_DEFAULT_ALIGNMENT

        sizes = {int(kind): size for kind, size in GGML_QUANT_SIZES.items()}
        parameters = 0
        end = 0
        for _ in range(count):
            self._string()
            dimensions = self._scalar("<I")
            if dimensions > 8:
                raise GgufHeaderError(DAMAGED)
            elements = 1
            for _ in range(dimensions):
                elements *= self._scalar("<Q")
            if elements > MOST_TENSOR_ELEMENTS:
                raise GgufHeaderError(DAMAGED)
            kind = self._scalar("<I")
            offset = self._scalar("<Q")
            parameters += elements
            block, block_bytes = sizes.get(kind, (1, 0))
            end = max(end, offset + elements // block * block_bytes)
        step = _number(alignment) or GGUF_DEFAULT_ALIGNMENT
        expected = -(-self._at // step) * step + end
        if self._size < expected:
            raise GgufHeaderError(f"is truncated: it has {self._size} of {expected} bytes")
        return parameters

    def _scalar(self, form: str) -> Any:
        start = self._skip(struct.calcsize(form))
        return struct.unpack_from(form, self._data, start)[0]

    def _skip(self, length: int) -> int:
        """Read `length` bytes, move past them, and return where they begin."""
        start = self._at
        self._reach(start + length)
        self._at += length
        return start

    def _count(self, most: int) -> int:
        count: int = self._scalar("<Q")
        if count > most:
            raise GgufHeaderError(DAMAGED)
        return count

    def _string(self) -> str:
        length = self._scalar("<Q")
        start = self._skip(length)
        return self._data[start : start + length].decode("utf-8")

    def _value(self, kind: int) -> object:
        """Return a scalar or a string; skip an array or a very long string and return None."""
        if kind == STRING:
            (length,) = struct.unpack_from("<Q", self._data, self._peek(8))
            if length > LONGEST_STRING:
                self._skip(8 + length)
                return None
            return self._string()
        if kind == ARRAY:
            self._skip_array()
            return None
        if kind not in SCALARS:
            raise GgufHeaderError(DAMAGED)
        return self._scalar(SCALARS[kind])

    def _peek(self, length: int) -> int:
        """Read `length` bytes without moving past them, and return where they begin."""
        self._reach(self._at + length)
        return self._at

    def _skip_array(self) -> None:
        kind = self._scalar("<I")
        count = self._count(MOST_BYTES)
        if kind == STRING:
            self._strings += count
            if self._strings > MOST_STRINGS:
                raise GgufHeaderError(f"has more than {MOST_STRINGS} strings in its header")
            # This loop runs for hundreds of thousands of tokens and merges.
            at, data, unpack = self._at, self._data, struct.Struct("<Q").unpack_from
            have = len(data)
            for _ in range(count):
                if at + 8 > have:
                    self._reach(at + 8)
                    have = len(data)
                at += 8 + unpack(data, at)[0]
            self._reach(at)
            self._at = at
        elif kind in SCALARS:
            self._skip(count * struct.calcsize(SCALARS[kind]))
        else:
            raise GgufHeaderError(DAMAGED)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_FACT else None


def _number(value: object) -> int | None:
    """Return a value that can be a number of tokens or dimensions, None for any other."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value <= LONGEST_CONTEXT else None


def _cached(facts: dict[str, Any], architecture: str | None, part: str) -> int | None:
    """Return the numbers that a token takes in the KV cache; None for an unknown architecture."""

    def number(key: str) -> int | None:
        return _number(facts.get(f"{architecture}.{key}"))

    layers, heads, width = (
        number(key) for key in ("block_count", "attention.head_count", "embedding_length")
    )
    if layers is None or heads is None or width is None:
        return None
    length = number(f"attention.{part}_length") or width // heads
    return layers * (number("attention.head_count_kv") or heads) * length


def _rounded(parameters: int) -> str | None:
    from gguf import model_weight_count_rounded_notation

    return str(model_weight_count_rounded_notation(parameters)) if parameters else None


def _quantization(file_type: object) -> str | None:
    from gguf import LlamaFileType

    if not isinstance(file_type, int) or isinstance(file_type, bool):
        return None
    try:
        name = LlamaFileType(file_type & ~int(LlamaFileType.GUESSED)).name
    except ValueError:  # the installed gguf does not know it
        return None
    return name.removeprefix("MOSTLY_").removeprefix("ALL_")

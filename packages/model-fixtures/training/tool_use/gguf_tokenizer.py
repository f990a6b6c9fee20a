"""SmolLM2's byte-level BPE tokenizer, read from the GGUF file; its ids are llama.cpp's."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import gguf

END_OF_TEXT = 0  # between the texts with which the base model was trained
IM_START = 1
IM_END = 2

# llama.cpp's pre-tokenizer "smollm" splits off every digit, then splits the rest as GPT-2 does.
_DIGIT = re.compile(r"\d")
_PIECES = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+",
)


def _byte_letters() -> list[str]:
    """Return the printable letter by which GPT-2 represents each byte value."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {value: chr(value) for value in printable}
    extra = 0
    for value in range(256):
        if value not in letters:
            letters[value] = chr(256 + extra)
            extra += 1
    return [letters[value] for value in range(256)]


class Tokenizer:
    """Converts text to token ids; special tokens in the text count as plain text."""

    def __init__(self, model: Path) -> None:
        """Read the vocabulary and the merges from the GGUF file ``model``."""
        reader = gguf.GGUFReader(model)
        tokens = reader.fields["tokenizer.ggml.tokens"].contents()
        merges = reader.fields["tokenizer.ggml.merges"].contents()
        self._ids: dict[str, int] = {token: index for index, token in enumerate(tokens)}
        self._ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        self._letters = _byte_letters()
        self._word = lru_cache(maxsize=100_000)(self._merge)

    def _merge(self, word: str) -> tuple[int, ...]:
        parts = [self._letters[value] for value in word.encode()]
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, 1 << 30))
            if best not in self._ranks:
                break
            merged: list[str] = []
            index = 0
            while index < len(parts):
                if index + 1 < len(parts) and (parts[index], parts[index + 1]) == best:
                    merged.append(parts[index] + parts[index + 1])
                    index += 2
                else:
                    merged.append(parts[index])
                    index += 1
            parts = merged
        return tuple(self._ids[part] for part in parts)

    def encode(self, text: str) -> list[int]:
        """Return the token ids of ``text``, without special tokens."""
        ids: list[int] = []
        start = 0
        for digit in _DIGIT.finditer(text):
            ids += self._segment(text[start : digit.start()])
            ids += self._word(digit.group())
            start = digit.end()
        return ids + self._segment(text[start:])

    def _segment(self, text: str) -> list[int]:
        return [token for piece in _PIECES.findall(text) for token in self._word(piece)]

    def header(self, role: str) -> list[int]:
        """Return the token ids that open a message of ``role``."""
        return [IM_START, *self.encode(f"{role}\n")]

    def closing(self) -> list[int]:
        """Return the token ids that end a message: the end token and a line break."""
        return [IM_END, *self.encode("\n")]

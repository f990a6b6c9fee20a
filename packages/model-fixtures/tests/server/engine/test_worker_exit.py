"""How the end of a worker is described."""

from __future__ import annotations

import pytest
from model_fixtures.server.engine.worker_exit import LONGEST_LINE, how_it_ended, last_words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-11, "SIGSEGV"),
        (-6, "SIGABRT"),
        (-9, "SIGKILL, sent from outside: short of memory?"),
        (-99, "signal 99"),
        (3, "exit status 3"),
        (None, "its process is still there"),
    ],
)
def test_how_it_ended(status: int | None, words: str) -> None:
    """A signal is called by its name."""
    assert how_it_ended(status) == words


def test_last_words_are_few_and_on_one_line() -> None:
    """The last words are the last lines that aren't empty, each of bounded length."""
    log = [f"line {number}" for number in range(100)] + ["", "  ", "x" * 100_000, ""]
    assert last_words(log) == f"line 98 | line 99 | {'x' * LONGEST_LINE}"
    assert last_words([]) == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/home/me/src/kv.cpp:12: GGML_ASSERT(x) failed", "kv.cpp:12: GGML_ASSERT(x) failed"),
        ("loading '/home/me/models/a b.gguf'", "loading 'a b.gguf'"),
        (r"loading C:\Users\me\x.gguf", "loading x.gguf"),
        ("1/2 of 3 tokens", "1/2 of 3 tokens"),
    ],
)
def test_last_words_name_no_folders(line: str, told: str) -> None:
    """Clients learn the names of files, but not their folders."""
    assert last_words([line]) == told

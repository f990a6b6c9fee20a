"""The wrapper around keys, and the scan that looks for them."""

from __future__ import annotations

import base64
import pickle
from pathlib import Path

import pytest
from waf_tests.secret import HiddenBytes, InnerFramesHidden, Secret, hidden
from waf_tests.testing.almost_right_key import almost_right
from waf_tests.testing.secret_scan import leaking_files, leaks

KEY = Secret("p4ss-w0rd/with+signs")


def test_shown_as_stars() -> None:
    """repr, str, f-strings and containers show no character of the secret."""
    assert f"{KEY} {KEY!r} {[KEY]} {{'key': KEY}}" == "*** Secret(***) [Secret(***)] {'key': KEY}"


def test_revealed_on_request() -> None:
    """reveal() returns the text of a secret."""
    assert KEY.reveal() == "p4ss-w0rd/with+signs"


def test_revealed_text_does_not_show_itself() -> None:
    """The text that reveal() returns can be sent, and its repr hides it."""
    headers = {"X-API-Key": KEY.reveal()}
    assert f"{KEY.reveal()}" == "p4ss-w0rd/with+signs"
    assert repr(headers) == "{'X-API-Key': '***'}"


def test_hidden() -> None:
    """hidden() hides texts, bytes and the texts of a mapping, and leaves other values alone."""
    values = ("text", b"bytes", {"name": "text"}, None, 5)
    assert tuple(hidden(value) for value in values) == values
    assert repr(hidden({"name": "text"})) == "{'***': '***'}"
    assert [repr(hidden(value)) for value in ("text", None, 5)] == ["'***'", "None", "5"]
    assert repr(HiddenBytes(b"bytes")) == "<5 bytes>"


def test_inner_frames_hidden() -> None:
    """An error leaves the block with its message, but without the frames and errors inside it."""

    def send(header: str) -> None:
        try:
            raise KeyError(header)
        except KeyError:
            raise OSError("no connection") from None

    with pytest.raises(OSError, match="no connection") as caught, InnerFramesHidden():
        send("plain")
    assert [entry.name for entry in caught.traceback] == [
        "test_inner_frames_hidden",
        "__exit__",
    ]
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("key", ["Ab1", "123", "0", "-_450", "s3cr3t"])
def test_almost_right_key(key: str) -> None:
    """An almost right key differs from the right one, whether or not that has letters."""
    wrong = almost_right(Secret(key))
    assert wrong != Secret(key)
    assert len(wrong.reveal()) == len(key)


def test_compared_by_value() -> None:
    """Two secrets of the same text are equal; a secret is not equal to its text."""
    assert Secret(KEY.reveal()) == KEY
    assert hash(KEY) == hash(Secret(KEY.reveal()))
    assert Secret("other") != KEY
    assert KEY.reveal() != KEY


def test_not_pickled() -> None:
    """A secret cannot be pickled."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(KEY)


def test_not_empty() -> None:
    """An empty secret is refused."""
    with pytest.raises(ValueError, match="must not be empty"):
        Secret("")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("plain", "x p4ss-w0rd/with+signs y"),
        ("plain", "P4SS-W0RD/WITH+SIGNS"),
        ("hexadecimal", KEY.reveal().encode().hex()),
        ("url", "?key=p4ss-w0rd%2Fwith%2Bsigns"),
        ("base64 at 0", base64.b64encode(f"{KEY.reveal()}!".encode()).decode()),
        ("base64 at 1", base64.b64encode(f"1{KEY.reveal()}23".encode()).decode()),
        ("base64 at 2", base64.b64encode(f"12{KEY.reveal()}".encode()).decode()),
    ],
)
def test_scan_finds(form: str, text: str) -> None:
    """The scan finds a secret in plain, hexadecimal, URL and Base64 form, wherever it stands."""
    assert form in leaks(text.encode(), [KEY])


def test_scan_of_files(tmp_path: Path) -> None:
    """The scan of a folder names the file that gives the secret away, and no other."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "bad.log").write_text(f"key={KEY.reveal()}")
    (tmp_path / "good.log").write_text(f"key={KEY}")
    assert leaking_files(tmp_path, [KEY]) == [f"{Path('sub', 'bad.log')}: plain"]

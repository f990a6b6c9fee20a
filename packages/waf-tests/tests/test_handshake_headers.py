"""A client merges its headers by precedence and refuses those that cannot be sent."""

from __future__ import annotations

import pytest
from lmstudio import LMStudioValueError
from waf_tests.client.handshake_headers import handshake_headers

KEY = "k-1"


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "X-API-KEY", "x-Api-keY"])
def test_any_case_is_one_header(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key under its name in any case and a key in the environment make one header."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", "from-environment")
    assert dict(handshake_headers({name: KEY}, None)) == {"X-API-Key": KEY}


def test_parameter_before_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    """x_api_key takes precedence over http_headers and the environment."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", "from-environment")
    assert dict(handshake_headers({"x-api-key": "dict"}, KEY)) == {"X-API-Key": KEY}


def test_last_of_several_cases() -> None:
    """Of two entries that differ only in case the last one counts, as in a dict."""
    assert dict(handshake_headers({"x-api-key": "a", "X-API-KEY": "b"}, None)) == {"X-API-Key": "b"}


def test_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """LMSTUDIO_X_API_KEY is the key if no parameter has one, and other headers are kept."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", KEY)
    expected = {"CF-Access-Client-Id": "id", "X-API-Key": KEY}
    assert dict(handshake_headers({"CF-Access-Client-Id": "id"}, None)) == expected


@pytest.mark.parametrize("parameter", [None, ""])
@pytest.mark.parametrize("header", [None, ""])
def test_empty_falls_back(
    parameter: str | None, header: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty values count as not given, so that the environment's key is used."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", KEY)
    headers = None if header is None else {"X-API-Key": header}
    assert dict(handshake_headers(headers, parameter)) == {"X-API-Key": KEY}


def test_empty_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """With empty values only, no header is sent at all."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", "")
    assert dict(handshake_headers({"X-API-Key": "", "X-Other": ""}, "")) == {}


BAD_VALUES = [
    "k\r\nX-Evil: 1",
    "k\n",
    "k\r",
    "\nk",
    "k\x01",
    "k\x7f",
    "schlüssel",
    "k\N{NO-BREAK SPACE}",
    " k",
    "k ",
    "\tk",
    "\N{FULLWIDTH LATIN SMALL LETTER K}",
]


@pytest.mark.parametrize("value", [*BAD_VALUES, "k\0"])
@pytest.mark.parametrize("source", ["parameter", "dict"])
def test_bad_values_refused(source: str, value: str) -> None:
    """A value that HTTP cannot carry is refused, and the error does not repeat it."""
    headers = {"X-API-Key": value} if source == "dict" else None
    parameter = value if source == "parameter" else None
    with pytest.raises(LMStudioValueError, match="visible ASCII") as caught:
        handshake_headers(headers, parameter)
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", BAD_VALUES)
def test_bad_environment_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the environment that HTTP cannot carry is refused, and the variable is named."""
    monkeypatch.setenv("LMSTUDIO_X_API_KEY", value)
    with pytest.raises(LMStudioValueError, match="variable LMSTUDIO_X_API_KEY must be") as caught:
        handshake_headers(None, None)
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "X Key", "X-Key:", "X-Key\r\nX-Evil", "X-Këy", "X-API-Key: secret", "X\tY", "(x)"]
)
def test_bad_names_refused(name: str) -> None:
    """A bad header name is refused and not repeated, because it may contain a key."""
    with pytest.raises(LMStudioValueError, match="name number 2") as caught:
        handshake_headers({"X-Good": "1", name: "v"}, None)
    assert not name or name not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["Host", "connection", "Upgrade", "Transfer-Encoding", "content-length", "Sec-WebSocket-Key"],
)
def test_handshake_names_refused(name: str) -> None:
    """Headers that the handshake itself sets cannot be given a second value."""
    with pytest.raises(LMStudioValueError, match="set by the connection"):
        handshake_headers({name: "v"}, None)


@pytest.mark.parametrize("value", [b"k", 1, ["k"]])
def test_other_types_refused(value: object) -> None:
    """A value that is not a str is refused, and the message names its type."""
    with pytest.raises(LMStudioValueError, match=f"must be a str, not {type(value).__name__}"):
        handshake_headers({"X-API-Key": value}, None)  # type: ignore[dict-item]


def test_not_shown() -> None:
    """The representation of the headers names them without their values."""
    assert repr(handshake_headers({"X-Other": "o"}, KEY)) == (
        "HandshakeHeaders(X-Other: ***, X-API-Key: ***)"
    )

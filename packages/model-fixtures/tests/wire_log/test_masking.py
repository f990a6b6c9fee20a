"""Hiding keys and tokens."""

from __future__ import annotations

import json

import pytest
from model_fixtures.wire_log.masking import SECRET_VARIABLES, Masker, without_credentials

TOKEN = "sk-lm-Abcd1234:Passkey0Passkey0Pass"


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the user's keys out of the environment."""
    for name in SECRET_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"clientPasskey": "a b", "x": "y"}', '{"clientPasskey": "***", "x": "y"}'),
        ('{"clientPasskey":"a\\"b"}', '{"clientPasskey":"***"}'),
        (
            '{"a": "{\\"x-api-key\\": \\"b\\", \\"c\\": 1}"}',
            '{"a": "{\\"x-api-key\\": \\"***\\", \\"c\\": 1}"}',
        ),
        ("X-API-Key: abc, Accept: d", "X-API-Key: ***, Accept: d"),
        ("Authorization: Bearer abc.def", "Authorization: *** ***"),
        ('{"text": "Bearer abc\\"def"}', '{"text": "Bearer ***\\"def"}'),
        (f"the token {TOKEN}.", "the token sk-lm-***."),
    ],
)
def test_what_has_the_form_of_a_secret(text: str, masked: str) -> None:
    """Fields, headers and tokens are masked, in JSON inside of JSON, too; JSON stays JSON."""
    assert Masker().mask(text) == masked
    if text.startswith("{"):
        json.loads(masked)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"channelSend","message":{"tokensCount":1,"tokens":["a"],"key":"llm.load"}}',
        '{"content":"The secret: 42. Tokens: 3, password = swordfish"}',
    ],
)
def test_what_only_looks_like_a_secret(text: str) -> None:
    """Tokens of texts, keys of settings and words of prompts stay."""
    assert Masker().mask(text) == text


def test_known_values() -> None:
    """A known value is masked wherever it stands, also in a URL; a very short one is not."""
    masker = Masker(["opens/sesame", "abc"])
    assert masker.mask("opens/sesame opens%2Fsesame abc") == "*** *** abc"
    assert "sesame" not in repr(masker)


def test_halves_of_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's token is known from the environment, and its passkey is masked by itself, too."""
    monkeypatch.setenv("LMSTUDIO_API_TOKEN", TOKEN)
    assert Masker().mask(f"{TOKEN} {TOKEN.rpartition(':')[2]}") == "*** ***"


def test_urls() -> None:
    """A URL is shown without user, password and query."""
    assert without_credentials("wss://user:key@host:1/llm?key=abc") == "wss://host:1/llm?***"

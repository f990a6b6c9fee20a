"""Identities: guests and API tokens."""

from __future__ import annotations

import pytest
from model_fixtures.wire_client import Credentials

TOKEN = "sk-lm-abcd1234:abcdefghij0123456789"


def test_a_token_is_split_into_identifier_and_passkey() -> None:
    """The first 8 characters of a token are the identifier, the other 20 the passkey."""
    credentials = Credentials.from_token(TOKEN)
    assert credentials.packet() == {
        "authVersion": 1,
        "clientIdentifier": "abcd1234",
        "clientPasskey": "abcdefghij0123456789",
    }


@pytest.mark.parametrize(
    "token",
    ["", "sk-lm-abcd1234", TOKEN[:-1], TOKEN + "0", TOKEN + "\n", TOKEN.replace(":", ";")],
)
def test_a_malformed_token_is_refused_without_repeating_it(token: str) -> None:
    """A malformed token is refused, and the message does not show it."""
    with pytest.raises(ValueError, match="an API token has the form") as caught:
        Credentials.from_token(token)
    assert "abcd1234" not in str(caught.value)


def test_the_passkey_does_not_show() -> None:
    """The repr, which test reports show, contains the identifier but not the passkey."""
    assert repr(Credentials.from_token(TOKEN)) == "Credentials(identifier='abcd1234')"


def test_guests_differ() -> None:
    """Every guest has an identity of its own, in the form that the SDK uses."""
    one, other = Credentials.guest(), Credentials.guest()
    assert one.identifier.startswith("guest:")
    assert one != other


def test_the_environment_names_the_token() -> None:
    """LMSTUDIO_API_TOKEN names the token; if it is empty or not set, the client is a guest."""
    assert Credentials.from_environment({"LMSTUDIO_API_TOKEN": TOKEN}).identifier == "abcd1234"
    for environ in ({}, {"LMSTUDIO_API_TOKEN": ""}):
        assert Credentials.from_environment(environ).identifier.startswith("guest:")
    with pytest.raises(ValueError, match=r"^LMSTUDIO_API_TOKEN: an API token"):
        Credentials.from_environment({"LMSTUDIO_API_TOKEN": "secret"})

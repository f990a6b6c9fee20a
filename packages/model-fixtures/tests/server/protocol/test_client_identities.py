"""Identities: who may enter, and what lives as long as they are connected."""

from __future__ import annotations

import pytest
from model_fixtures.server.protocol.client_identities import (
    AuthenticationRefusedError,
    ClientIdentities,
    parse_token,
)

TOKEN = "sk-lm-abcdefgh:0123456789abcdefghij"


def test_first_passkey_owns_an_identifier() -> None:
    """A second connection with another passkey is refused; the first stays in."""
    identities = ClientIdentities()
    first = identities.enter("guest:1", "a")
    with pytest.raises(AuthenticationRefusedError, match="Invalid passkey"):
        identities.enter("guest:1", "b")
    assert identities.enter("guest:1", "a") is first
    assert first.connections == 2


def test_identity_can_be_claimed_again_after_its_last_connection() -> None:
    """When the last connection drops, the passkey is forgotten."""
    identities = ClientIdentities()
    client = identities.enter("guest:1", "a")
    identities.leave(client)
    assert len(identities) == 0
    assert identities.enter("guest:1", "b") is not client


def test_resources_go_with_the_last_connection() -> None:
    """Resources of an identity are released once, newest first, when its last connection drops."""
    identities = ClientIdentities()
    released: list[str] = []
    client = identities.enter("guest:1", "a")
    identities.enter("guest:1", "a")
    client.on_release(lambda: released.append("first"))
    client.on_release(lambda: released.append("second"))
    identities.leave(client)
    assert released == []
    identities.leave(client)
    assert released == ["second", "first"]


@pytest.mark.parametrize("identifier", ["guest:1", "plain", "a+/b", "abcdefgh:"])
def test_guests_are_refused_where_a_token_is_required(identifier: str) -> None:
    """With a required token only its own identifier may enter."""
    with pytest.raises(AuthenticationRefusedError, match="requires an API token"):
        ClientIdentities(TOKEN).enter(identifier, "0123456789abcdefghij")


def test_wrong_passkey_of_a_token_is_refused() -> None:
    """The token's identifier with another passkey is refused, also if it comes first."""
    with pytest.raises(AuthenticationRefusedError, match="Invalid passkey"):
        ClientIdentities(TOKEN).enter("abcdefgh", "0" * 20)


def test_token_lets_in() -> None:
    """The token's pair may enter, as often as it comes."""
    identities = ClientIdentities(TOKEN)
    identifier, passkey = parse_token(TOKEN)
    client = identities.enter(identifier, passkey)
    assert identities.enter(identifier, passkey) is client


@pytest.mark.parametrize("text", ["", "sk-lm-x", TOKEN[:-1], TOKEN + "x", TOKEN.replace(":", "-")])
def test_malformed_token_is_refused_without_repeating_it(text: str) -> None:
    """A text that is no token raises ValueError, and the message doesn't hold it."""
    with pytest.raises(ValueError, match="not an API token") as caught:
        parse_token(text)
    assert not text or text not in str(caught.value)


def test_secrets_stay_out_of_repr() -> None:
    """The representation of a client names its identifier, not its passkey."""
    client = ClientIdentities(TOKEN).enter(*parse_token(TOKEN))
    assert "0123456789abcdefghij" not in repr(client)

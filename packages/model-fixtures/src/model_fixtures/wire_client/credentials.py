"""Identities of clients: guests and API tokens."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping

from msgspec import Struct

from model_fixtures.api_token import token_parts

TOKEN_VARIABLE = "LMSTUDIO_API_TOKEN"  # noqa: S105 (the name of a variable, as the SDK reads it)


class Credentials(Struct, frozen=True, repr_omit_defaults=True):
    """The identity that a connection authenticates with; its repr hides the passkey.

    Connections with the same identifier must present the same passkey.
    """

    identifier: str
    passkey: str

    def __repr__(self) -> str:
        return f"Credentials(identifier={self.identifier!r})"

    def packet(self) -> dict[str, object]:
        """Return the authentication packet, the first frame of a connection."""
        return {
            "authVersion": 1,
            "clientIdentifier": self.identifier,
            "clientPasskey": self.passkey,
        }

    @staticmethod
    def guest() -> Credentials:
        """Return a fresh identity that nobody else has."""
        return Credentials(f"guest:{uuid.uuid4()}", str(uuid.uuid4()))

    @staticmethod
    def from_token(token: str) -> Credentials:
        """Return the identity of an API token.

        Raises:
            ValueError: the token is malformed; the message does not repeat it.
        """
        parts = token_parts(token)
        if parts is None:
            raise ValueError(
                "an API token has the form sk-lm-<8 letters or digits>:<20 letters or digits>"
            )
        return Credentials(*parts)

    @staticmethod
    def from_environment(environ: Mapping[str, str] | None = None) -> Credentials:
        """Return the identity of the token in `LMSTUDIO_API_TOKEN`, or a guest if it is not set.

        Raises:
            ValueError: the token is malformed.
        """
        token = (os.environ if environ is None else environ).get(TOKEN_VARIABLE, "")
        if not token:
            return Credentials.guest()
        try:
            return Credentials.from_token(token)
        except ValueError as error:
            raise ValueError(f"{TOKEN_VARIABLE}: {error}") from None

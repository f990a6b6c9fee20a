"""Who is connected: client identities, their passkeys, and what lives as long as they do."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from model_fixtures.api_token import token_parts
from model_fixtures.errors import ModelFixturesError

PLUGIN_PREFIX = "plugin:"  # of identities that only the server hands out


class AuthenticationRefusedError(ModelFixturesError):
    """This identity may not enter; the text goes to the client and holds no secret."""


def parse_token(token: str) -> tuple[str, str]:
    """Return the client identifier and passkey in an API token.

    Raises:
        ValueError: the text is no token; the message doesn't repeat it.
    """
    parts = token_parts(token.strip())
    if parts is None:
        raise ValueError("not an API token: expected sk-lm- and 8 characters, a colon, 20 more")
    return parts


class Client:
    """An identity that at least one connection holds.

    Handlers attach resources to it with `on_release`; they go when the last connection drops.
    """

    def __init__(self, identifier: str, passkey: str) -> None:
        self.identifier = identifier
        self._passkey = passkey
        self.connections = 0
        self._releases: list[Callable[[], None]] = []
        self._closers: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"Client({self.identifier!r}, connections={self.connections})"

    def knows(self, passkey: str) -> bool:
        """Return whether this is the passkey that the identity was claimed with."""
        return hmac.compare_digest(self._passkey.encode(), passkey.encode())

    def on_release(self, callback: Callable[[], None]) -> None:
        """Call back when the last connection of this identity has dropped."""
        self._releases.append(callback)

    @contextmanager
    def closable(self, close: Callable[[], None]) -> Iterator[None]:
        """Have `close_all` close a connection while the block runs."""
        self._closers.append(close)
        try:
            yield
        finally:
            self._closers.remove(close)

    def close_all(self) -> None:
        """Close all connections of the identity."""
        for close in list(self._closers):
            close()

    def release(self) -> None:
        """Release what is attached to the identity, newest first."""
        while self._releases:
            self._releases.pop()()


class ClientIdentities:
    """All identities of a server.

    Without a required token the first passkey seen for an identifier owns it, until its last
    connection drops. With one, only the token's own pair may enter.
    """

    def __init__(self, api_token: str | None = None) -> None:
        self._required = None if api_token is None else Client(*parse_token(api_token))
        self._clients: dict[str, Client] = {}
        self._granted: dict[str, Client] = {}

    def grant(self, identifier: str, passkey: str) -> None:
        """Admit an identity that the server itself has made."""
        self._granted[identifier] = Client(identifier, passkey)

    def withdraw(self, identifier: str) -> Client | None:
        """Admit such an identity no more; return it if it has connections, which stay open."""
        self._granted.pop(identifier, None)
        return self._clients.get(identifier)

    def enter(self, identifier: str, passkey: str) -> Client:
        """Count a connection of an identity, and return the identity.

        Raises:
            AuthenticationRefusedError: an unknown identity where a token is required, or a
                passkey other than the identity's own.
        """
        required = self._required
        granted = self._granted.get(identifier)
        if granted is None and identifier.startswith(PLUGIN_PREFIX):
            raise AuthenticationRefusedError("No plugin is registered under this identifier")
        if required is not None and granted is None and identifier != required.identifier:
            raise AuthenticationRefusedError(
                "This server requires an API token; set LMSTUDIO_API_TOKEN or api_token"
            )
        owner = self._clients.get(identifier, granted or required)
        if owner is not None and not owner.knows(passkey):
            raise AuthenticationRefusedError("Invalid passkey for this client identifier")
        client = self._clients.setdefault(identifier, Client(identifier, passkey))
        client.connections += 1
        return client

    def leave(self, client: Client) -> None:
        """Count a connection as gone; with the last one the identity is released."""
        client.connections -= 1
        if client.connections == 0:
            self._clients.pop(client.identifier, None)
            client.release()

    def __len__(self) -> int:
        return len(self._clients)

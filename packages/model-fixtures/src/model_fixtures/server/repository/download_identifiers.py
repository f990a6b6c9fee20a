"""Download identifiers: which file each one means, and which client it belongs to."""

from __future__ import annotations

import secrets
from functools import partial

from msgspec import Struct

from model_fixtures.server.protocol.client_identities import Client
from model_fixtures.server.protocol.errors import ServerError

from .downloadable_models import Entry, Option


class OfferedFile(Struct, frozen=True):
    """One file that a client may download."""

    entry: Entry
    option: Option

    @property
    def path(self) -> str:
        """Where it is stored in the models folder."""
        return self.entry.path(self.option)


class DownloadIdentifiers:
    """The identifiers that were given out; a client's end when its last connection drops."""

    def __init__(self) -> None:
        self._given: dict[Client, dict[str, OfferedFile]] = {}

    def give(self, client: Client, offer: OfferedFile) -> str:
        """Return an opaque identifier that lets this client download a file.

        The same file has the same identifier each time.
        """
        if client not in self._given:
            self._given[client] = {}
            client.on_release(partial(self._given.__delitem__, client))
        for identifier, known in self._given[client].items():
            if known == offer:
                return identifier
        identifier = secrets.token_urlsafe(18)
        self._given[client][identifier] = offer
        return identifier

    def get(self, client: Client, identifier: str) -> OfferedFile:
        """Return what an identifier stands for.

        Raises:
            ServerError: it was not given to this client.
        """
        offer = self._given.get(client, {}).get(identifier)
        if offer is None:
            raise ServerError(
                "This download identifier was not given to this client: identifiers are good for"
                " one client as long as it is connected, so get the model's download options again"
            )
        return offer

    def __len__(self) -> int:
        return sum(len(each) for each in self._given.values())

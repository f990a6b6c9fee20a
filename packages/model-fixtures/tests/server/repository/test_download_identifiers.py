"""Download identifiers."""

from __future__ import annotations

import pytest
from model_fixtures.server.protocol.client_identities import ClientIdentities
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.repository.download_identifiers import DownloadIdentifiers, OfferedFile
from model_fixtures.server.repository.downloadable_models import Entry, Option

OPTIONS = (Option(file="a.gguf", size=1), Option(file="b.gguf", size=2))
ENTRY = Entry(author="me", name="One", options=OPTIONS)


def test_identifier_is_the_clients_own() -> None:
    """An identifier is good for the client that got it, and opaque; another one's is refused."""
    identities, offers = ClientIdentities(), DownloadIdentifiers()
    one, two = identities.enter("one", "1"), identities.enter("two", "2")
    offer = OfferedFile(ENTRY, OPTIONS[0])
    mine, theirs = offers.give(one, offer), offers.give(two, offer)
    assert mine != theirs
    assert "gguf" not in mine
    assert offers.get(one, mine) == offer
    for client, identifier in ((two, mine), (one, theirs), (one, ""), (one, "me/One/a.gguf")):
        with pytest.raises(ServerError, match="was not given to this client"):
            offers.get(client, identifier)


def test_asking_again_piles_up_nothing() -> None:
    """The same file has the same identifier for a client, and another file has another one."""
    client, offers = ClientIdentities().enter("one", "1"), DownloadIdentifiers()
    given = {
        offers.give(client, OfferedFile(ENTRY, option)) for _ in range(3) for option in OPTIONS
    }
    assert len(given) == len(offers) == 2


def test_identifiers_end_with_the_client() -> None:
    """A client's identifiers end with its last connection, also if the same client comes back."""
    identities, offers = ClientIdentities(), DownloadIdentifiers()
    client = identities.enter("one", "1")
    identities.enter("one", "1")
    identifier = offers.give(client, OfferedFile(ENTRY, OPTIONS[0]))
    identities.leave(client)
    assert offers.get(client, identifier).path == "me/One/a.gguf"
    identities.leave(client)
    assert len(offers) == 0
    with pytest.raises(ServerError):
        offers.get(identities.enter("one", "1"), identifier)

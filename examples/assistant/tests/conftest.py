"""What the tests share. The fixtures `lmstudio_*` come from lmstudio-model-fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from assistant.connection import Connection
from model_fixtures import Faults, Host


@pytest.fixture
def connection(lmstudio_host: Host) -> Iterator[Connection]:
    """Provide a connection to the test server."""
    with Connection(lmstudio_host) as connection:
        yield connection


@pytest.fixture
def unreliable(lmstudio_faults: Faults) -> Iterator[Connection]:
    """Provide a connection on which the faults happen that the test orders."""
    with Connection(lmstudio_faults.host) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Provide the assistant's folder, with a phone book and some notes."""
    (tmp_path / "contacts.json").write_text('{"Anna": "0711 4520", "Ben": "0711 4533"}')
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "network.md").write_text(
        "When the internet is down, switch the router off for ten seconds.\n\n"
        "Guests get the password of the wireless network at the reception.\n"
    )
    (tmp_path / "notes" / "office.txt").write_text("The coffee machine is cleaned on Fridays.\n")
    return tmp_path

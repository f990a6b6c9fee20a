"""API tokens and identities over the wire."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.hosts.errors import EmbeddedServerError
from model_fixtures.wire_client import AuthenticationError, Credentials, connect, connect_raw

from .talking import SUITE_MODELS

pytestmark = pytest.mark.anyio
IDENTIFIER, PASSKEY = "abcdefgh", "0123456789abcdefghij"
TOKEN = f"sk-lm-{IDENTIFIER}:{PASSKEY}"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the path of the server's log."""
    return tmp_path_factory.mktemp("log") / "server.log"


@pytest.fixture(scope="module")
def guarded(log: Path) -> Iterator[str]:
    """Provide the `host:port` of a server that requires the token."""
    environ = {**os.environ, "LMSTUDIO_SERVER_API_TOKEN": TOKEN}
    with EmbeddedServer(environ=environ, log=log) as server:
        yield server.address


async def test_token_lets_in(guarded: str) -> None:
    """The token's identifier and passkey are accepted, on several connections at once."""
    pair = Credentials(IDENTIFIER, PASSKEY)
    async with connect(guarded, "system", pair) as system, connect(guarded, "llm", pair) as llm:
        assert len(await system.rpc("listDownloadedModels")) == SUITE_MODELS
        assert await llm.rpc("listLoaded") == []


@pytest.mark.parametrize(
    ("identifier", "passkey", "reason"),
    [
        ("guest:1", "2", "requires an API token"),
        (IDENTIFIER, "0" * 20, "Invalid passkey"),
        (IDENTIFIER, "", "Invalid passkey"),
        (IDENTIFIER.upper(), PASSKEY, "requires an API token"),
        ("plugin:a/b:1", PASSKEY, "No plugin"),
    ],
)
async def test_others_are_refused(guarded: str, identifier: str, passkey: str, reason: str) -> None:
    """Guests and wrong passkeys are refused in the authentication reply; then the socket closes."""
    async with connect_raw(guarded, "llm") as raw:
        answer = await raw.authenticate(Credentials(identifier, passkey))
        assert answer.success is False
        assert reason in str(answer.error)
        await raw.wait_closed()


async def test_first_passkey_owns_an_identifier(address: str) -> None:
    """Without a token, a second client of the same name needs the same passkey."""
    async with connect(address, "system", Credentials("me", "mine")) as system:
        with pytest.raises(AuthenticationError, match="Invalid passkey"):
            async with connect(address, "system", Credentials("me", "yours")):
                pass
        assert len(await system.rpc("listDownloadedModels")) == SUITE_MODELS
    async with connect(address, "system", Credentials("me", "yours")) as system:
        assert len(await system.rpc("listDownloadedModels")) == SUITE_MODELS


async def test_token_is_written_nowhere(guarded: str, log: Path) -> None:
    """Neither the log nor the process's arguments contain the token."""
    with pytest.raises(AuthenticationError):
        async with connect(guarded, "system", Credentials(IDENTIFIER, "wrong")):
            pass
    assert PASSKEY not in log.read_text()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            assert PASSKEY.encode() not in (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile


@pytest.mark.parametrize("token", ["sk-lm-short", "nonsense"])
def test_malformed_token_is_refused_at_the_start(token: str, tmp_path: Path) -> None:
    """A server refuses to start with a token that no client could present."""
    environ = {**os.environ, "LMSTUDIO_SERVER_API_TOKEN": token}
    server = EmbeddedServer(environ=environ)
    try:
        with pytest.raises(EmbeddedServerError, match="not an API token"):
            server.wait_ready()
    finally:
        server.stop()

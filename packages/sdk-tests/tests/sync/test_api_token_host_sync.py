# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_api_token_host_async.py
# Change that, then: hatch run sync:generate
"""A host that requires an API token."""

from collections.abc import Iterator

import pytest
from lmstudio import Client, LMStudioServerError
from sdk_tests.faulty_clients_sync import nothing_left_running
from sdk_tests.process_state_fixtures import TOKEN_VARIABLE
from sdk_tests.scenarios import ScenarioServer, scenario_server
from sdk_tests.sdk_releases import SDK_1_6, known_bug

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.slow,
    pytest.mark.usefixtures("no_api_token"),
]

TOKEN = "sk-lm-abcDEF12:abcdefghijABCDEFGH12"
WRONG_PASSKEY = "sk-lm-abcDEF12:00000000000000000000"
WRONG_IDENTIFIER = "sk-lm-00000000:abcdefghijABCDEFGH12"


needs_tokens = pytest.mark.skipif(not SDK_1_6, reason="release 1.5 has no API tokens")
refusal_is_a_text = known_bug(
    "The reason for a refused authentication is a string in the protocol, which the error class"
    " takes apart as a list of key and value pairs.",
    raises=ValueError,
    fixed_in="1.6.0b1",
)


@pytest.fixture(scope="module")
def guarded_host() -> Iterator[ScenarioServer]:
    """Provide an embedded server that requires the token."""
    with scenario_server("--api-token", TOKEN) as server:
        yield server


def enter(client: Client) -> int:
    """Return the number of loaded models that the client sees, and leave nothing open."""
    with nothing_left_running():
        try:
            with client:
                return len(client.llm.list_loaded())
        finally:
            client.close()


def with_token(host: ScenarioServer, token: str | None) -> Client:
    """Return a client with an API token, which only releases from 1.6 on accept."""
    return Client(host.address, token)  # type: ignore[call-arg,unused-ignore]


@needs_tokens
def test_token_as_argument(guarded_host: ScenarioServer) -> None:
    """A client with the right token can connect all its sessions."""
    assert enter(with_token(guarded_host, TOKEN)) == 0


@needs_tokens
def test_token_in_the_environment(
    guarded_host: ScenarioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client uses the token from the environment when it gets none as an argument."""
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert enter(Client(guarded_host.address)) == 0


@needs_tokens
def test_argument_counts_more_than_the_environment(
    guarded_host: ScenarioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client uses the token argument, right or wrong, instead of the environment's token."""
    monkeypatch.setenv(TOKEN_VARIABLE, WRONG_PASSKEY)
    assert enter(with_token(guarded_host, TOKEN)) == 0
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    with pytest.raises(LMStudioServerError, match=r"^Authentication failed: "):
        enter(with_token(guarded_host, WRONG_PASSKEY))


@refusal_is_a_text
def test_guest(guarded_host: ScenarioServer) -> None:
    """A guest is refused with an error that says that a token is required."""
    with pytest.raises(LMStudioServerError, match=r"^Authentication failed: ") as failure:
        enter(Client(guarded_host.address))
    assert "requires an API token" in str(failure.value)


@needs_tokens
@pytest.mark.parametrize("token", [WRONG_PASSKEY, WRONG_IDENTIFIER], ids=["passkey", "identifier"])
def test_wrong_token(guarded_host: ScenarioServer, token: str) -> None:
    """A wrong token is refused with an error that does not repeat its secret part."""
    with pytest.raises(LMStudioServerError, match=r"^Authentication failed: ") as failure:
        enter(with_token(guarded_host, token))
    assert token.rpartition(":")[2] not in str(failure.value)


@needs_tokens
def test_token_where_none_is_required(scenario_host: ScenarioServer) -> None:
    """A client with a token can connect to a host that requires none."""
    assert enter(with_token(scenario_host, TOKEN)) >= 0


@needs_tokens
def test_two_clients_with_one_token(guarded_host: ScenarioServer) -> None:
    """Two clients with the same token can be connected at the same time."""
    with with_token(guarded_host, TOKEN) as first, with_token(guarded_host, TOKEN) as second:
        assert first.llm.list_loaded() == []
        assert second.llm.list_loaded() == []

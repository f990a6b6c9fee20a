"""Hosts that misbehave while the sync API connects, as it does at the first call."""

import threading
from contextlib import suppress

import lmstudio
import pytest
from lmstudio import Client, LMStudioError, LMStudioWebsocketError
from sdk_tests.faulty_clients_sync import nothing_left_running, short_wait
from sdk_tests.scenarios import ScenarioServer, close, drop, rule
from sdk_tests.sdk_releases import known_bug

pytestmark = pytest.mark.embedded

WHEN = {"namespace": "llm", "type": "authentication"}


def test_next_call_connects(scenario_host: ScenarioServer) -> None:
    """The next call of a client whose authentication failed connects."""
    with nothing_left_running(), Client(scenario_host.address) as client:
        with (
            scenario_host.scenario(client, [rule(close(), **WHEN)]),
            pytest.raises(LMStudioWebsocketError, match="not reachable"),
        ):
            client.llm.list_loaded()
        assert isinstance(client.llm.list_loaded(), list)


@pytest.mark.slow
@known_bug(
    "The timeout of the sync API applies only to calls and channels: a host that accepts the"
    " connection and never answers the authentication keeps the first call waiting for ever,"
    " whatever set_sync_api_timeout() says."
)
def test_unanswered_authentication_times_out(scenario_host: ScenarioServer) -> None:
    """A call that has to connect first must obey the timeout."""
    errors: list[BaseException] = []

    def call(client: Client) -> None:
        try:
            client.llm.list_loaded()
        except BaseException as error:  # noqa: BLE001  (including the one that closing causes)
            errors.append(error)

    with short_wait():
        timeout = lmstudio.get_sync_api_timeout()
        assert timeout is not None
        client = Client(scenario_host.address)
        with scenario_host.scenario(client, [rule(drop(), **WHEN)]), suppress(LMStudioError):
            client.__enter__()
            caller = threading.Thread(target=call, args=(client,))
            caller.start()
            caller.join(3 * timeout)
            seen = list(errors)
            client.close()  # nothing else ends the thread's wait
            caller.join()
    assert [type(error) for error in seen] == [lmstudio.LMStudioTimeoutError]

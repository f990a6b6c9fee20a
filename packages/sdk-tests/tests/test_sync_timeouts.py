"""The default timeout of the synchronous API."""

import lmstudio
import pytest
from lmstudio.json_api import CompletionEndpoint
from lmstudio.sync_api import SyncChannel, SyncRemoteCall

pytestmark = pytest.mark.usefixtures("restored_sync_timeout")


def waits() -> list[float | None]:
    """Return the timeouts with which a new channel and a new call wait for one message."""
    seen: list[float | None] = []

    def get_message(timeout: float | None) -> None:
        seen.append(timeout)

    channel = SyncChannel(1, get_message, CompletionEndpoint("m", "p"), print, {})
    with pytest.raises(lmstudio.LMStudioWebsocketError):
        next(channel.rx_stream())
    with pytest.raises(lmstudio.LMStudioWebsocketError):
        SyncRemoteCall(1, get_message, {}).receive_result()
    return seen


def test_default_is_a_minute() -> None:
    """Unless changed, channels and calls wait 60 seconds for a message."""
    assert lmstudio.get_sync_api_timeout() == 60.0
    assert waits() == [60.0, 60.0]


def test_changed_default_is_used() -> None:
    """A new default is reported and used by channels and calls at once, as a float."""
    lmstudio.set_sync_api_timeout(5)
    assert isinstance(lmstudio.get_sync_api_timeout(), float)
    assert waits() == [5.0, 5.0]


def test_none_waits_forever() -> None:
    """None switches the timeout off."""
    lmstudio.set_sync_api_timeout(None)
    assert lmstudio.get_sync_api_timeout() is None
    assert waits() == [None, None]


def test_change_reaches_open_channels() -> None:
    """A channel without a timeout of its own follows the default while it is open."""
    channel = SyncChannel(1, print, CompletionEndpoint("m", "p"), print, {})
    lmstudio.set_sync_api_timeout(7)
    assert channel.timeout == 7.0


def test_unusable_timeout_changes_nothing() -> None:
    """A timeout that is no number is an error and the default stays."""
    timeout: object = "soon"
    with pytest.raises(ValueError, match="soon"):
        lmstudio.set_sync_api_timeout(timeout)  # type: ignore[arg-type]
    assert lmstudio.get_sync_api_timeout() == 60.0

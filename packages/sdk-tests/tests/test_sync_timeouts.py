"""The default timeout of the synchronous API."""

import lmstudio
import pytest
from lmstudio.json_api import CompletionEndpoint
from lmstudio.sync_api import SyncChannel, SyncRemoteCall

pytestmark = pytest.mark.usefixtures("restored_sync_timeout")


def waits() -> list[float | None]:
    """Return the timeouts with which a new channel and a new call wait for a message."""
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
    """Channels and calls wait 60 seconds for a message by default."""
    assert lmstudio.get_sync_api_timeout() == 60.0
    assert waits() == [60.0, 60.0]


def test_changed_default_is_used() -> None:
    """Channels and calls use a new default at once, as a float."""
    lmstudio.set_sync_api_timeout(5)
    assert isinstance(lmstudio.get_sync_api_timeout(), float)
    assert waits() == [5.0, 5.0]


def test_none_waits_forever() -> None:
    """A default of None switches the timeout off."""
    lmstudio.set_sync_api_timeout(None)
    assert lmstudio.get_sync_api_timeout() is None
    assert waits() == [None, None]


def test_change_reaches_open_channels() -> None:
    """An open channel without its own timeout follows changes of the default."""
    channel = SyncChannel(1, print, CompletionEndpoint("m", "p"), print, {})
    lmstudio.set_sync_api_timeout(7)
    assert channel.timeout == 7.0


def test_unusable_timeout_changes_nothing() -> None:
    """A timeout that is not a number is refused and leaves the default unchanged."""
    timeout: object = "soon"
    with pytest.raises(ValueError, match="soon"):
        lmstudio.set_sync_api_timeout(timeout)  # type: ignore[arg-type]
    assert lmstudio.get_sync_api_timeout() == 60.0

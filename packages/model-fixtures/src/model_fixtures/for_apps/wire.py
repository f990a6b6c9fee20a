"""The frames of a test, to assert on."""

from __future__ import annotations

from model_fixtures.wire_log import Frame, Masker, WireLog, render

from .endpoint_names import AUTHENTICATION, check_packet, split_endpoint
from .errors import FaultError


class Wire:
    """What the SDK's clients of this process have sent and received since the test's start.

    The frames are taken on the client's side: also those of clients that the application made
    itself, on whatever host, and with faults as the client sees them.
    """

    def __init__(self, log: WireLog | None) -> None:
        self._log = log

    @property
    def frames(self) -> list[Frame]:
        """All frames in order, with the beginnings and ends of connections.

        A `Frame` has `direction` ("sent", "received", "opened", "closed"), `namespace`, `endpoint`,
        `packet`, `message` (its JSON), `text`, `connection` (a number) and `seconds`.
        """
        return [] if self._log is None else self._log.frames()

    def sent(self, endpoint: str | None = None) -> list[Frame]:
        """Return the frames that clients have sent, of one endpoint or of all.

        Args:
            endpoint: a call or channel, such as "predict" or "llm.predict".

        Raises:
            FaultError: there is no such endpoint.
        """
        return self._chosen("sent", endpoint)

    def received(self, endpoint: str | None = None, packet: str | None = None) -> list[Frame]:
        """Return the frames that clients have received, of one endpoint or of all.

        Args:
            endpoint: a call or channel, such as "predict" or "llm.predict".
            packet: the type of a packet on a channel, such as "fragment", or how a call or channel
                ends ("rpcResult", "rpcError", "channelClose", "channelError").

        Raises:
            FaultError: there is no such endpoint or packet.
        """
        if packet is not None:
            if endpoint is None:
                raise FaultError(f"the packet {packet!r} needs the endpoint that it belongs to")
            check_packet(endpoint, packet)
        frames = self._chosen("received", endpoint)
        return [each for each in frames if packet in (None, each.packet, each.type)]

    @property
    def text(self) -> str:
        """All frames as a report shows them: a line for each, without keys and tokens."""
        if self._log is None:
            return ""
        return render(self._log.frames(), Masker(self._log.secrets()), everything=True)

    def __repr__(self) -> str:
        return f"Wire({len(self.frames)} frames)"

    def _chosen(self, direction: str, endpoint: str | None) -> list[Frame]:
        frames = [each for each in self.frames if each.direction == direction]
        if endpoint is None:
            return frames
        if endpoint == AUTHENTICATION:
            return [each for each in frames if each.type == AUTHENTICATION]
        namespace, name = split_endpoint(endpoint)
        return [
            each for each in frames if each.endpoint == name and namespace in (None, each.namespace)
        ]

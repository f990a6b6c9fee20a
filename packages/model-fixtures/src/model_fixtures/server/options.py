"""What the embedded server can be told when it starts."""

from __future__ import annotations

from msgspec import Struct


class ServeOptions(Struct, frozen=True, kw_only=True):
    """Options of `serve`.

    Args:
        ports: ports that must be had; 0 takes any free one.
        default_ports: whether to listen on 1234 and the first free discovery port, too.
        api_token: the only token that may enter, None = guests may.
        lifeline: whether the end of stdin ends the server.
        threads: CPU threads of each loaded model.
        authentication_timeout: seconds until a client must have presented itself, and until an
            HTTP request must be whole.
        scenarios: whether tests may ask for faults over the control endpoint.
        allow_hosts: names and addresses of the server beside those of loopback.
        cors: whether web pages of all sites may use the server.
        home: folder laid out like LM Studio's home (`config-presets/`, `models/`); None = in the
            cache.
    """

    ports: tuple[int, ...] = ()
    default_ports: bool = True
    api_token: str | None = None
    lifeline: bool = False
    threads: int = 1
    authentication_timeout: float = 10.0
    scenarios: bool = False
    allow_hosts: tuple[str, ...] = ()
    cors: bool = False
    home: str | None = None

    def __repr__(self) -> str:
        token = None if self.api_token is None else "***"
        return (
            f"ServeOptions(ports={self.ports}, default_ports={self.default_ports}, "
            f"api_token={token!r}, lifeline={self.lifeline}, threads={self.threads}, "
            f"authentication_timeout={self.authentication_timeout}, "
            f"scenarios={self.scenarios}, allow_hosts={self.allow_hosts}, cors={self.cors}, "
            f"home={self.home!r})"
        )

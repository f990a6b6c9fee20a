"""What the embedded server can be told when it starts."""

from __future__ import annotations

from msgspec import Struct, structs


class ServeOptions(Struct, frozen=True, kw_only=True):
    """Options of `serve`.

    Args:
        ports: ports that must be had; 0 takes any free one.
        default_ports: whether to listen on 1234 and the first free discovery port, too.
        api_token: the only token that may enter, None = guests may.
        lifeline: whether the end of stdin ends the server.
        end_with: id of a process whose end ends the server, too; None = of none.
        threads: CPU threads of each loaded model.
        authentication_timeout: seconds until a client must have presented itself, and until an
            HTTP request must be whole.
        worker_silence: seconds without a sign of life after which a worker that is waited for is
            ended.
        answer_unknown: whether a call or channel that is unknown, or has a bad parameter, gets an
            error after the warning.
        scenarios: whether tests may ask for faults over the control endpoint.
        allow_hosts: names and addresses of the server beside those of loopback.
        cors: whether web pages of all sites may use the server.
        allow_shutdown: whether clients may end the server.
        home: folder laid out like LM Studio's home (`config-presets/`, `models/`); None = in the
            cache.
    """

    ports: tuple[int, ...] = ()
    default_ports: bool = True
    api_token: str | None = None
    lifeline: bool = False
    end_with: int | None = None
    threads: int = 1
    authentication_timeout: float = 10.0
    worker_silence: float = 30.0
    answer_unknown: bool = False
    scenarios: bool = False
    allow_hosts: tuple[str, ...] = ()
    cors: bool = False
    allow_shutdown: bool = False
    home: str | None = None

    def __repr__(self) -> str:
        values = {**structs.asdict(self), "api_token": None if self.api_token is None else "***"}
        return f"ServeOptions({', '.join(f'{name}={value!r}' for name, value in values.items())})"

"""How far a request has come when it fails: who is silent, and at what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum, auto

import httpx

_TRACE = "trace"  # httpcore calls what it finds under this name
_PROGRESS = "waf_tests.progress"


class Step(Enum):
    """What a request is waiting for."""

    CONNECT = auto()  # for a TCP connection to the host, or to its proxy
    PROXY = auto()  # for the proxy to open the tunnel
    ENCRYPT = auto()  # for the host's part of the TLS handshake
    ANSWER = auto()  # for the host's answer


class Progress:
    """The step that one request has reached, told by httpcore's trace."""

    def __init__(self, *, proxied: bool) -> None:
        """Begin a request; `proxied`: it goes through a proxy's tunnel."""
        self.step = Step.CONNECT
        self._proxied = proxied
        self._tunnelled = True  # a connection that is there already; a new one begins below

    def note(self, event: str, info: dict[str, object]) -> None:
        """Take one event of httpcore's blocking API."""
        if event == "connection.connect_tcp.started":
            self.step = Step.CONNECT
            self._tunnelled = not self._proxied
        elif event == "proxy.start_tls.started":
            self.step = Step.ENCRYPT
            self._tunnelled = True
        elif event == "connection.start_tls.started":
            self.step = Step.ENCRYPT if self._tunnelled else Step.PROXY
        elif event.startswith("http11.") and event.endswith(".started"):
            self.step = Step.ANSWER if self._tunnelled else Step.PROXY

    async def note_async(self, event: str, info: dict[str, object]) -> None:
        """Take one event of httpcore's async API."""
        self.note(event, info)


def follower(*, proxied: bool) -> Callable[[httpx.Request], None]:
    """Return the hook that lets a blocking client's requests be followed."""

    def follow(request: httpx.Request) -> None:
        progress = Progress(proxied=proxied)
        request.extensions.update({_TRACE: progress.note, _PROGRESS: progress})

    return follow


def async_follower(*, proxied: bool) -> Callable[[httpx.Request], Awaitable[None]]:
    """Return the hook that lets an async client's requests be followed."""

    async def follow(request: httpx.Request) -> None:
        progress = Progress(proxied=proxied)
        request.extensions.update({_TRACE: progress.note_async, _PROGRESS: progress})

    return follow


def step_reached(error: httpx.RequestError) -> Step | None:
    """Return the step at which the request failed; None if nobody has followed it."""
    try:
        progress = error.request.extensions.get(_PROGRESS)
    except RuntimeError:  # httpx: no request is known
        return None
    return progress.step if isinstance(progress, Progress) else None

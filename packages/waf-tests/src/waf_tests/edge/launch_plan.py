"""What an edge is asked for, and how a program is started to be it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from waf_tests.key_validation import key_fault
from waf_tests.secret import Secret, hidden

from .certificates import ServerCertificate
from .errors import EdgeError


@dataclass(frozen=True)
class EdgeSettings:
    """The edge to make: `https://host:port`, in front of `origin`, for holders of `key`.

    `origin` is `address:port`. `idle_seconds`: a websocket on which the origin says nothing for
    that long is closed, as Cloudflare does after 100 s; None never closes one.
    `listen`: the addresses to listen on. Raises EdgeError for a key that no client can send.
    """

    origin: str
    host: str
    key: Secret
    port: int
    certificate: ServerCertificate
    listen: tuple[str, ...] = ("127.0.0.1",)
    idle_seconds: float | None = None

    def __post_init__(self) -> None:
        fault = key_fault(self.key)
        if fault is not None:
            raise EdgeError(f"the key {fault}")


@dataclass(frozen=True)
class Plan:
    """A command line, its stdin, the files it needs in `folder`, and how it says it is ready.

    No key is in `argv` or `files`: process lists and folders can be read.
    """

    argv: tuple[str, ...]
    folder: Path
    ready: str
    stdin: str = field(default="", repr=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Let nobody who holds the text for stdin, which has the key in it, show it."""
        object.__setattr__(self, "stdin", hidden(self.stdin))


def bracketed(host: str) -> str:
    """Return the host as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host

"""The settings of an edge, and the plan by which its program is launched."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from waf_tests.key_validation import key_fault
from waf_tests.secret import Secret, hidden

from .certificates import ServerCertificate
from .errors import EdgeError


@dataclass(frozen=True)
class EdgeSettings:
    """The settings of an edge at `https://host:port`, in front of `origin`, that requires `key`.

    `origin` is `address:port`; `listen` are the addresses to listen on. A websocket on which the
    origin sends nothing for `idle_seconds` is closed, as Cloudflare does after 100 s; None closes
    none. Raises EdgeError for a key that no client can send.
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
class LaunchPlan:
    """A command line, its stdin, its files in `folder`, and the log text that means it is ready.

    No key is in `argv` or `files`, because other users can read process lists and folders.
    """

    argv: tuple[str, ...]
    folder: Path
    ready: str
    stdin: str = field(default="", repr=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Keep the text for stdin, which contains the key, out of reports."""
        object.__setattr__(self, "stdin", hidden(self.stdin))


def bracketed(host: str) -> str:
    """Return the host as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host

"""Test models, hosts and an embedded LM Studio-compatible server.

For tests of applications: `serve`, and the types of the pytest plugin's fixtures. They are imported
once they are used, since pytest imports this package in every run of its environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .for_apps.faults import Faults
    from .for_apps.host import Host
    from .for_apps.serve import serve
    from .for_apps.server import Server
    from .for_apps.server_options import ServerOptions
    from .for_apps.wire import Wire

DISTRIBUTION = "lmstudio-model-fixtures"
"""The name of this package on a package index."""

__all__ = ["DISTRIBUTION", "Faults", "Host", "Server", "ServerOptions", "Wire", "serve"]

_HOMES = {
    "Faults": "faults",
    "Host": "host",
    "Server": "server",
    "ServerOptions": "server_options",
    "Wire": "wire",
    "serve": "serve",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.for_apps.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

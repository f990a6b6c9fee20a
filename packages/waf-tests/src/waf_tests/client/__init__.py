"""LM Studio clients that pass a web application firewall.

`Client`, `AsyncClient` and `configure_default_client` take `api_host`, `api_token`,
`http_headers` and `x_api_key`. Where the installed SDK has these parameters itself, the names are
the SDK's own objects (`NATIVE` is true); elsewhere they are the classes of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lmstudio

from .errors import (
    BlockedByFirewallError,
    CertificateError,
    ConnectionFailedError,
    UnexpectedAnswerError,
)
from .native_support import clients_for, has_native_support

NATIVE = has_native_support(lmstudio)

if TYPE_CHECKING:
    from .async_client import AsyncClient
    from .default_client import configure_default_client
    from .sync_client import Client
else:
    Client, AsyncClient, configure_default_client = clients_for(lmstudio)

__all__ = [
    "NATIVE",
    "AsyncClient",
    "BlockedByFirewallError",
    "CertificateError",
    "Client",
    "ConnectionFailedError",
    "UnexpectedAnswerError",
    "configure_default_client",
]

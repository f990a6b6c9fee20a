"""Making a host the one that clients find which are given none.

The SDK has no setting for that: it tries some ports. Its clients ask the public class method
`find_default_local_api_host`, which is replaced here, and the functions at the top of the package
(`lmstudio.llm()`) share one client, which is put aside.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from model_fixtures.hosts.host_selection import HOST_VARIABLE
from model_fixtures.wire_client.credentials import TOKEN_VARIABLE

# Of the SDK's module `sync_api`: the shared client, and with what it is made.
_SHARED = ("_default_client", "_default_api_host", "_default_api_token")


@contextmanager
def default_host(address: str, token: str | None) -> Iterator[None]:
    """Have clients without a host find `address` in the block.

    Args:
        address: `host:port`.
        token: the API token that clients need, None if they need none.
    """
    variables = {HOST_VARIABLE: address} | ({TOKEN_VARIABLE: token} if token else {})
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, variables))
        try:
            from lmstudio import AsyncClient, Client
        except ImportError:  # an application that uses the REST routes only
            yield
            return

        async def find_async(cls: type[Any]) -> str:
            return address

        def find(cls: type[Any]) -> str:
            return address

        name = "find_default_local_api_host"
        stack.enter_context(patch.object(Client, name, classmethod(find)))
        stack.enter_context(patch.object(AsyncClient, name, classmethod(find_async)))
        module = sys.modules[Client.__module__]
        for shared in _SHARED:
            if hasattr(module, shared):
                stack.enter_context(patch.object(module, shared, None))
        stack.callback(_close_shared, module)
        yield


def _close_shared(module: Any) -> None:
    client = getattr(module, _SHARED[0], None)
    if client is not None:
        with suppress(Exception):  # its host may be gone
            client.close()

"""A pytest plugin that makes the installed SDK look like a fork with native support for headers.

`pytest -p waf_tests.testing.native_fork_plugin` replaces the SDK's clients before anything imports
them from here, so that the tests take the path of a native SDK. With NATIVE_FORK=scheme the
fork puts a scheme before an `api_host` that has one.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping

import lmstudio

import waf_tests.client
from waf_tests.client.async_client import AsyncClient
from waf_tests.client.default_client import configure_default_client
from waf_tests.client.sync_client import Client

VARIABLE = "NATIVE_FORK"
SCHEME_TWICE = "scheme"

_Headers = Mapping[str, str] | None


class ForkedClient(Client):
    """A blocking client with the four native parameters and no others."""

    def __init__(
        self,
        api_host: str | None = None,
        api_token: str | None = None,
        http_headers: _Headers = None,
        x_api_key: str | None = None,
    ) -> None:
        """Pass the parameters on."""
        super().__init__(api_host, api_token, http_headers, x_api_key)


class ForkedAsyncClient(AsyncClient):
    """An async client with the four native parameters and no others."""

    def __init__(
        self,
        api_host: str | None = None,
        api_token: str | None = None,
        http_headers: _Headers = None,
        x_api_key: str | None = None,
    ) -> None:
        """Pass the parameters on."""
        super().__init__(api_host, api_token, http_headers, x_api_key)


def _configure(
    api_host: str,
    api_token: str | None = None,
    http_headers: _Headers = None,
    x_api_key: str | None = None,
) -> None:
    configure_default_client(api_host, api_token, http_headers, x_api_key)


class _SchemeTwice(lmstudio.json_api.ClientBase):
    """Mixed in before a client of the SDK: its probe begins with https://, whatever the host."""

    def __init__(
        self,
        api_host: str | None = None,
        api_token: str | None = None,
        http_headers: _Headers = None,
        x_api_key: str | None = None,
    ) -> None:
        super().__init__(api_host)

    @staticmethod
    def _get_probe_url(api_host: str) -> str:
        return f"https://{api_host}/lmstudio-greeting"


def pytest_load_initial_conftests() -> None:
    """Replace the SDK's clients, before a conftest.py imports what is made from them."""
    client: type = ForkedClient
    async_client: type = ForkedAsyncClient
    if os.environ.get(VARIABLE) == SCHEME_TWICE:
        client = type("Client", (_SchemeTwice, lmstudio.Client), {})
        async_client = type("AsyncClient", (_SchemeTwice, lmstudio.AsyncClient), {})
    vars(lmstudio).update(
        Client=client, AsyncClient=async_client, configure_default_client=_configure
    )
    importlib.reload(waf_tests.client)

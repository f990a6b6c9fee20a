"""A pytest plugin that makes the installed SDK look like a fork with native support for headers.

`pytest -p waf_tests.testing.native_fork_plugin` replaces the SDK's clients before any test imports
`waf_tests.client`, which then exports them as it does those of such a fork. With NATIVE_FORK=scheme
the fork puts a scheme before an `api_host` that already has one.
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


class _NativeParameters:
    """A mixin that gives a client the four native parameters and no others."""

    def __init__(
        self,
        api_host: str | None = None,
        api_token: str | None = None,
        http_headers: Mapping[str, str] | None = None,
        x_api_key: str | None = None,
    ) -> None:
        values = (api_host, api_token, http_headers, x_api_key)
        super().__init__(*values)  # type: ignore[call-arg]  # the client's


class ForkedClient(_NativeParameters, Client):
    """Our blocking client, with the fork's parameters."""


class ForkedAsyncClient(_NativeParameters, AsyncClient):
    """Our async client, with the fork's parameters."""


class _SchemeTwice(lmstudio.json_api.ClientBase):
    """A mixin that makes an SDK client's probe begin with https://, whatever the host."""

    def __init__(self, api_host: str | None, *others: object) -> None:
        super().__init__(api_host)

    @staticmethod
    def _get_probe_url(api_host: str) -> str:
        return f"https://{api_host}/lmstudio-greeting"


def _configure(
    api_host: str,
    api_token: str | None = None,
    http_headers: Mapping[str, str] | None = None,
    x_api_key: str | None = None,
) -> None:
    configure_default_client(api_host, api_token, http_headers, x_api_key)


def pytest_load_initial_conftests() -> None:
    """Replace the SDK's clients before a conftest.py imports them."""
    client: type = ForkedClient
    async_client: type = ForkedAsyncClient
    if os.environ.get(VARIABLE) == SCHEME_TWICE:
        mixed_in = (_NativeParameters, _SchemeTwice)
        client = type("Client", (*mixed_in, lmstudio.Client), {})
        async_client = type("AsyncClient", (*mixed_in, lmstudio.AsyncClient), {})
    vars(lmstudio).update(
        Client=client, AsyncClient=async_client, configure_default_client=_configure
    )
    importlib.reload(waf_tests.client)

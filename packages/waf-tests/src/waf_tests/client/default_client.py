"""The SDK's default client, which `lmstudio.llm()` and its like use, with headers and TLS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

import lmstudio.sync_api as sdk
from lmstudio.sync_api import _SyncSession

from waf_tests.secret import hidden

from .sync_client import Client

_TSession = TypeVar("_TSession", bound=_SyncSession)


class _DefaultClient(Client):
    """Probes its host when it is first used, as the SDK's default client does."""

    _probed = False

    def _get_session(self, cls: type[_TSession]) -> _TSession:
        if not self._probed:
            self.__enter__()
            self._probed = True
        return super()._get_session(cls)


def configure_default_client(
    api_host: str,
    api_token: str | None = None,
    http_headers: Mapping[str, str] | None = None,
    x_api_key: str | None = None,
    *,
    ca_file: str | os.PathLike[str] | None = None,
    allow_unencrypted: bool = False,
) -> None:
    """Set what the SDK's default client connects to, before its first use.

    The parameters are those of `waf_tests.client.Client`. Raises LMStudioClientError if there is
    a default client already, LMStudioValueError for values that cannot be sent.
    """
    __tracebackhide__ = True  # test reports print arguments, and these are keys
    api_token, x_api_key = hidden(api_token), hidden(x_api_key)
    http_headers = hidden(http_headers)
    client = _DefaultClient(
        api_host,
        api_token,
        http_headers,
        x_api_key,
        ca_file=ca_file,
        allow_unencrypted=allow_unencrypted,
    )
    try:
        # The SDK's own check that the default client is not there yet.
        sdk.configure_default_client(client.api_host)
    except BaseException:
        client.close()
        raise
    # `get_default_client` makes a plain client only if this is still None.
    sdk._default_client = client

"""An SDK that can send headers itself is used as it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import lmstudio
import pytest
import waf_tests.client
from waf_tests.client.native import clients_for, has_native_support


class _Native:
    """A client with all the parameters, as an SDK with native support has it."""

    def __init__(
        self,
        api_host: str | None = None,
        api_token: str | None = None,
        http_headers: Mapping[str, str] | None = None,
        x_api_key: str | None = None,
    ) -> None: ...


class _NativeAsync(_Native):
    pass


class _Old:
    """A client as SDK 1.6.0b1 has it."""

    def __init__(self, api_host: str | None = None, api_token: str | None = None) -> None: ...


def _native_configure(
    api_host: str,
    api_token: str | None = None,
    http_headers: Mapping[str, str] | None = None,
    x_api_key: str | None = None,
) -> None: ...


def _old_configure(api_host: str, api_token: str | None = None) -> None: ...


def _sdk(client: object, async_client: object, configure: object) -> Any:
    """A stand-in for the module `lmstudio`."""
    return SimpleNamespace(
        Client=client, AsyncClient=async_client, configure_default_client=configure
    )


def test_native_objects_are_used() -> None:
    """With native parameters everywhere, the SDK's own three objects are handed out."""
    expected = (_Native, _NativeAsync, _native_configure)
    assert clients_for(_sdk(*expected)) == expected


@pytest.mark.parametrize(
    "parts",
    [
        (_Old, _Old, _old_configure),
        (_Old, _NativeAsync, _native_configure),
        (_Native, _Old, _native_configure),
        (_Native, _NativeAsync, _old_configure),
    ],
)
def test_partial_support_is_none(parts: tuple[object, object, object]) -> None:
    """If any of the three lacks the parameters, all three come from this package."""
    sdk = _sdk(*parts)
    assert not has_native_support(sdk)
    client, async_client, configure = clients_for(sdk)
    modules = {client.__module__, async_client.__module__, configure.__module__}
    assert all(module.startswith("waf_tests.client.") for module in modules)


def test_the_installed_sdk() -> None:
    """What the package exports is the SDK's own client if and only if that takes the headers."""
    assert waf_tests.client.NATIVE is has_native_support(lmstudio)
    assert (waf_tests.client.Client is lmstudio.Client) is waf_tests.client.NATIVE
    assert issubclass(waf_tests.client.Client, lmstudio.Client)
    assert issubclass(waf_tests.client.AsyncClient, lmstudio.AsyncClient)

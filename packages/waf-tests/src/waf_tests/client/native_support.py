"""Whose clients to use: the SDK's own if it can send headers, else ours."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol


class Sdk(Protocol):
    """What is looked at in an SDK module."""

    @property
    def Client(self) -> Callable[..., Any]:  # noqa: N802 - the SDK's name
        """The blocking client."""

    @property
    def AsyncClient(self) -> Callable[..., Any]:  # noqa: N802 - the SDK's name
        """The async client."""

    @property
    def configure_default_client(self) -> Callable[..., Any]:
        """The function that sets the default client's host."""


PARAMETERS = frozenset({"api_host", "api_token", "http_headers", "x_api_key"})


def has_native_support(sdk: Sdk) -> bool:
    """Tell by their signatures whether the SDK's clients take the header parameters."""
    return all(
        inspect.signature(function).parameters.keys() >= PARAMETERS
        for function in (sdk.Client, sdk.AsyncClient, sdk.configure_default_client)
    )


def describe_headers(sdk: Sdk) -> str:
    """Return who sends the headers with this SDK, for the first lines of a test run."""
    if has_native_support(sdk):
        return "native (the SDK's own clients send them)"
    return "ours (waf_tests.client adds them to the SDK's clients)"


def clients_for(sdk: Sdk) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Return Client, AsyncClient and configure_default_client to use with this SDK."""
    if has_native_support(sdk):
        return sdk.Client, sdk.AsyncClient, sdk.configure_default_client
    # Imported only here: with a native SDK, nothing of it is changed.
    from .async_client import AsyncClient
    from .default_client import configure_default_client
    from .sync_client import Client

    return Client, AsyncClient, configure_default_client

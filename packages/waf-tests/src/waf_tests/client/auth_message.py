"""The first message on every websocket: who the client is. It holds the API token's two halves."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lmstudio import LMStudioServerError, LMStudioValueError, sync_api

from waf_tests.secret import hidden

from .handshake_headers import API_TOKEN_VARIABLE

# SDK 1.6.0b1 knows API tokens, 1.5.0 does not. Same form as LM Studio documents it.
_TOKEN = re.compile(r"^sk-lm-([A-Za-z0-9]{8}):([A-Za-z0-9]{20})\Z")


class AuthMessage(dict[str, Any]):
    """An authentication message that does not show its passkey.

    The SDK puts a message that it cannot send into its error and its debug log.
    """

    def __repr__(self) -> str:
        return "AuthMessage(***)"


def sdk_takes_tokens() -> bool:
    """Tell whether the installed SDK has the parameter `api_token` itself."""
    return "api_token" in inspect.signature(sync_api.Client).parameters


def resolve_token(api_token: str | None) -> str | None:
    """Return the token to use: the parameter, else LMSTUDIO_API_TOKEN; empty values are ignored."""
    __tracebackhide__ = True  # test reports print arguments, and this is a token
    return api_token or hidden(os.environ.get(API_TOKEN_VARIABLE)) or None


def auth_message(
    token: str | None, sdk_message: Callable[..., Any], format_message: Callable[..., Any]
) -> AuthMessage:
    """Build the message: by the SDK itself where it knows tokens or none is given.

    `sdk_message` is the SDK's own builder, `format_message(identifier, passkey)` its formatter.
    Raises LMStudioValueError, without the token in it, if the token is malformed.
    """
    __tracebackhide__ = True
    if sdk_takes_tokens():
        try:
            return AuthMessage(sdk_message(token or ""))
        except LMStudioValueError as error:
            message = str(error)
        # Raised from here, so that no frame that shows the token is in the traceback.
        raise LMStudioValueError(message)
    if token is None:
        return AuthMessage(sdk_message())
    match = _TOKEN.match(token.strip())
    if match is None:
        raise LMStudioValueError(
            "api_token does not look like an LM Studio API token: sk-lm-<8 characters>:<20>"
        )
    return AuthMessage(format_message(*match.groups()))


@contextmanager
def refusal_explained() -> Iterator[None]:
    """Turn SDK 1.5.0's crash over a refused identity into the error that 1.6.0b1 raises.

    The host refuses with a text; 1.5.0 takes it for a dict and ends in a bare ValueError.
    """
    try:
        yield
    except ValueError as error:
        if sdk_takes_tokens() or isinstance(error, LMStudioValueError):
            raise
    else:
        return
    details = {"title": "the host refused this client's API token or identity"}
    raise LMStudioServerError("Authentication failed", details)

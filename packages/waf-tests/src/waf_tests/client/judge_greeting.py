"""The HTTP probe: is there an LM Studio at this address, and if not, who answered?"""

from __future__ import annotations

from collections.abc import Callable

import httpx
from lmstudio import LMStudioClientError

from .connection_failures import explain_failure
from .connection_settings import Connection
from .errors import UnexpectedAnswerError
from .host_endpoint import Endpoint
from .http_answers import explain_answer

GREETING = "/lmstudio-greeting"


def greeting_url(endpoint: Endpoint) -> str:
    """Return the URL of the probe."""
    return endpoint.http_url(GREETING)


def judge_answer(
    endpoint: Endpoint, response: httpx.Response, is_greeting: Callable[[httpx.Response], bool]
) -> None:
    """Raise an error that names who answered, unless the SDK takes it for a greeting."""
    url = greeting_url(endpoint)
    if not response.is_success:
        raise explain_answer(url, response)
    try:
        greeted = is_greeting(response)
    except ValueError:  # not JSON
        greeted = False
    if not greeted:
        hint = "this does not look like LM Studio"
        raise UnexpectedAnswerError(url, response.status_code, hint) from None


def judge_failure(
    connection: Connection,
    endpoint: Endpoint,
    error: httpx.RequestError,
    sdk_error: LMStudioClientError,
) -> LMStudioClientError:
    """Return the error to raise when there was no answer; the SDK's own if nobody listens."""
    url = greeting_url(endpoint)
    return explain_failure(url, error, connection.proxy, connection.names) or sdk_error

"""Does the firewall ask for the key at all? One request without it tells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import anyio
import httpx

from waf_tests.client.connection_settings import Connection
from waf_tests.client.handshake_headers import HandshakeHeaders
from waf_tests.client.host_endpoint import Endpoint
from waf_tests.client.http_answers import ray_id
from waf_tests.client.judge_greeting import greeting_url

# A firewall may drop what it does not let in, without an answer.
SILENCE_SECONDS = 5.0
_TOO_MANY = 429


@dataclass(frozen=True)
class KeylessAnswer:
    """What a request without the key has got. `let_in` is true for LM Studio's own greeting."""

    shown: str
    let_in: bool = False


async def ask_without_key(connection: Connection, endpoint: Endpoint) -> KeylessAnswer:
    """Ask for the greeting once, with no key, token or other header of the user's."""
    keyless = replace(connection, headers=HandshakeHeaders({}))
    try:
        with anyio.move_on_after(SILENCE_SECONDS):
            async with keyless.async_client() as http:
                return _judge(await http.get(greeting_url(endpoint), timeout=SILENCE_SECONDS))
    except httpx.TimeoutException:
        pass
    except (httpx.ConnectError, httpx.ProxyError):
        return KeylessAnswer("not known: no second connection was made")
    except httpx.RequestError:
        return KeylessAnswer("refused (the connection was closed)")
    return KeylessAnswer(f"refused (no answer within {SILENCE_SECONDS:g} s)")


def _judge(response: httpx.Response) -> KeylessAnswer:
    status = response.status_code
    number = ray_id(response)
    shown = f"{status}, ray id {number}" if number else f"{status}"
    if response.is_success and _is_greeting(response):
        return KeylessAnswer(
            "LET IN: the host answers without the key, so no firewall asks for it", let_in=True
        )
    if response.is_success:
        return KeylessAnswer(f"refused ({shown}, with something else than LM Studio's greeting)")
    if response.is_redirect or (response.is_client_error and status != _TOO_MANY):
        return KeylessAnswer(f"refused ({shown})")
    return KeylessAnswer(f"not known: the answer was {shown}")


def _is_greeting(response: httpx.Response) -> bool:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and bool(answer.get("lmstudio"))

"""Telling LM Studio hosts from other servers by their answer to `GET /lmstudio-greeting`."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

from model_fixtures import DISTRIBUTION

from .address import split_address

PROBE_TIMEOUT = 0.75
NAMED_TIMEOUT = 3.0
_BODY_LIMIT = 64 * 1024


def greeting_problem(address: str, timeout: float = NAMED_TIMEOUT) -> str | None:
    """Return in a few words why a server is not an LM Studio host; None when it is one.

    Args:
        address: `host:port`.
        timeout: seconds for each step: connecting, reading the headers, reading the body.
    """
    try:
        status, body = _get(address, "/lmstudio-greeting", timeout)
    except ConnectionRefusedError:
        return "connection refused"
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except UnicodeError:
        return "not a valid host name"
    except OSError as error:
        return (error.strerror or str(error) or type(error).__name__).lower()
    except http.client.HTTPException:
        return "not an HTTP server"
    match body:
        case {"error": {"code": "unknown_host"}}:
            return "the embedded server there has another name: start it with --allow-host"
    if status != 200 or not isinstance(body, dict) or not body.get("lmstudio"):
        return "another kind of server"
    return None


def find_greeting(addresses: Sequence[str], timeout: float = PROBE_TIMEOUT) -> str | None:
    """Ask all addresses at once and return the first in their order at which a host answers.

    Args:
        addresses: each `host:port`.
        timeout: seconds until an address without an answer counts as no host; the call takes no
            longer than that.
    """
    answers: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
    for address in addresses:
        # A server that sends a byte now and then may keep its thread busy beyond the timeout.
        threading.Thread(target=_ask, args=(address, timeout, answers), daemon=True).start()
    deadline = time.monotonic() + timeout
    greets: dict[str, bool] = {}
    while len(greets) < len(addresses):
        try:
            address, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        greets[address] = answer
        for earliest in addresses:
            if earliest not in greets:
                break
            if greets[earliest]:
                return earliest
    return next((address for address in addresses if greets.get(address)), None)


def is_own_server(address: str, timeout: float = NAMED_TIMEOUT) -> bool:
    """Return whether the host at `host:port` is this project's server rather than the app."""
    try:
        status, body = _get(address, "/lms-status", timeout)
    except (OSError, UnicodeError, http.client.HTTPException):
        return False
    return status == 200 and isinstance(body, dict) and body.get("package") == DISTRIBUTION


def _ask(address: str, timeout: float, answers: queue.SimpleQueue[tuple[str, bool]]) -> None:
    answers.put((address, greeting_problem(address, timeout) is None))


def _get(address: str, path: str, timeout: float) -> tuple[int, Any]:
    """Send a GET request and return status and JSON body; None for a body that is not JSON.

    Proxies are not used and redirects are not followed.
    """
    host, port = split_address(address)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(_BODY_LIMIT)
        try:
            return response.status, json.loads(body)
        except (ValueError, RecursionError):
            return response.status, None
    finally:
        connection.close()

"""What a connection that failed means: who is to blame, and at which step, in one line."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
from httpx_ws import WebSocketUpgradeError
from lmstudio import LMStudioWebsocketError

from .errors import CertificateError, ConnectionFailedError, UnexpectedAnswerError
from .http_answers import explain_answer
from .proxy_choice import Proxy
from .request_progress import Step, step_reached
from .setting_names_in_errors import PARAMETERS, SettingNames

_TIMEOUT_OF = {Step.CONNECT: "connect", Step.ENCRYPT: "connect"}
_HTTP_PROXY_AUTH = 407
_GATEWAY_ERRORS = (502, 503, 504)
# OpenSSL: the certificate is good, but for another host name or another IP address.
_OTHER_NAMES = (62, 64)


def explain_failure(
    url: str,
    error: BaseException,
    proxy: Proxy | None = None,
    names: SettingNames = PARAMETERS,
) -> LMStudioWebsocketError | None:
    """Turn a failed connection into an error that names the reason.

    `proxy` is what the connection went through, `names` what the user calls the
    settings. Returns None for everything about which the SDK's own wording is right: nothing
    listens there.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, UnexpectedAnswerError):
            return cause
        if isinstance(cause, WebSocketUpgradeError):
            return explain_answer(url, cause.response)
    failed = next((cause for cause in causes if isinstance(cause, httpx.RequestError)), None)
    step = step_reached(failed) if failed else None
    # Up to the tunnel, a connection through a proxy is one to the proxy.
    blamed = proxy if step in (Step.CONNECT, Step.PROXY) else None
    if failed and isinstance(failed, httpx.TimeoutException):
        return ConnectionFailedError(_silence(url, failed, step, blamed))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _tls(url, cause, blamed, names)
    if failed is None:
        return None
    if isinstance(failed, httpx.ProxyError) and proxy:
        return ConnectionFailedError(_tunnel_refused(url, str(failed), proxy))
    if isinstance(failed, httpx.DecodingError):
        return ConnectionFailedError(
            f"{url}: the answer is compressed in a way that cannot be read; "
            "something in between changes it"
        )
    if step is Step.CONNECT:
        return _no_connection(url, causes, blamed)
    # httpx has one error for an answer that is no HTTP and for none at all.
    garbled = isinstance(failed, httpx.RemoteProtocolError) and "disconnected" not in str(failed)
    if blamed:
        did = "is no HTTP proxy" if garbled else "hung up before it had opened a tunnel"
        return ConnectionFailedError(f"{blamed} {did}")
    if garbled:
        hint = "is this LM Studio's port?"
        return ConnectionFailedError(f"{url}: the answer is no valid HTTP; {hint}")
    if step is Step.ENCRYPT:
        return _tls(url, None, None, names)
    if isinstance(failed, (httpx.NetworkError, httpx.RemoteProtocolError)):
        return ConnectionFailedError(f"{url}: the server hung up before it had answered")
    return None


def system_reason(error: BaseException) -> str | None:
    """Return what the system says about a connection that was not made; None if it says nothing."""
    reason = None
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return cause.strerror
        if isinstance(cause, OSError) and cause.errno:
            # asyncio puts its own words and the address in the place of the system's text.
            reason = os.strerror(cause.errno)
    return reason


def place(url: str) -> str:
    """Return `host port number` of a URL."""
    parts = urlsplit(url)
    return f"{parts.hostname} port {parts.port}"


def _tls(
    url: str, error: ssl.SSLError | None, blamed: Proxy | None, names: SettingNames
) -> CertificateError:
    where, what = (str(blamed), "proxy") if blamed else (url, "server")
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _OTHER_NAMES:
            advice = f"Write the name of the {what} that its certificate is for."
        else:
            advice = f"For a private CA, give {names.ca_file} or set SSL_CERT_FILE."
        return CertificateError(
            f"{where}: the {what}'s certificate was not accepted "
            f"({error.verify_message.rstrip('.')}). {advice}"
        )
    reason = (error.reason if error else None) or "handshake failed"
    return CertificateError(
        f"{where}: no TLS connection ({reason}). Does the {what} speak TLS on this port?"
    )


def _no_connection(
    url: str, causes: list[BaseException], blamed: Proxy | None
) -> LMStudioWebsocketError | None:
    unknown = any(isinstance(cause, socket.gaierror) for cause in causes)
    reason = system_reason(causes[0])
    if blamed:
        what = "its name is not known" if unknown else "no connection"
        return ConnectionFailedError(f"{blamed} cannot be reached: {what} ({reason})")
    if unknown:
        return ConnectionFailedError(f"{urlsplit(url).hostname}: the name is not known ({reason})")
    return None


def _silence(
    url: str, failed: httpx.TimeoutException, step: Step | None, blamed: Proxy | None
) -> str:
    timeouts = failed.request.extensions.get("timeout", {}) if step else {}
    seconds = timeouts.get(_TIMEOUT_OF.get(step, "read") if step else "read")
    limit = f" within {seconds:g} s" if seconds else " in time"
    if blamed:
        return f"{blamed} does not answer{limit}"
    if step is Step.CONNECT:
        return f"{place(url)}: no answer{limit}"
    if step is Step.ENCRYPT:
        return (
            f"{place(url)}: connected, but no answer to the TLS handshake{limit}; "
            "does the server speak TLS on this port?"
        )
    return f"{url}: connected, but no answer to the request{limit}"


def _tunnel_refused(url: str, answer: str, proxy: Proxy) -> str:
    """Return who failed when a proxy answered CONNECT with `answer`, as in "502 Bad Gateway"."""
    status = int(answer[:3]) if answer[:3].isdigit() else 0
    if status == _HTTP_PROXY_AUTH:
        advice = f"it wants a user name and a password: write them into {proxy.source}"
    elif status in _GATEWAY_ERRORS:
        advice = "it does not know the name or does not reach the host"
    else:
        advice = "it does not allow it; NO_PROXY with the host's name goes without the proxy"
    parts = urlsplit(url)
    shown = "".join(char for char in answer if char.isprintable())[:80]
    return f"{proxy} did not connect to {parts.hostname} port {parts.port} ({shown}): {advice}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what led to it, each once."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending.extend(getattr(current, "exceptions", ()))
        pending.extend((current.__cause__, current.__context__))

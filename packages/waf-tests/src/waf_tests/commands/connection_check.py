"""The quick connection test: one line for each thing learned, or one line for what is wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from lmstudio import (
    LMStudioError,
    LMStudioServerError,
    LMStudioValueError,
    LMStudioWebsocketError,
)

from waf_tests.client import (
    NATIVE,
    AsyncClient,
    BlockedByFirewallError,
    UnexpectedAnswerError,
)
from waf_tests.client.connection_failures import explain_failure, place, system_reason
from waf_tests.client.connection_settings import Connection, new_connection
from waf_tests.client.host_endpoint import Endpoint
from waf_tests.client.http_answers import explain_answer, ray_id
from waf_tests.client.judge_greeting import greeting_url
from waf_tests.client.proxy_choice import unused_proxy
from waf_tests.client.setting_names_in_errors import SettingNames
from waf_tests.secret import Secret
from waf_tests.settings import ACCESS_VARIABLES, KEY_VARIABLE, TOKEN_VARIABLE

from .keyless_probe import KeylessAnswer, ask_without_key
from .overall_deadline import DeadlineError, run_within
from .terminal_line import one_line, unexpected

DEADLINE_SECONDS = 15.0
# For one connection or one answer, so that a silent host is named as such before the deadline.
_ANSWER_SECONDS = 10.0
# The SDK's first words about an identity that the host does not let in.
_REFUSED = "Authentication failed"


class CheckError(Exception):
    """The check has failed; one line that says at which step and what to do.

    `answered` is true when something has answered, but not as LM Studio does.
    """

    def __init__(self, reason: str, *, answered: bool = False) -> None:
        """Keep the line."""
        super().__init__(reason)
        self.answered = answered


@dataclass(frozen=True)
class Certificate:
    """The server's certificate: whose it is, who signed it, until when it holds."""

    subject: str
    issuer: str
    expires: str


@dataclass(frozen=True)
class CheckReport:
    """What the check has found. `round_trip` is in seconds, on an open connection.

    `without_key` is None when no key was given.
    """

    url: str
    address: str
    proxy: str | None
    certificate: Certificate | None
    ray_id: str | None
    round_trip: float
    without_key: KeylessAnswer | None
    models: tuple[str, ...]

    @property
    def protected(self) -> bool:
        """False when the host answers without the key as well."""
        return self.without_key is None or not self.without_key.let_in

    def lines(self) -> list[str]:
        """Return the report as text, one line for each finding."""
        certificate = self.certificate
        shown = (
            f"{certificate.subject}, issued by {certificate.issuer}, until {certificate.expires}"
            if certificate
            else "none: the connection is not encrypted"
        )
        models = ", ".join(self.models) if self.models else "none downloaded"
        lines = [
            f"connected    {self.url} ({self.address})",
            *([f"proxy        {self.proxy}"] if self.proxy else []),
            f"certificate  {shown}",
            f"ray id       {self.ray_id or 'none given'}",
            f"round trip   {self.round_trip * 1000:.1f} ms",
            *([f"without key  {self.without_key.shown}"] if self.without_key else []),
            f"models       {models}",
        ]
        # The columns are ours; what is in them may come from the host.
        return [f"{line[:13]}{one_line(line[13:])}" for line in lines]


@dataclass
class _Step:
    """What the check is doing, for the line that says that its time is over."""

    doing: str = "beginning"


@dataclass(frozen=True)
class _Greeting:
    """What the first two answers have shown."""

    address: str
    certificate: Certificate | None
    ray_id: str | None
    round_trip: float


def check(
    api_host: str,
    *,
    host_name: str = "--host",
    key: Secret | None,
    token: Secret | None,
    ca_file: Path | None,
    access: Mapping[str, Secret] | None = None,
    allow_unencrypted: bool = False,
    seconds: float = DEADLINE_SECONDS,
) -> CheckReport:
    """Connect step by step, as the SDK would. Raises CheckError at the first step that fails.

    `host_name` is what the user calls `api_host`. `access` are headers with a service token for
    Cloudflare Access. After `seconds` the check as a whole has failed. This is the
    boundary of the check: whatever goes wrong in it is a CheckError.
    """
    step = _Step()
    answered = False
    try:
        connection = new_connection(
            api_host,
            {name: half.reveal() for name, half in (access or {}).items()},
            key.reveal() if key else None,
            ca_file,
            allow_unencrypted=allow_unencrypted,
            secrets_beside=[TOKEN_VARIABLE] if token else [],
            names=_names(host_name),
        )
        with _trusted(ca_file):
            return run_within(
                seconds, partial(_check, api_host, connection, key, token, allow_unencrypted, step)
            )
    except CheckError:
        raise
    except DeadlineError:
        reason = (
            f"{api_host}: not done within {seconds:g} s, while {step.doing}; "
            "--timeout gives it longer"
        )
    except LMStudioError as error:
        reason = str(error)
        answered = isinstance(error, (BlockedByFirewallError, UnexpectedAnswerError))
    except Exception as error:  # noqa: BLE001 - one line for whatever nobody has foreseen, too
        reason = f"while {step.doing}: {unexpected(error)}"
    # Raised from here, so that no traceback leads to a frame that holds a key.
    raise CheckError(one_line(reason), answered=answered)


def _names(host_name: str) -> SettingNames:
    """Return what somebody who types the command calls the settings."""
    return SettingNames(
        api_host=host_name,
        x_api_key=KEY_VARIABLE,
        ca_file="--ca-file",
        allow_unencrypted="--allow-unencrypted",
        headers={header: variable for variable, header in ACCESS_VARIABLES.items()},
    )


async def _check(
    api_host: str,
    connection: Connection,
    key: Secret | None,
    token: Secret | None,
    allow_unencrypted: bool,
    step: _Step,
) -> CheckReport:
    endpoint = connection.endpoint
    assert endpoint is not None
    greeting = await _greet(connection, endpoint, step)
    models = await _models(api_host, connection, token, allow_unencrypted, step)
    step.doing = "asking once more without the key"
    without_key = await ask_without_key(connection, endpoint) if key else None
    return CheckReport(
        url=endpoint.http_url(""),
        address=greeting.address,
        proxy=_proxy(connection, endpoint),
        certificate=greeting.certificate,
        ray_id=greeting.ray_id,
        round_trip=greeting.round_trip,
        without_key=without_key,
        models=models,
    )


async def _greet(connection: Connection, endpoint: Endpoint, step: _Step) -> _Greeting:
    """Ask for the greeting twice and return what is learned on the way."""
    url = greeting_url(endpoint)
    step.doing = f"waiting for the answer of {url}"
    try:
        async with connection.async_client() as http:
            async with http.stream("GET", url, timeout=_ANSWER_SECONDS) as first:
                # Asked for now: the connection may be closed once the answer has been read.
                stream = first.extensions["network_stream"]
                encrypted = stream.get_extra_info("ssl_object")
                peer = stream.get_extra_info("server_addr")
                certificate = _certificate(encrypted.getpeercert() or {}) if encrypted else None
                await first.aread()
            if not first.is_success:
                raise explain_answer(url, first)
            # The first request has opened the connection; the second measures it.
            start = time.perf_counter()
            second = await http.get(url, timeout=_ANSWER_SECONDS)
            round_trip = time.perf_counter() - start
    except httpx.RequestError as error:
        explained = explain_failure(url, error, connection.proxy, connection.names)
        reason = system_reason(error) or type(error).__name__
        raise CheckError(str(explained or f"{place(url)}: no connection ({reason})")) from None
    return _Greeting(
        address=f"through {connection.proxy}" if connection.proxy else _address(peer),
        certificate=certificate,
        ray_id=ray_id(second),
        round_trip=round_trip,
    )


def _address(peer: tuple[Any, ...] | None) -> str:
    if peer is None:  # the host has hung up in the meantime
        return "address unknown"
    ip, port = peer[:2]
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _proxy(connection: Connection, endpoint: Endpoint) -> str | None:
    """Return what there is to say about a proxy; None if nobody has named one."""
    if connection.proxy:
        return f"{connection.proxy.netloc} ({connection.proxy.source}), also for websockets"
    unused = unused_proxy(endpoint)
    return f"none: {unused} is not used, as it would read what is not encrypted" if unused else None


def _certificate(found: Mapping[str, Any]) -> Certificate:
    """Return what is shown of a certificate that the client has accepted."""
    return Certificate(
        subject=_alternative_names(found) or _name(found, "subject"),
        issuer=_name(found, "issuer"),
        expires=str(found.get("notAfter", "")),
    )


def _name(certificate: Mapping[str, Any], part: str) -> str:
    """Return the common name in `subject` or `issuer`, else the organisation."""
    pairs = dict(pair for group in certificate.get(part, ()) for pair in group)
    return str(pairs.get("commonName") or pairs.get("organizationName") or "")


def _alternative_names(certificate: Mapping[str, Any]) -> str:
    """Return the names that the certificate is checked for."""
    return ", ".join(name for _, name in certificate.get("subjectAltName", ()))


async def _models(
    api_host: str,
    connection: Connection,
    token: Secret | None,
    allow_unencrypted: bool,
    step: _Step,
) -> tuple[str, ...]:
    """Return the keys of the downloaded models, asked for with the SDK's client."""
    # An SDK with header parameters of its own knows no rule about encryption.
    options: dict[str, Any] = {} if NATIVE else {"allow_unencrypted": allow_unencrypted}
    step.doing = "opening the SDK's websockets"
    try:
        client = AsyncClient(
            api_host, token.reveal() if token else None, dict(connection.headers), **options
        )
    except LMStudioValueError:
        if token is None:
            raise
        # Everything else has been looked at before: host, headers and encryption.
        raise CheckError(
            f"{TOKEN_VARIABLE} does not look like an API token of LM Studio: "
            "sk-lm-<8 characters>:<20 characters>"
        ) from None
    url = connection.endpoint.http_url("") if connection.endpoint else api_host
    try:
        async with client:
            step.doing = "waiting for LM Studio's list of models"
            return tuple(sorted(model.model_key for model in await client.list_downloaded_models()))
    except LMStudioServerError as error:
        if not str(error).startswith(_REFUSED):
            raise
        raise CheckError(f"{url}: {_REFUSED}: {_token_advice(token)}") from None
    except LMStudioError as error:
        if type(error) is LMStudioWebsocketError:  # the SDK's own, which asks whether it is running
            problem = "answers the greeting, but a websocket failed"
            raise CheckError(f"{url}: it {problem} while {step.doing}") from None
        raise
    except Exception as error:  # noqa: BLE001 - the SDK trusts what a host sends
        raise CheckError(
            f"{url}: the answer cannot be read ({type(error).__name__}) while {step.doing}; "
            "is this LM Studio?"
        ) from None


def _token_advice(token: Secret | None) -> str:
    if token is None:
        return f"LM Studio asks for an API token, and none was sent: set {TOKEN_VARIABLE}"
    return f"LM Studio does not accept the API token in {TOKEN_VARIABLE}: look for the right one"


@contextmanager
def _trusted(ca_file: Path | None) -> Iterator[None]:
    """Make every client in the block trust the CA, the SDK's own clients too."""
    before = os.environ.get("SSL_CERT_FILE")
    if ca_file is not None:
        os.environ["SSL_CERT_FILE"] = str(ca_file)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("SSL_CERT_FILE", None)
        else:
            os.environ["SSL_CERT_FILE"] = before

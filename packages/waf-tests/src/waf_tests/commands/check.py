"""The quick connection test: one line for each thing learned, or one line for what is wrong."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from lmstudio import LMStudioError

from waf_tests.client import Client
from waf_tests.client.connection import Connection, new_connection
from waf_tests.client.endpoint import Endpoint
from waf_tests.client.errors import explain_answer, explain_failure, ray_id
from waf_tests.client.probe import greeting_url
from waf_tests.secret import Secret

_SECONDS = 10.0


class CheckError(Exception):
    """The check has failed; one line that says at which step and what to do."""


@dataclass(frozen=True)
class Certificate:
    """The server's certificate: whose it is, who signed it, until when it holds."""

    subject: str
    issuer: str
    expires: str


@dataclass(frozen=True)
class CheckReport:
    """What the check has found. `round_trip` is in seconds, on an open connection."""

    url: str
    address: str
    certificate: Certificate | None
    ray_id: str | None
    round_trip: float
    models: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the report as text, one line for each finding."""
        certificate = self.certificate
        shown = (
            f"{certificate.subject}, issued by {certificate.issuer}, until {certificate.expires}"
            if certificate
            else "none: the connection is not encrypted"
        )
        models = ", ".join(self.models) if self.models else "none downloaded"
        return [
            f"connected    {self.url} ({self.address})",
            f"certificate  {shown}",
            f"ray id       {self.ray_id or 'none given'}",
            f"round trip   {self.round_trip * 1000:.1f} ms",
            f"models       {models}",
        ]


def check(
    api_host: str,
    *,
    key: Secret | None,
    token: Secret | None,
    ca_file: Path | None,
) -> CheckReport:
    """Connect step by step, as the SDK would. Raises CheckError at the first step that fails."""
    try:
        connection = new_connection(api_host, None, key.reveal() if key else None, ca_file)
        endpoint = connection.endpoint
        assert endpoint is not None
        address = _connect(endpoint)
        certificate = _certificate(connection, endpoint) if endpoint.tls else None
        ray, round_trip = _greet(connection, endpoint)
        models = _models(api_host, connection, token)
    except LMStudioError as error:
        raise CheckError(one_line(str(error))) from None
    return CheckReport(
        url=endpoint.http_url(""),
        address=address,
        certificate=certificate,
        ray_id=ray,
        round_trip=round_trip,
        models=models,
    )


def one_line(text: str) -> str:
    """Return the text with all blanks and line ends as single blanks."""
    return " ".join(text.split())


def _connect(endpoint: Endpoint) -> str:
    """Return the address that the name stands for and that accepts connections."""
    where = f"{endpoint.host} port {endpoint.port}"
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=_SECONDS) as plain:
            ip, port = plain.getpeername()[:2]
    except socket.gaierror as error:
        raise CheckError(f"{endpoint.host}: the name is not known ({error.strerror})") from None
    except TimeoutError:
        raise CheckError(f"{where}: no answer within {_SECONDS:.0f} s") from None
    except OSError as error:
        raise CheckError(f"{where}: no connection ({error.strerror or error})") from None
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _certificate(connection: Connection, endpoint: Endpoint) -> Certificate:
    """Return the certificate, verified as the client verifies it."""
    try:
        with (
            socket.create_connection((endpoint.host, endpoint.port), timeout=_SECONDS) as plain,
            connection.ssl_context.wrap_socket(plain, server_hostname=endpoint.host) as encrypted,
        ):
            found = encrypted.getpeercert() or {}
    except OSError as error:  # ssl.SSLError is one
        explained = explain_failure(endpoint.http_url(""), error)
        reason = explained or f"{endpoint.http_url('')}: no TLS connection ({error.strerror})"
        raise CheckError(str(reason)) from None
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


def _greet(connection: Connection, endpoint: Endpoint) -> tuple[str | None, float]:
    """Return the ray id and the round-trip time of the greeting, asked for twice."""
    url = greeting_url(endpoint)
    try:
        with connection.probe_client() as http:
            first = http.get(url)
            if not first.is_success:
                raise explain_answer(url, first)
            # The first request has opened the connection; the second measures it.
            start = time.perf_counter()
            second = http.get(url)
            round_trip = time.perf_counter() - start
    except httpx.TransportError as error:
        explained = explain_failure(url, error)
        raise CheckError(str(explained or f"{url}: {type(error).__name__}: {error}")) from None
    return ray_id(second), round_trip


def _models(api_host: str, connection: Connection, token: Secret | None) -> tuple[str, ...]:
    """Return the keys of the downloaded models, asked for with the SDK's client."""
    revealed = token.reveal() if token else None
    with _trusted(connection.ca_file):
        client = Client(api_host, revealed, dict(connection.headers))
        with client:
            return tuple(sorted(model.model_key for model in client.list_downloaded_models()))


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

"""Everything that one client needs to open connections: where to, with which headers and CA."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from lmstudio import LMStudioValueError, LMStudioWebsocketError

from .cancellable_opening import Attempt
from .connection_failures import explain_failure
from .handshake_headers import HandshakeHeaders, handshake_headers
from .host_endpoint import HTTP_PORT, Endpoint, parse_endpoint
from .http_answers import check_upgrade
from .proxy_choice import Proxy, choose_proxy
from .request_progress import async_follower, follower
from .setting_names_in_errors import PARAMETERS, SettingNames

# The SDK allows one second, which is too short for a TLS handshake across a continent.
PROBE_TIMEOUT = 5.0


@dataclass
class Connection:
    """The connection settings of one client, and what went wrong with its websockets.

    `endpoint` is None until the SDK has found a server on one of its default ports.
    `proxy` is what both the probe and the websockets go through. `names` is what messages call
    the settings.
    """

    endpoint: Endpoint | None
    headers: HandshakeHeaders
    ca_file: Path | None = None
    proxy: Proxy | None = None
    names: SettingNames = PARAMETERS
    _failures: dict[str, LMStudioWebsocketError] = field(default_factory=dict, repr=False)
    _attempts: dict[str, Attempt] = field(default_factory=dict, repr=False)

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """The trusted CAs: `ca_file` alone if given, else what httpx and SSL_CERT_FILE say.

        Made once for a client: reading the CA bundle for each of its sockets takes far longer.
        For a plain endpoint it is empty and trusts nobody; httpx would read the bundle there, too.
        Raises LMStudioValueError if the file is missing or not a certificate.
        """
        if self.endpoint is None or not self.endpoint.tls:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return _trusting(self.ca_file, self.names)

    def probe_client(self) -> httpx.Client:
        """Return a blocking HTTP client for the probe."""
        # trust_env=False: httpx would choose proxies by itself, and others for https than for wss.
        return httpx.Client(
            headers=self.headers,
            verify=self.ssl_context,
            timeout=PROBE_TIMEOUT,
            trust_env=False,
            proxy=self._httpx_proxy,
            event_hooks={"request": [follower(proxied=self.proxy is not None)]},
        )

    def async_client(self) -> httpx.AsyncClient:
        """Return an async HTTP client, for the probe and for one websocket's handshake."""

        async def check_answer(response: httpx.Response) -> None:
            check_upgrade(response)

        return httpx.AsyncClient(
            headers=self.headers,
            verify=self.ssl_context,
            trust_env=False,
            proxy=self._httpx_proxy,
            event_hooks={
                "request": [async_follower(proxied=self.proxy is not None)],
                "response": [check_answer],
            },
        )

    @cached_property
    def _httpx_proxy(self) -> httpx.Proxy | None:
        """Return the proxy as httpx takes it, with the CAs that are usual where it speaks TLS."""
        if self.proxy is None:
            return None
        tls = self.proxy.url.scheme == "https"
        return httpx.Proxy(self.proxy.url, ssl_context=_trusting(None, self.names) if tls else None)

    def websocket_url(self, sdk_url: str) -> str:
        """Return the URL to open where the SDK, which knows no TLS, asks for `sdk_url`."""
        path = urlsplit(sdk_url).path
        endpoint = self.endpoint or parse_endpoint(urlsplit(sdk_url).netloc)
        return endpoint.websocket_url(path)

    def record_failure(self, sdk_url: str, error: Exception) -> None:
        """Remember why a websocket failed, until `explained` raises it."""
        url = self.websocket_url(sdk_url)
        explained = explain_failure(url, error, self.proxy, self.names)
        if explained is not None:
            self._failures[urlsplit(sdk_url).path] = explained

    def begin_attempt(self, namespace: str | None) -> Attempt:
        """Return what a session holds on to while its websocket is being opened."""
        attempt = self._attempts[f"/{namespace}"] = Attempt()
        return attempt

    def attempt(self, sdk_url: str) -> Attempt:
        """Return the attempt for which the SDK asks for `sdk_url`."""
        return self._attempts.pop(urlsplit(sdk_url).path, None) or Attempt()

    @contextmanager
    def explained(self, namespace: str | None) -> Iterator[None]:
        """Replace the SDK's "Is LM Studio running?" by the recorded reason, if there is one."""
        path = f"/{namespace}"
        self._failures.pop(path, None)
        try:
            yield
        except LMStudioWebsocketError:
            reason = self._failures.pop(path, None)
            if reason is None:
                raise
            raise reason from None


def _trusting(ca_file: Path | None, names: SettingNames) -> ssl.SSLContext:
    """Return a context that trusts `ca_file` alone, or the usual CAs."""
    try:
        if ca_file is not None:
            return ssl.create_default_context(cafile=str(ca_file))
        return httpx.create_ssl_context()
    except (OSError, ssl.SSLError):
        what = (
            f"{names.ca_file} {ca_file}"
            if ca_file
            else f"SSL_CERT_FILE {os.environ.get('SSL_CERT_FILE')}"
        )
        raise LMStudioValueError(f"{what}: no readable CA certificate in PEM format") from None


def new_connection(
    api_host: str | None,
    http_headers: Mapping[str, str] | None,
    x_api_key: str | None,
    ca_file: str | os.PathLike[str] | None,
    *,
    allow_unencrypted: bool = False,
    secrets_beside: Sequence[str] = (),
    names: SettingNames = PARAMETERS,
) -> Connection:
    """Check a client's parameters and bring them together; nothing is sent.

    Headers, each of which may be a key, leave this machine in TLS alone unless
    `allow_unencrypted` says otherwise. The same holds for `secrets_beside`: what the user calls the
    secrets that are sent in another way.
    Raises LMStudioValueError with one line that says which parameter is wrong, or whatever it is
    called in `names`.
    """
    __tracebackhide__ = True  # test reports print arguments, and these are keys
    endpoint = parse_endpoint(api_host, names.api_host) if api_host else None
    headers = handshake_headers(http_headers, x_api_key, names)
    secrets = (*headers, *secrets_beside)
    # Without an endpoint the SDK looks at ports of this machine only.
    if endpoint and secrets and not (endpoint.tls or endpoint.is_loopback or allow_unencrypted):
        raise LMStudioValueError(
            f"{names.api_host}: {', '.join(secrets)} would be sent unencrypted to "
            f"{endpoint.netloc}; write https://{_tls_netloc(endpoint)}, or allow it with "
            f"{names.allow_unencrypted}"
        )
    return Connection(
        endpoint=endpoint,
        headers=headers,
        ca_file=Path(ca_file) if ca_file else None,
        proxy=choose_proxy(endpoint),
        names=names,
    )


def _tls_netloc(endpoint: Endpoint) -> str:
    """Return what to write after `https://`; the port that only HTTP has is left out."""
    return endpoint.netloc.removesuffix(f":{HTTP_PORT}")

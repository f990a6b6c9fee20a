"""The blocking client: the SDK's own, plus headers and TLS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import httpx
import lmstudio
from lmstudio import LMStudioClientError
from lmstudio._ws_thread import AsyncWebsocketThread
from lmstudio.sync_api import SyncLMStudioWebsocket, _SyncSession
from typing_extensions import Self

from waf_tests.secret import InnerFramesHidden, hidden

from .auth_message import AuthMessage, auth_message, refusal_explained, resolve_token
from .cancellable_opening import CLOSE_SECONDS
from .connection_settings import Connection, new_connection
from .host_endpoint import Endpoint, parse_endpoint
from .judge_greeting import greeting_url, judge_answer, judge_failure
from .nonblocking_finalizer import ask_to_end, let_finalizer_not_wait
from .sdk_patch import install, register

_TSession = TypeVar("_TSession", bound=_SyncSession)


class _ExplainsFailures(_SyncSession):
    """Mixed in before an SDK session class: its failures say what the firewall answered."""

    def connect(self) -> SyncLMStudioWebsocket:
        """Connect the session, or raise the reason that the seam has recorded."""
        client = self._client
        assert isinstance(client, Client)
        attempt = client.connection.begin_attempt(self.API_NAMESPACE)
        try:
            with client.connection.explained(self.API_NAMESPACE), refusal_explained():
                return super().connect()
        except BaseException:  # an interrupt, too
            with suppress(RuntimeError):  # the thread has ended, and its websockets with it
                client._ws_thread.call_in_background(attempt.give_up)
                attempt.wait_until_closed_threadsafe()
            raise


@cache
def _explaining(session_class: Any) -> Any:
    """Return the session class with `_ExplainsFailures` before it."""
    return type(session_class.__name__, (_ExplainsFailures, session_class), {})


class Client(lmstudio.Client):
    """`lmstudio.Client` that passes a web application firewall.

    `api_host`: `host:port`, also with `https://` or `wss://`; None looks at the default ports.
    `api_token`: LM Studio's own token; else the environment's LMSTUDIO_API_TOKEN.
    `http_headers`: sent with the HTTP probe and every websocket handshake.
    `x_api_key`: shortcut for the header X-API-Key; else LMSTUDIO_X_API_KEY.
    `ca_file`: a private CA in PEM format; else SSL_CERT_FILE, else the usual CAs.
    `allow_unencrypted`: send the headers to a host that is not this machine without TLS, too.
    Connections in TLS go through the proxy of HTTPS_PROXY or ALL_PROXY, subject to NO_PROXY.
    Empty values count as not given. Raises LMStudioValueError for values that cannot be sent.
    """

    def __init__(
        self,
        api_host: str | None = None,
        api_token: str | None = None,
        http_headers: Mapping[str, str] | None = None,
        x_api_key: str | None = None,
        *,
        ca_file: str | os.PathLike[str] | None = None,
        allow_unencrypted: bool = False,
    ) -> None:
        """Check the parameters; nothing is sent before the client is used."""
        __tracebackhide__ = True  # test reports print arguments, and these are keys
        api_token, x_api_key = hidden(api_token), hidden(x_api_key)
        http_headers = hidden(http_headers)
        self.connection: Connection = new_connection(
            api_host, http_headers, x_api_key, ca_file, allow_unencrypted=allow_unencrypted
        )
        self._auth_message = auth_message(
            resolve_token(api_token), super()._create_auth_message, self._format_auth_message
        )
        self._begin()

    def _begin(self) -> None:
        """Make the SDK's part of the client: its thread runs, and nothing is connected."""
        install()  # raises, for an SDK that is not known, before a thread is started
        endpoint = self.connection.endpoint
        self._entered = self._ended_by_failure = False
        try:
            super().__init__(endpoint.netloc if endpoint else None)
        except BaseException:  # an interrupt, too
            thread: AsyncWebsocketThread | None = vars(self).get("_ws_thread")
            if thread is not None and thread.is_alive():
                thread.wait_for_loop()
                ask_to_end(thread)
            raise
        let_finalizer_not_wait(self._resources, self._ws_thread, self._sessions.clear)
        register(self._ws_thread.task_manager, self.connection)

    def __enter__(self) -> Self:
        """Look whether LM Studio answers, or close what is open and raise the reason."""
        if self._ended_by_failure:
            self._begin()  # a client that has failed may be entered again
        in_use = self._entered or bool(self._sessions)
        try:
            super().__enter__()
        except BaseException:  # an interrupt, too
            if not in_use:
                self._ended_by_failure = True
                self.close()
                self._ws_thread.join(CLOSE_SECONDS)
            raise
        self._entered = True
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connection.endpoint}, {self.connection.headers})"

    def _create_auth_message(self, api_token: str | None = None) -> AuthMessage:
        # Built in __init__: SDK 1.5.0 has no parameter that would bring the token here.
        return self._auth_message

    def _get_session(self, cls: type[_TSession]) -> _TSession:
        session_class: Any = cls
        explaining: type[_TSession] = _explaining(session_class)
        return super()._get_session(explaining)

    def _ensure_api_host_is_valid(self) -> None:
        connection = self.connection
        if connection.endpoint is not None:
            self._probe(connection, connection.endpoint)
        else:
            connection.endpoint = self._find_local_endpoint()
        self._api_host = connection.endpoint.netloc

    def _find_local_endpoint(self) -> Endpoint:
        """Return the first default port with a greeting, as the SDK does, but with the headers."""
        for api_host in self._iter_default_api_hosts():
            endpoint = parse_endpoint(api_host)
            try:
                self._probe(self.connection, endpoint)
            except LMStudioClientError:
                continue
            return endpoint
        raise self._get_probe_failure_error(None)

    @classmethod
    def _probe(cls, connection: Connection, endpoint: Endpoint) -> None:
        """Raise the reason if no LM Studio answers at this endpoint."""
        try:
            with InnerFramesHidden(), connection.probe_client() as http:
                response = http.get(greeting_url(endpoint))
        except httpx.RequestError as error:
            sdk_error = cls._get_probe_failure_error(endpoint.netloc)
            raise judge_failure(connection, endpoint, error, sdk_error) from None
        judge_answer(endpoint, response, cls._check_probe_response)

    @classmethod
    def is_valid_api_host(cls, api_host: str) -> bool:
        """Report whether LM Studio answers there; LMSTUDIO_X_API_KEY is sent if it is set."""
        try:
            cls._probe(new_connection(api_host, None, None, None), parse_endpoint(api_host))
        except LMStudioClientError:
            return False
        return True

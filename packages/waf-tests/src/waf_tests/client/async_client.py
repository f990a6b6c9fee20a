"""The async client: the SDK's own, plus headers and TLS. The twin of sync_client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import anyio
import httpx
import lmstudio
from lmstudio import LMStudioClientError
from lmstudio.async_api import _AsyncLMStudioWebsocket, _AsyncSession
from typing_extensions import Self

from waf_tests.secret import InnerFramesHidden, hidden

from .auth_message import AuthMessage, auth_message, refusal_explained, resolve_token
from .cancellable_opening import CLOSE_SECONDS
from .connection_settings import PROBE_TIMEOUT, Connection, new_connection
from .host_endpoint import Endpoint, parse_endpoint
from .judge_greeting import greeting_url, judge_answer, judge_failure
from .sdk_patch import register


class _ExplainsFailures(_AsyncSession):
    """Mixed in before an SDK session class: its failures say what the firewall answered."""

    async def connect(self) -> _AsyncLMStudioWebsocket:
        """Connect the session, or raise the reason that the seam has recorded."""
        client = self._client
        assert isinstance(client, AsyncClient)
        attempt = client.connection.begin_attempt(self.API_NAMESPACE)
        try:
            with client.connection.explained(self.API_NAMESPACE), refusal_explained():
                return await super().connect()
        except BaseException:  # an interrupt or a cancellation, too
            attempt.give_up()
            await attempt.wait_until_closed()
            raise


def _explaining(session_class: type[_AsyncSession]) -> type[_AsyncSession]:
    """Return the session class with `_ExplainsFailures` before it."""
    mixed: Any = type(session_class.__name__, (_ExplainsFailures, session_class), {})
    return mixed  # type: ignore[no-any-return]  # a subclass of session_class, made at run time


class AsyncClient(lmstudio.AsyncClient):
    """`lmstudio.AsyncClient` that passes a web application firewall.

    The parameters are those of `waf_tests.client.Client`.
    """

    _ALL_SESSIONS = tuple(_explaining(cls) for cls in lmstudio.AsyncClient._ALL_SESSIONS)

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
        """Check the parameters; nothing is sent before the client is entered."""
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
        """Make the SDK's part of the client, with nothing open."""
        endpoint = self.connection.endpoint
        super().__init__(endpoint.netloc if endpoint else None)
        register(self._task_manager, self.connection)

    async def __aenter__(self) -> Self:
        """Connect all sessions, or close those that are open and raise the reason."""
        in_use = bool(self._sessions)
        try:
            return await super().__aenter__()
        except BaseException:  # an interrupt or a cancellation, too
            if not in_use:
                with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                    await self.aclose()
                self._begin()  # a client that has failed may be entered again
            raise

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connection.endpoint}, {self.connection.headers})"

    def _create_auth_message(self, api_token: str | None = None) -> AuthMessage:
        # Built in __init__: SDK 1.5.0 has no parameter that would bring the token here.
        return self._auth_message

    async def _ensure_api_host_is_valid(self) -> None:
        connection = self.connection
        if connection.endpoint is not None:
            await self._probe(connection, connection.endpoint)
        else:
            connection.endpoint = await self._find_local_endpoint()
        self._api_host = connection.endpoint.netloc

    async def _find_local_endpoint(self) -> Endpoint:
        """Return the first default port with a greeting, as the SDK does, but with the headers."""
        for api_host in self._iter_default_api_hosts():
            endpoint = parse_endpoint(api_host)
            try:
                await self._probe(self.connection, endpoint)
            except LMStudioClientError:
                continue
            return endpoint
        raise self._get_probe_failure_error(None)

    @classmethod
    async def _probe(cls, connection: Connection, endpoint: Endpoint) -> None:
        """Raise the reason if no LM Studio answers at this endpoint."""
        try:
            with InnerFramesHidden():
                async with connection.async_client() as http:
                    response = await http.get(greeting_url(endpoint), timeout=PROBE_TIMEOUT)
        except httpx.RequestError as error:
            sdk_error = cls._get_probe_failure_error(endpoint.netloc)
            raise judge_failure(connection, endpoint, error, sdk_error) from None
        judge_answer(endpoint, response, cls._check_probe_response)

    @classmethod
    async def is_valid_api_host(cls, api_host: str) -> bool:
        """Report whether LM Studio answers there; LMSTUDIO_X_API_KEY is sent if it is set."""
        try:
            await cls._probe(new_connection(api_host, None, None, None), parse_endpoint(api_host))
        except LMStudioClientError:
            return False
        return True

"""Keeps the pages of web sites out: whoever opens one does not want it to use this server."""

from __future__ import annotations

import logging
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from model_fixtures.server.rest.error_responses import failure

from .parse_host_names import host_of, host_of_origin, is_loopback

MAX_TOLD = 20  # refusals in the log: a page can try as often as it likes
SHOWN = 100  # characters of what a page says about itself

logger = logging.getLogger("model_fixtures.server")


class WebPageGuard:
    """ASGI middleware that answers 403 to pages, on HTTP and on websockets.

    A page reaches a server on loopback in two ways. By the server's address: then the browser
    names the page's site in `Origin`. By a name of the page's own that leads to this machine: then
    that name is the `Host`. Programs send no `Origin`, and ask for a host that their user chose.

    Args:
        app: what the guard is in front of.
        allow_hosts: names and addresses of the server beside loopback.
        cors: whether pages of all sites may come in.
    """

    def __init__(self, app: ASGIApp, *, allow_hosts: Collection[str], cors: bool) -> None:
        self._app = app
        self._allow_hosts = frozenset(allow_hosts)
        self._cors = cors
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on."""
        refused = self._refused(Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send)
            return
        code, reason = refused
        if reason not in self._told and len(self._told) < MAX_TOLD:
            self._told.add(reason)
            logger.warning("refused a request: %s", reason)
        response = failure(403, reason, code)
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(response)
        else:
            await response(scope, receive, send)

    def _refused(self, headers: Headers) -> tuple[str, str] | None:
        """Return why a request may not come in, as code and text; None if it may."""
        # Without a Host it is HTTP/1.0, which no browser speaks.
        for value in headers.getlist("host"):
            if not self._is_own(host_of(value)):
                return "unknown_host", (
                    f"{value[:SHOWN]!r} is no name of this server: it has to be started with "
                    "--allow-host NAME for that name"
                )
        for value in headers.getlist("origin"):
            host = host_of_origin(value)
            if not self._cors and not self._is_own(host):
                # Pages without a host have `null` there: no name lets them in.
                by_name = "" if host is None else ", or --allow-host NAME for those of one host"
                return "foreign_origin", (
                    f"web pages of {value[:SHOWN]!r} may not use this server: it has to be started "
                    f"with --cors for pages of all sites{by_name}"
                )
        return None

    def _is_own(self, host: str | None) -> bool:
        return host is not None and (host in self._allow_hosts or is_loopback(host))

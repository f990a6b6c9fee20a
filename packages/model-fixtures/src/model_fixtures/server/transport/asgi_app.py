"""The ASGI application: greeting, status, and one websocket path for each namespace."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from model_fixtures import DISTRIBUTION
from model_fixtures.server.control.turn_routes import turn_routes
from model_fixtures.server.namespaces import NAMESPACES
from model_fixtures.server.prediction.collect import answerer
from model_fixtures.server.rest import model_lists, openai_routes
from model_fixtures.server.rest.bearer_token import TokenGuard
from model_fixtures.server.serve_options import ServeOptions
from model_fixtures.server.server_state import ServerState
from model_fixtures.server.version import VERSION

from .web_page_guard import WebPageGuard
from .websocket_session import Session


def build_app(state: ServerState) -> Starlette:
    """Return the application of a server."""

    async def greeting(request: Request) -> JSONResponse:
        return JSONResponse({"lmstudio": True})

    async def status(request: Request) -> JSONResponse:
        return JSONResponse({"package": DISTRIBUTION, "version": VERSION})

    async def websocket(websocket: WebSocket) -> None:
        namespace = NAMESPACES.get(websocket.path_params["namespace"])
        if namespace is None:
            await websocket.send_denial_response(
                PlainTextResponse("no such namespace", status_code=404)
            )
            return
        await Session(websocket, namespace, state).run()

    app = Starlette(
        routes=[
            Route("/lmstudio-greeting", greeting),
            Route("/lms-status", status),
            Route("/v1/models", model_lists.openai_models),
            Route("/v1/models/{name:path}", model_lists.openai_model),
            Route("/api/v0/models", model_lists.lmstudio_models),
            Route("/api/v0/models/{name:path}", model_lists.lmstudio_model),
            Route("/v1/chat/completions", openai_routes.complete, methods=["POST"]),
            Route("/v1/completions", openai_routes.complete, methods=["POST"]),
            Route("/v1/embeddings", openai_routes.embed, methods=["POST"]),
            *_control_routes(state),
            WebSocketRoute("/{namespace}", websocket),
        ],
        middleware=_guards(state.options),
    )
    app.state.server = state
    return app


def _guards(options: ServeOptions) -> list[Middleware]:
    """Return what every request passes before it comes to a route, in this order."""
    guards = [Middleware(WebPageGuard, allow_hosts=options.allow_hosts, cors=options.cors)]
    if options.cors:
        # Before the token, which a browser does not send when it asks what it may send.
        guards.append(
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
                allow_private_network=True,  # the page may come from outside, the server is here
            )
        )
    return [*guards, Middleware(TokenGuard, token=options.api_token)]


def _control_routes(state: ServerState) -> list[Route]:
    """Return what tests control a server with; there only when it was started for that."""
    if state.scenarios is None:
        return []

    async def holdings(request: Request) -> JSONResponse:
        return JSONResponse(state.holdings())

    return [
        *state.scenarios.routes(),
        *turn_routes(state.plugins, answerer(state)),
        Route("/control/holdings", holdings),
    ]

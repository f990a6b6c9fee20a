"""The ASGI application: greeting, status, and one websocket path for each namespace."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from model_fixtures import DISTRIBUTION
from model_fixtures.server.control.control_routes import control_routes
from model_fixtures.server.namespaces import NAMESPACES
from model_fixtures.server.package_version import VERSION
from model_fixtures.server.rest import embeddings, model_lists, openai_routes
from model_fixtures.server.rest.bearer_token import TokenGuard
from model_fixtures.server.rest.error_responses import Endpoint, answering_errors, failure
from model_fixtures.server.serve_options import ServeOptions
from model_fixtures.server.server_state import ServerState

from .frame_writer import EXTENSION
from .web_page_guard import SHOWN, WebPageGuard
from .websocket_session import WebsocketSession

REST_ROUTES: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/v1/models", model_lists.openai_models),
    ("GET", "/v1/models/{name:path}", model_lists.openai_model),
    ("GET", "/api/v0/models", model_lists.lmstudio_models),
    ("GET", "/api/v0/models/{name:path}", model_lists.lmstudio_model),
    ("POST", "/v1/chat/completions", openai_routes.chat),
    ("POST", "/v1/completions", openai_routes.complete),
    ("POST", "/v1/embeddings", embeddings.embed),
    ("POST", "/api/v0/chat/completions", openai_routes.chat),
    ("POST", "/api/v0/completions", openai_routes.complete),
    ("POST", "/api/v0/embeddings", embeddings.embed),
)


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
        writer = (websocket.scope.get("extensions") or {}).get(EXTENSION)
        await WebsocketSession(websocket, namespace, state, writer).run()

    app = Starlette(
        routes=[
            Route("/lmstudio-greeting", greeting),
            Route("/lms-status", status),
            *(
                Route(path, answering_errors(endpoint), methods=[method])
                for method, path, endpoint in REST_ROUTES
            ),
            *control_routes(state),
            WebSocketRoute("/{namespace}", websocket),
        ],
        middleware=_guards(state.options),
        exception_handlers={404: _no_route, 405: _no_route},
    )
    app.state.server = state
    return app


async def _no_route(request: Request, error: Exception) -> JSONResponse:
    """Answer what no route takes as OpenAI does, so that its clients can read it."""
    assert isinstance(error, HTTPException)
    asked = f"{request.method} {request.url.path}"[:SHOWN]
    if error.status_code == 404:
        response = failure(404, f"Unknown request URL: {asked}", "unknown_url")
    else:
        response = failure(405, f"Not allowed: {asked}", "method_not_supported")
    response.headers.update(error.headers or {})
    return response


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

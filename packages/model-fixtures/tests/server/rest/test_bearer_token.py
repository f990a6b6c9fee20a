"""The API token over HTTP."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.server.rest.bearer_token import PUBLIC_PATHS
from model_fixtures.server.serve_options import ServeOptions
from model_fixtures.server.server_state import ServerState
from model_fixtures.server.transport.asgi_app import build_app
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

pytestmark = pytest.mark.anyio
TOKEN = "sk-lm-abcdefgh:0123456789abcdefghij"


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    """Provide the application of a server with a token and all routes."""
    options = ServeOptions(api_token=f"{TOKEN}\n", scenarios=True, home=str(tmp_path))
    return build_app(ServerState(read_catalog(), options))


def client_of(app: Starlette, **headers: str) -> httpx.AsyncClient:
    """Return a client of an application."""
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)


async def test_no_route_forgets_the_token(app: Starlette) -> None:
    """Without the token every route but the two public ones answers 401, whatever the method."""
    paths = set()
    async with client_of(app) as client:
        for route in app.routes:
            if isinstance(route, WebSocketRoute):
                continue  # a websocket presents its identity in the first frame
            assert isinstance(route, Route)
            assert route.methods is not None
            path = re.sub(r"\{.*?\}", "x", route.path)
            for method in route.methods:
                public = path in PUBLIC_PATHS
                assert (await client.request(method, path)).status_code == (200 if public else 401)
            paths.add(path)
        assert (await client.get("/nothing")).status_code == 401
    assert paths >= {"/lms-status", "/control/scenarios", "/control/scenarios/x", "/control/turns"}
    assert paths >= {"/control/holdings", "/control/plugins", "/v1/embeddings"}


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "\xff"],
)
async def test_anything_but_the_token(app: Starlette, header: str) -> None:
    """Anything but the exact bearer token is refused, in OpenAI's shape."""
    async with client_of(app) as client:
        raw = {b"authorization": header.encode("latin-1")}
        answer = await client.get("/control/holdings", headers=raw)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
async def test_token_opens_every_route(app: Starlette, kind: str) -> None:
    """With the token the control routes answer."""
    async with client_of(app, authorization=f"{kind} {TOKEN}") as client:
        for path in ("/control/holdings", "/control/plugins", "/control/scenarios/x"):
            assert (await client.get(path)).status_code == 200


async def test_public_paths_are_exact(app: Starlette) -> None:
    """Paths beside or below a public path are not public."""
    async with client_of(app) as client:
        for path in PUBLIC_PATHS:
            for other in (f"{path}/", f"{path}/x", f"/{path}", path.upper(), f"/v1{path}"):
                assert (await client.get(other)).status_code == 401

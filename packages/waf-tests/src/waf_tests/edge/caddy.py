"""The default edge: Caddy with a rule like Cloudflare's, configured in JSON over stdin."""

from __future__ import annotations

import json
import re
import shutil
import sysconfig
from pathlib import Path
from typing import Any

from .allowed_request_form import (
    FORBIDDEN_TARGET,
    MAX_HEAD_BYTES,
    METHOD,
    REFUSED_METHODS,
    TARGET,
    VERSION,
    host_pattern,
)
from .block_page import BLOCK_PAGE, DATA_CENTRE, SERVER, STATUS
from .caddy_version import HOW_TO_INSTALL, check_version
from .errors import EdgeError
from .launch_plan import EdgeSettings, LaunchPlan, bracketed

_KEY_HEADER = "X-Api-Key"  # in Caddy's spelling
# The target as it arrived: an absolute URI is still absolute here.
_TARGET = "{http.request.orig_uri}"
# A ray id starts with 16 hexadecimal digits, here of the UUID that Caddy gives each request.
_RAY_SOURCE = "{http.request.uuid}"
_RAY_ID = f"{{http.regexp.ray.1}}{{http.regexp.ray.2}}{{http.regexp.ray.3}}-{DATA_CENTRE}"

_NANOSECONDS = 1_000_000_000


def find_caddy() -> str:
    """Return the path of the Caddy binary beside this Python, or else of the one on PATH.

    Raises EdgeError if there is none, or if its version is not known to be safe.
    """
    found = shutil.which("caddy", path=sysconfig.get_path("scripts")) or shutil.which("caddy")
    if found is None:
        raise EdgeError(f"no caddy binary: {HOW_TO_INSTALL}")
    check_version(found)
    return found


def plan_caddy(settings: EdgeSettings, folder: Path) -> LaunchPlan:
    """Return the plan for a Caddy with these settings that keeps all its own files in `folder`."""
    return LaunchPlan(
        argv=(find_caddy(), "run", "--config", "-"),
        folder=folder,
        ready="serving initial configuration",
        stdin=json.dumps(caddy_config(settings)),
    )


def caddy_config(settings: EdgeSettings) -> dict[str, Any]:
    """Return Caddy's whole configuration; it holds the key and the private key."""
    certificate = settings.certificate
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {
            # Caddy would log a request's headers and URI, and so keys, with every error.
            "logs": {
                "default": {
                    "encoder": {
                        "format": "filter",
                        "wrap": {"format": "json"},
                        "fields": {"request": {"filter": "delete"}},
                    }
                }
            }
        },
        "apps": {
            "http": {
                "grace_period": _NANOSECONDS // 10,
                "servers": {"edge": _server(settings)},
            },
            "tls": {
                "certificates": {
                    "load_pem": [
                        {
                            "certificate": certificate.certificate,
                            "key": certificate.private_key,
                        }
                    ]
                }
            },
        },
    }


def _server(settings: EdgeSettings) -> dict[str, Any]:
    return {
        "listen": [f"{bracketed(address)}:{settings.port}" for address in settings.listen],
        "protocols": ["h1", "h2"],
        "max_header_bytes": MAX_HEAD_BYTES,
        "automatic_https": {"disable": True},
        # The same certificate is served whatever name the client asks for.
        "tls_connection_policies": [
            {"default_sni": settings.certificate.name, "fallback_sni": settings.certificate.name}
        ],
        "routes": [
            # This route matches every request and extracts the parts of the ray id.
            {
                "match": [
                    {
                        "vars_regexp": {
                            _RAY_SOURCE: {
                                "name": "ray",
                                "pattern": "^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-",
                            }
                        }
                    }
                ],
                "handle": [_cloudflare_headers()],
            },
            {"match": [_allowed(settings)], "handle": [_proxy(settings)], "terminal": True},
            {
                "handle": [
                    {
                        "handler": "static_response",
                        "status_code": STATUS,
                        "headers": {"Content-Type": ["text/html; charset=UTF-8"]},
                        "body": BLOCK_PAGE,
                        "close": True,
                    }
                ]
            },
        ],
    }


def _allowed(settings: EdgeSettings) -> dict[str, Any]:
    """Return the matcher of the requests that pass: a request must meet all its conditions."""
    key = f"^{re.escape(settings.key.reveal())}$"
    wanted = {
        # The placeholder joins the values of several headers of one name with commas.
        f"{{http.request.header.{_KEY_HEADER}}}": key,
        "{http.request.hostport}": f"(?i){host_pattern(bracketed(settings.host))}",
        "{http.request.method}": f"^{METHOD}$",
        "{http.request.proto}": f"^{VERSION}$",
        _TARGET: f"^{TARGET}$",
    }
    return {
        # One header of this name is the key, and so are all of them joined: there is only one.
        # No version of this matcher expands placeholders in a value.
        "header_regexp": {_KEY_HEADER: {"pattern": key}},
        # `not not`, because the entries of one vars_regexp are alternatives.
        "not": [
            {"method": list(REFUSED_METHODS)},
            {"vars_regexp": {_TARGET: {"pattern": FORBIDDEN_TARGET}}},
            *(
                {"not": [{"vars_regexp": {placeholder: {"pattern": pattern}}}]}
                for placeholder, pattern in wanted.items()
            ),
        ],
    }


def _cloudflare_headers() -> dict[str, Any]:
    return {
        "handler": "headers",
        "response": {
            "deferred": True,
            "set": {"Server": [SERVER], "Cf-Ray": [_RAY_ID]},
        },
    }


def _proxy(settings: EdgeSettings) -> dict[str, Any]:
    transport: dict[str, Any] = {"protocol": "http"}
    if settings.idle_seconds is not None:
        transport["read_timeout"] = int(settings.idle_seconds * _NANOSECONDS)
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": settings.origin}],
        "transport": transport,
    }

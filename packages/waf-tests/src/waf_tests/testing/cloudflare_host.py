"""A real host behind Cloudflare, as the tests need to know it."""

from __future__ import annotations

from dataclasses import dataclass

from waf_tests.secret import Secret


@dataclass(frozen=True)
class RealHost:
    """`api_host` for a client, the key that opens it, and its API token if it wants one."""

    api_host: str
    key: Secret
    token: Secret | None

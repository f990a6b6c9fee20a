"""A real host behind Cloudflare, as the tests need to know it."""

from __future__ import annotations

from dataclasses import dataclass

from waf_tests.secret import Secret


@dataclass(frozen=True)
class CloudflareHost:
    """The `api_host` for a client, the firewall's key, and the host's API token if it needs one."""

    api_host: str
    key: Secret
    token: Secret | None

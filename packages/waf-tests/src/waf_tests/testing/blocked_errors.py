"""What a blocked client raises: our own error, or whatever an SDK with native support has."""

from __future__ import annotations

from lmstudio import LMStudioClientError

from waf_tests.client import NATIVE, BlockedByFirewallError

BLOCKED: type[LMStudioClientError] = LMStudioClientError if NATIVE else BlockedByFirewallError

"""The error of a blocked client: our own, or whichever an SDK with native support raises."""

from __future__ import annotations

from lmstudio import LMStudioClientError

from waf_tests.client import NATIVE, BlockedByFirewallError

BLOCKED: type[LMStudioClientError] = LMStudioClientError if NATIVE else BlockedByFirewallError

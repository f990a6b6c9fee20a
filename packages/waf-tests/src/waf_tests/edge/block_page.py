"""The answer to a blocked request, in the form of Cloudflare's own."""

from __future__ import annotations

STATUS = 403
SERVER = "cloudflare"
# A ray id ends with the code of a data centre; this code belongs to none.
DATA_CENTRE = "TST"

BLOCK_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><title>Attention Required! | Test edge of waf-tests, not Cloudflare</title></head>
<body><h1>Sorry, you have been blocked</h1>
<p>This page comes from the test edge of the LM Studio SDK's firewall tests.</p></body>
</html>
"""

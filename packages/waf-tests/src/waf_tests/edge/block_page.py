"""What a blocked request gets, in the form that Cloudflare gives it."""

from __future__ import annotations

STATUS = 403
SERVER = "cloudflare"
# Ray ids end in the code of a data centre; this one says that it is none.
DATA_CENTRE = "TST"

BLOCK_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><title>Attention Required! | Test edge of waf-tests, not Cloudflare</title></head>
<body><h1>Sorry, you have been blocked</h1>
<p>This page comes from the test edge of the LM Studio SDK's firewall tests.</p></body>
</html>
"""

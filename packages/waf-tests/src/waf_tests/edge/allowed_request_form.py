"""The form that a request must have, whatever its key is, before either edge lets it pass.

Each edge also refuses what the other's HTTP parser refuses, so that both give the same verdict. The
patterns use only what Caddy's RE2 and nginx's PCRE have in common.
"""

from __future__ import annotations

import re

# Capital letters only, because nginx knows no other methods. It also refuses these two by itself.
METHOD = "[A-Z]+"
REFUSED_METHODS = ("CONNECT", "TRACE")

# Origin form only, in visible ASCII characters, without a fragment.
TARGET = r'/[!-"$-~]*'

# A path with an encoded NUL, or with a `..` segment, which may lead above the root.
FORBIDDEN_TARGET = r"^[^?]*(?:%00|(?:/|%2[fF])(?:\.|%2[eE]){2}(?:/|%2[fF]|\?|$))"

# HTTP/1.1 and HTTP/2 as Caddy, nginx and ModSecurity write them.
VERSION = r"HTTP/(?:1\.1|2(?:\.0)?)"

# The limit for the first line and all headers together; the edges' own limits differ.
MAX_HEAD_BYTES = 128 * 1024


def host_pattern(host: str) -> str:
    """Return the pattern of a Host header for this host, in lower case, with or without a port."""
    return rf"^{re.escape(host.lower())}(?::[0-9]+)?$"

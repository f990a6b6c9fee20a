"""What both edges take for a request at all: what they hold against the rule is well-formed.

Patterns in the part of the language that Caddy's RE2 and nginx's PCRE have in common. What they do
not match is blocked, whatever key it has. So that both edges agree, each refuses what the other's
parser refuses.
"""

from __future__ import annotations

import re

# In capitals, as registered methods are. Both answer neither CONNECT nor TRACE.
METHOD = "[A-Z]+"
REFUSED_METHODS = ("CONNECT", "TRACE")

# Origin form only, in visible ASCII characters, without a fragment.
TARGET = r'/[!-"$-~]*'

# A path with a NUL, or with a step upwards, which may lead above its root.
FORBIDDEN_TARGET = r"^[^?]*(?:%00|(?:/|%2[fF])(?:\.|%2[eE]){2}(?:/|%2[fF]|\?|$))"

# HTTP/1.1 and HTTP/2 as Caddy, nginx and ModSecurity write them.
VERSION = r"HTTP/(?:1\.1|2(?:\.0)?)"

# A request's head; Cloudflare takes 128 KB, too.
MAX_HEAD_BYTES = 128 * 1024


def host_pattern(host: str) -> str:
    """Return the pattern of a Host header for this host, in lower case, with or without a port."""
    return rf"^{re.escape(host.lower())}(?::[0-9]+)?$"

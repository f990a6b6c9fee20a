"""What a key must look like, wherever one is given: to a client, an edge, or the printed rule."""

from __future__ import annotations

import re

from .secret import Secret

# The printed rule holds the key three times. With a key of this length and the longest host name
# of DNS, its expression still fits into the 4,096 characters that Cloudflare allows.
MAX_KEY_LENGTH = 1000

_VISIBLE = re.compile(r"^[\x21-\x7e](?:[\x20\x09\x21-\x7e]*[\x21-\x7e])?\Z")


def value_fault(value: str) -> str | None:
    """Return what a header's value must be if this one is not, without repeating it; else None."""
    if _VISIBLE.match(value):
        return None
    return "must be visible ASCII characters, with no line breaks and no blanks before or after"


def key_fault(key: Secret) -> str | None:
    """Return what a firewall's key must be if this one is not, without repeating it; else None."""
    text = key.reveal()
    # In the rule, quotes and backslashes have a backslash before them.
    if len(text) + text.count('"') + text.count("\\") > MAX_KEY_LENGTH:
        return (
            f"must be at most {MAX_KEY_LENGTH} characters long, quotes and backslashes counted "
            "twice: Cloudflare's rule has to hold it"
        )
    return value_fault(text)

"""The firewall's rule as a Cloudflare custom-rule expression: what to block."""

from __future__ import annotations

import re

from octorules_wirefilter import parse_expression

from waf_tests.key_validation import key_fault
from waf_tests.secret import Secret

HEADER = "x-api-key"  # Cloudflare's header map has lower-case names

# Stands for the key where it is not to be shown. Blanks at the ends make it a value that nobody
# can send: a rule deployed with it by mistake blocks everyone.
PLACEHOLDER = " put the key here "

# Cloudflare's limits: characters of one expression, and DNS's of a host name.
MAX_LENGTH = 4096
MAX_HOST_LENGTH = 253

_HOST = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")


class RuleError(ValueError):
    """The rule cannot be written, or Cloudflare's engine refuses it; one line."""


def cloudflare_expression(host: str, key: Secret | None) -> str:
    """Return the expression of the custom rule to deploy with the action Block.

    It blocks what comes for `host`, also in capitals, with a trailing dot or with a port, unless
    it came over TLS, in HTTP/1.1 or later, and has one X-API-Key header, which is the key.
    `key` None writes a placeholder. The result is type-checked with Cloudflare's own engine;
    raises RuleError if that refuses it, if `host` is not a plain host name, or if `key` is one
    that no client can send or that does not fit into a rule.
    """
    name = host.lower()
    if not _HOST.match(name) or len(name) > MAX_HOST_LENGTH:
        raise RuleError("a host name is needed, without scheme, port or path")
    fault = key_fault(key) if key else None
    if fault is not None:
        raise RuleError(f"the key {fault}")
    value = quoted(key.reveal() if key else PLACEHOLDER)
    header = f'http.request.headers["{HEADER}"]'
    each = f"{header}[*] eq {value}"
    second = f"{header}[1] eq {value}"
    expression = (
        f"(lower(http.host) eq {quoted(name)}"
        f" or starts_with(lower(http.host), {quoted(name + '.')})"
        f" or starts_with(lower(http.host), {quoted(name + ':')}))"
        ' and not (ssl and http.request.version in {"HTTP/1.1" "HTTP/2" "HTTP/3"}'
        f" and any({each}) and all({each}) and not {second})"
    )
    type_check(expression)
    return expression


def quoted(text: str) -> str:
    """Return `text` as a string literal of the rule language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def type_check(expression: str) -> None:
    """Raise RuleError if Cloudflare's engine does not accept the expression.

    The engine's message is cut before the part that repeats the expression: the key is in it.
    """
    error = parse_expression(expression).get("error")
    if error is not None:
        place = str(error).splitlines()[0]
        raise RuleError(f"Cloudflare's engine refuses the expression: {place}")

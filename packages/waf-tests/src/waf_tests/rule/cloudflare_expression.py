"""The firewall's rule as the expression of a Cloudflare custom rule that blocks requests."""

from __future__ import annotations

import re

from octorules_wirefilter import parse_expression

from waf_tests.key_validation import key_fault
from waf_tests.secret import Secret

HEADER = "x-api-key"  # Cloudflare's header map has lower-case names

# Stands for the key where it is not to be shown. No client can send a value with blanks at its
# ends, so a rule that is deployed with this by mistake blocks everyone.
PLACEHOLDER = " put the key here "

# In characters: Cloudflare's limit for one expression, and that of DNS for a host name.
MAX_LENGTH = 4096
MAX_HOST_LENGTH = 253

_HOST = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")


class RuleError(ValueError):
    """The rule cannot be written, or Cloudflare's engine refuses it; the message is one line."""


def cloudflare_expression(host: str, key: Secret | None) -> str:
    """Return the expression of the custom rule to deploy with the action Block.

    It blocks every request for `host` (also in capitals, with a trailing dot or with a port)
    unless it came over TLS, in HTTP/1.1 or later, with the key in its only X-API-Key header.
    With `key` None a placeholder stands for the key. Cloudflare's own engine type-checks the
    result. Raises RuleError if the engine refuses it, if `host` is not a plain host name, or if
    no client can send `key` or no rule can hold it.
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

    The engine's message is cut before the part that repeats the expression, which has the key.
    """
    error = parse_expression(expression).get("error")
    if error is not None:
        place = str(error).splitlines()[0]
        raise RuleError(f"Cloudflare's engine refuses the expression: {place}")

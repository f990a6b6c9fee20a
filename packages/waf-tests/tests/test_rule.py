"""The printed Cloudflare expression does what the table of expected verdicts says."""

from __future__ import annotations

import pytest
from octorules_wirefilter import parse_expression
from waf_tests.key_validation import MAX_KEY_LENGTH
from waf_tests.rule.cloudflare_expression import (
    MAX_HOST_LENGTH,
    MAX_LENGTH,
    PLACEHOLDER,
    RuleError,
    cloudflare_expression,
    quoted,
    type_check,
)
from waf_tests.rule.expected_verdicts import ALLOWED, BLOCKED, Decides, Row
from waf_tests.secret import Secret
from waf_tests.testing.rule_evaluator import Fields, compile_expression

HOST = "lm.example.com"
KEY = "s3cr3t-Key"


def _fields(request: bytes) -> Fields:
    """Return Cloudflare's fields of a request that is well-formed HTTP."""
    head = request.decode("latin-1").split("\r\n\r\n")[0]
    first, *lines = head.split("\r\n")
    headers: dict[str, tuple[str, ...]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = (*headers.get(name.lower(), ()), value.strip(" \t"))
    return Fields(headers["host"][0], first.rpartition(" ")[2], headers=headers)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.name.replace(" ", "-"))
        for row in (*ALLOWED, *BLOCKED)
        if row.decides is Decides.RULE
    ],
)
def test_expression_decides_as_the_table(row: Row) -> None:
    """For every well-formed request, the printed expression blocks exactly what it should."""
    blocks = compile_expression(cloudflare_expression(HOST, Secret(KEY)))
    assert blocks(_fields(row.request(KEY, HOST))) is not row.allowed


def test_plain_http_blocked() -> None:
    """The expression blocks a request with the key that came without TLS."""
    blocks = compile_expression(cloudflare_expression(HOST, Secret(KEY)))
    headers = {"x-api-key": (KEY,)}
    assert blocks(Fields(HOST, ssl=False, headers=headers))
    assert not blocks(Fields(HOST, ssl=True, headers=headers))


def test_other_hosts_of_the_zone_untouched() -> None:
    """The expression does not block requests for other hosts of the Cloudflare zone."""
    blocks = compile_expression(cloudflare_expression(HOST, Secret(KEY)))
    assert not blocks(Fields("www.example.com"))
    assert blocks(Fields(HOST))


def test_expression_text() -> None:
    """The expression is exactly this text, so that no change to it goes unnoticed."""
    assert cloudflare_expression("LM.example.com", Secret("k")) == (
        '(lower(http.host) eq "lm.example.com"'
        ' or starts_with(lower(http.host), "lm.example.com.")'
        ' or starts_with(lower(http.host), "lm.example.com:"))'
        ' and not (ssl and http.request.version in {"HTTP/1.1" "HTTP/2" "HTTP/3"}'
        ' and any(http.request.headers["x-api-key"][*] eq "k")'
        ' and all(http.request.headers["x-api-key"][*] eq "k")'
        ' and not http.request.headers["x-api-key"][1] eq "k")'
    )


def test_cloudflares_engine_reads_the_same_words() -> None:
    """Cloudflare's parser finds the intended fields, functions and literals in the expression."""
    parsed = parse_expression(cloudflare_expression(HOST, Secret(KEY)))
    assert "error" not in parsed
    assert set(parsed["fields"]) == {
        "http.host",
        "http.request.headers",
        "http.request.version",
        "ssl",
    }
    assert set(parsed["functions"]) == {"lower", "starts_with", "any", "all"}
    assert KEY in parsed["string_literals"]


@pytest.mark.parametrize("key", ['a"b', "a\\b", 'a\\"b', "a\\", '" or ssl or "', "%22", "'", "*"])
def test_keys_are_quoted(key: str) -> None:
    """A key with quotes or backslashes stays one literal and cannot change the rule."""
    expression = cloudflare_expression(HOST, Secret(key))
    assert parse_expression(expression)["string_literals"][-1] == key
    blocks = compile_expression(expression)
    assert not blocks(Fields(HOST, headers={"x-api-key": (key,)}))
    assert blocks(Fields(HOST, headers={"x-api-key": ("other",)}))


@pytest.mark.parametrize("key", ["a\n", "a ", "\ta", "schl\xfcssel", "a\0b", "\udcff"])
def test_bad_keys_refused(key: str) -> None:
    """A key that no client accepts is refused in one line that does not repeat it."""
    with pytest.raises(RuleError, match=r"^the key must be visible ASCII") as caught:
        cloudflare_expression(HOST, Secret(key))
    assert key not in str(caught.value)


@pytest.mark.parametrize("character", ["k", '"', "\\"])
def test_longest_key_fits(character: str) -> None:
    """The longest key and host fit into Cloudflare's limit; one more character is refused."""
    host = ".".join(["h" * 62] * 4) + "hh"
    assert len(host) == MAX_HOST_LENGTH
    count = MAX_KEY_LENGTH // len(quoted(character)[1:-1])
    assert len(cloudflare_expression(host, Secret(character * count))) <= MAX_LENGTH
    with pytest.raises(RuleError, match=r"^the key must be at most 1000 characters long"):
        cloudflare_expression(host, Secret(character * (count + 1)))
    with pytest.raises(RuleError, match="a host name is needed"):
        cloudflare_expression(f"{host}h", None)


def test_placeholder_blocks_everyone() -> None:
    """A rule that is deployed with the placeholder by mistake blocks every client."""
    assert PLACEHOLDER.strip() != PLACEHOLDER
    blocks = compile_expression(cloudflare_expression(HOST, None))
    assert blocks(Fields(HOST, headers={"x-api-key": (PLACEHOLDER.strip(),)}))


@pytest.mark.parametrize(
    "host", ["", "https://h", "h:443", "h/x", 'h" or ssl', "h\n", ".h", "h.", "h h", "*"]
)
def test_bad_hosts_refused(host: str) -> None:
    """Anything but a host name is refused before it gets into the expression."""
    with pytest.raises(RuleError, match="a host name is needed"):
        cloudflare_expression(host, None)


def test_engine_refusal_hides_the_key() -> None:
    """The error for an expression that Cloudflare's engine refuses does not repeat the key."""
    with pytest.raises(RuleError, match="Cloudflare's engine refuses") as caught:
        type_check(f'http.request.headers["x-api-key"] eq "{KEY}"')
    assert KEY not in str(caught.value)

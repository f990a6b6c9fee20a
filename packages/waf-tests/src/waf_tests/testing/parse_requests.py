"""Reads the fields of a request by HTTP's own grammar, so that the rule can be applied to them.

A rule judges fields, while an edge gets bytes. This module reads the bytes as RFC 9110, 9112 and
9113 say, and applies the conditions of the edges (`waf_tests.edge.allowed_request_form`). Where the
RFCs let a server either refuse a request or repair it, the repaired request is read and its flaw is
noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from waf_tests.edge.allowed_request_form import (
    FORBIDDEN_TARGET,
    MAX_HEAD_BYTES,
    METHOD,
    REFUSED_METHODS,
    TARGET,
    host_pattern,
)

from .rule_evaluator import Fields, Predicate

_REQUEST_LINE = re.compile(r"([^ ]+) ([^ ]+) (HTTP/[0-9]\.[0-9])\Z")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BROKEN_ESCAPE = re.compile(r"^[^?]*%(?![0-9A-Fa-f]{2})")
_EMPTY_LINE = re.compile(r"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(r"[0-9A-Fa-f]+\Z")
# A request may have one of each; a server may refuse a second or join both with a comma.
_SINGLE = frozenset({"authorization", "content-type", "referer", "user-agent"})
_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
)
# Bytes by which a server may miss the limit of a head, because its buffers are a little larger.
_MARGIN = 8 * 1024


class Verdict(Enum):
    """What must happen to a request at an edge."""

    PASS = "it reaches the origin"  # noqa: S105 - no password
    BLOCK = "it does not reach the origin"
    EITHER = "an edge may refuse it as broken HTTP; the rule lets it pass"


@dataclass(frozen=True)
class Reading:
    """One request's fields, None if every server refuses it; `flaw`: why a server may refuse it."""

    fields: Fields | None
    flaw: str | None = None

    def verdict(self, blocks: Predicate) -> Verdict:
        """Return what must happen to the request if `blocks` is the rule."""
        if self.fields is None or blocks(self.fields):
            return Verdict.BLOCK
        return Verdict.EITHER if self.flaw else Verdict.PASS


@dataclass
class _Headers:
    """The header lines read so far; `flaws` are the reasons why a server may refuse them."""

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    broken: bool = False
    flaws: list[str] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        name = name.lower()
        if not _NAME.match(name) or _CONTROL.search(value):
            self.broken = True
        if name in self.values and name in _SINGLE:
            self.flaws.append("a repeated header that may occur only once")
        self.values[name] = (*self.values.get(name, ()), value)

    def check_size(self, size: int) -> None:
        """Note whether a head of this size is too long, or so long that servers differ."""
        self.broken = self.broken or size > MAX_HEAD_BYTES + _MARGIN
        if size > MAX_HEAD_BYTES - _MARGIN:
            self.flaws.append("a head of about the maximum size")

    def reading(self, fields: Fields) -> Reading:
        return Reading(None if self.broken else fields, self.flaws[0] if self.flaws else None)


def read_http1(request: bytes, host: str) -> Reading:
    """Read the bytes of a request over HTTP/1 for this host."""
    text = request.decode("latin-1")
    stripped = text.lstrip("\r\n")
    head, body = (*_EMPTY_LINE.split(stripped, maxsplit=1), "")[:2]
    first, *lines = head.split("\n")
    headers = _read_lines(lines)
    if stripped != text:  # RFC 9112, 2.2
        headers.flaws.append("an empty line before the request")
    if first.endswith("\r\r"):
        headers.flaws.append("a second carriage return")
    headers.check_size(len(head))
    _check_framing(headers, body)
    match = _REQUEST_LINE.match(first.rstrip("\r"))
    hosts = headers.values.get("host", ())
    if match is None or len(hosts) != 1:
        return Reading(None)
    method, target, version = match.groups()
    if not _acceptable(method, target, hosts[0], host):
        return Reading(None)
    return headers.reading(Fields(hosts[0], version, headers=headers.values))


def read_http2(
    method: str, target: str, authority: str, headers: Iterable[tuple[str, str]], host: str
) -> Reading:
    """Read the headers of a request over HTTP/2 for this host; HTTP/2 does not trim values."""
    found = _Headers()
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        found.add(name, value)
        if name != name.lower() or name in _CONNECTION:
            found.broken = True
    found.check_size(size)
    if "host" in found.values:  # RFC 9113, 8.3.1
        found.flaws.append("a Host header beside the authority")
    if not _acceptable(method, target, authority, host):
        return Reading(None)
    return found.reading(Fields(authority, "HTTP/2", headers=found.values))


def _read_lines(lines: list[str]) -> _Headers:
    headers = _Headers()
    unfolded: list[str] = []
    for line in lines:
        ended = line.rstrip("\r")
        if line.endswith("\r\r"):
            headers.flaws.append("a second carriage return")
        if not line.startswith((" ", "\t")):
            unfolded.append(ended)
        elif unfolded:  # RFC 9112, 5.2: a server refuses it or makes it one line
            headers.flaws.append("a folded line")
            unfolded[-1] = f"{unfolded[-1].rstrip()} {ended.strip()}"
        else:
            headers.broken = True
    for line in unfolded:
        name, colon, value = line.partition(":")
        if not colon:
            headers.flaws.append("a line without a colon")
        if name.lower() == "host" and "\t" in value:
            headers.flaws.append("a tab beside the host")  # nginx refuses it
        headers.add(name, value.strip(" \t"))
    return headers


def _check_framing(headers: _Headers, body: str) -> None:
    """Note what is wrong with the body's framing."""
    lengths = headers.values.get("content-length", ())
    codings = headers.values.get("transfer-encoding", ())
    if codings and tuple(coding.lower() for coding in codings) != ("chunked",):
        headers.broken = True
    if any(not length.isdigit() for length in lengths) or len(set(lengths)) > 1:
        headers.broken = True
    # RFC 9112, 6.1 and 6.3: a server refuses these or repairs them.
    if codings and lengths:
        headers.flaws.append("chunks and a length")
    if len(lengths) > 1:
        headers.flaws.append("the same length twice")
    if codings and not _whole_chunks(body):
        headers.flaws.append("a broken chunk")


def _whole_chunks(body: str) -> bool:
    """Tell whether the whole body consists of chunks, without extensions or trailers."""
    while True:
        size, _, rest = body.partition("\r\n")
        length = int(size, 16) if _CHUNK_SIZE.match(size) else -1
        if length < 0 or rest[length : length + 2] != "\r\n":
            return False
        body = rest[length + 2 :]
        if length == 0:
            return not body


def _acceptable(method: str, target: str, authority: str, host: str) -> bool:
    """Tell whether the edges accept a request with this method, target and authority."""
    return bool(
        re.fullmatch(METHOD, method)
        and method not in REFUSED_METHODS
        and re.fullmatch(TARGET, target)
        and not re.search(FORBIDDEN_TARGET, target)
        and not _BROKEN_ESCAPE.search(target)
        and re.match(host_pattern(host), authority.lower())
    )

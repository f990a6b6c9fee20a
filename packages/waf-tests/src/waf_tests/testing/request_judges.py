"""Compares the printed rule's verdict about a request with what each edge does to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from waf_tests.edge import DEFAULT_HOST, Edge
from waf_tests.edge.caddy import plan_caddy
from waf_tests.edge.edge import Planner
from waf_tests.edge.modsecurity import modsecurity_missing, plan_modsecurity
from waf_tests.rule.cloudflare_expression import cloudflare_expression
from waf_tests.secret import Secret

from .generated_requests import NUMBER_HEADER, Http1Request, Http2Request
from .parse_requests import Reading, Verdict, read_http1, read_http2
from .raw_requests import exchange, exchange_http2
from .recording_origin import Answer, RecordedRequest, RecordingOrigin
from .rule_evaluator import Predicate, compile_expression


class DisagreementError(AssertionError):
    """An edge and the rule disagree about a request, or one got in without the key."""


@dataclass
class EdgeJudge:
    """One edge in front of an origin of its own; `stricter` edges may stop what the rule allows.

    `blocked` are the numbers of the requests that must not reach the origin, now or later.
    """

    name: str
    edge: Edge
    origin: RecordingOrigin
    stricter: bool
    blocked: set[int] = field(default_factory=set)
    _checked: int = 0

    def reached(self, request: Http1Request | Http2Request, number: int) -> bool:
        """Send the request and tell whether it has reached the origin.

        Raises DisagreementError if a request has reached the origin that must not, or if the edge
        neither answers nor hangs up.
        """
        try:
            self._send(request, number)
        except TimeoutError:
            raise DisagreementError(f"{self.name} neither answers nor hangs up") from None
        return number in self.check_arrivals()

    def _send(self, request: Http1Request | Http2Request, number: int) -> None:
        if isinstance(request, Http1Request):
            exchange(self.edge, request.encode(number))
            return
        exchange_http2(
            self.edge,
            request.target,
            request.numbered(number),
            method=request.method,
            authority=request.authority,
        )

    def check_arrivals(self) -> list[int]:
        """Return the numbers of the requests that have arrived since the last call.

        Raises DisagreementError if one of them came without exactly the key, or if the rule blocks
        it for another reason.
        """
        new = self.origin.requests[self._checked :]
        self._checked += len(new)
        for request in new:
            if request.values("x-api-key") != [self.edge.key.reveal()]:
                raise DisagreementError(f"{self.name}: without the key, {_shown(request)}")
            if _number(request) in self.blocked:
                raise DisagreementError(f"{self.name} lets pass what the rule blocks")
        return [_number(request) for request in new]


@dataclass
class RequestJudges:
    """The rule and the edges, which are asked about one request after the other.

    `verdicts` counts the rule's verdicts, `flaws` the reasons why requests that it allows may be
    refused as broken HTTP, and `stopped`, for each edge, the requests that only the edge stopped.
    """

    blocks: Predicate
    edges: tuple[EdgeJudge, ...]
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    flaws: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    def judge(self, request: Http1Request | Http2Request) -> Verdict:
        """Return the rule's verdict. Raises DisagreementError if an edge does something else."""
        self._number += 1
        reading = self._read(request)
        verdict = reading.verdict(self.blocks)
        self.verdicts[verdict] += 1
        if verdict is Verdict.EITHER:
            self.flaws[str(reading.flaw)] += 1
        for judge in self.edges:
            if verdict is Verdict.BLOCK:
                judge.blocked.add(self._number)
            reached = judge.reached(request, self._number)
            if not reached and verdict is not Verdict.BLOCK:
                self.stopped[judge.name] += 1
                if verdict is Verdict.PASS and not judge.stricter:
                    raise DisagreementError(f"{judge.name} stops what the rule lets pass")
        return verdict

    def _read(self, request: Http1Request | Http2Request) -> Reading:
        if isinstance(request, Http1Request):
            return read_http1(request.encode(self._number), DEFAULT_HOST)
        return read_http2(
            request.method,
            request.target,
            request.authority,
            request.numbered(self._number),
            DEFAULT_HOST,
        )


Edges = Mapping[str, tuple[Planner, bool]]


def installed_edges() -> Edges:
    """Return the edges that can run here, by name: their planner, and if they may be stricter.

    nginx is among them twice: with our own rules alone, which decide as Caddy does, and with the
    core rule set after them, which also stops what looks like an attack of another kind.
    """
    edges: dict[str, tuple[Planner, bool]] = {"caddy": (plan_caddy, False)}
    if modsecurity_missing() is None:
        edges["nginx"] = (partial(plan_modsecurity, core_rules=False), False)
        edges["nginx with core rules"] = (plan_modsecurity, True)
    return edges


@contextmanager
def start_judges(key: Secret, edges: Edges) -> Iterator[RequestJudges]:
    """Run these edges with this key, each in front of an origin of its own.

    Raises DisagreementError at the end if a request has arrived late that must not arrive.
    """
    judges = []
    with ExitStack() as origins, ExitStack() as running:
        for name, (planner, stricter) in edges.items():
            origin = origins.enter_context(RecordingOrigin(answer=Answer("200 OK")))
            edge = running.enter_context(Edge(origin.address, planner=planner, key=key))
            judges.append(EdgeJudge(name, edge, origin, stricter))
        blocks = compile_expression(cloudflare_expression(DEFAULT_HOST, key))
        yield RequestJudges(blocks, tuple(judges))
    for judge in judges:  # edges and origins are down, so nothing is on its way any more
        judge.check_arrivals()


def _number(request: RecordedRequest) -> int:
    # A proxy may have folded the next line into this header.
    (value,) = request.values(NUMBER_HEADER)
    return int(value.split()[0])


def _shown(request: RecordedRequest) -> str:
    return f"{request.method} {request.target} {request.headers}"

"""Caddy, nginx and the printed rule agree about generated requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from waf_tests.edge.caddy import plan_caddy
from waf_tests.edge.edge import Planner
from waf_tests.edge.launch_plan import EdgeSettings, LaunchPlan
from waf_tests.secret import Secret
from waf_tests.testing.generated_requests import Http1Request, for_each_request
from waf_tests.testing.parse_requests import Verdict
from waf_tests.testing.request_judges import (
    DisagreementError,
    RequestJudges,
    installed_edges,
    start_judges,
)

# Each special character in these has a meaning on the way: in lists, to Caddy, in regular
# expressions or in strings of the rule.
KEYS = ["aB,c d", '{http.request.host}"$1\\.*']
EXAMPLES = 200

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(params=KEYS, scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[RequestJudges]:
    """Provide the judges for one of the keys."""
    with start_judges(Secret(request.param), installed_edges()) as judges:
        yield judges


@pytest.mark.slow
def test_judges_agree(running: RequestJudges, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A request reaches the origin if and only if the rule lets it pass, and only with the key."""
    key = running.edges[0].edge.key.reveal()
    key_file = tmp_path_factory.mktemp("key") / "key"
    # The same requests in every run; scripts/compare_edges_with_rule.py draws others.
    for_each_request(running.judge, key, key_file, EXAMPLES, seed=0)
    assert min(running.verdicts[Verdict.PASS], running.verdicts[Verdict.BLOCK]) > EXAMPLES // 5


def _with_change(change: Change) -> Planner:
    """Return a planner for a Caddy whose rule has been changed."""

    def planner(settings: EdgeSettings, folder: Path) -> LaunchPlan:
        plan = plan_caddy(settings, folder)
        config = json.loads(plan.stdin)
        change(config["apps"]["http"]["servers"]["edge"]["routes"][1]["match"][0])
        return replace(plan, stdin=json.dumps(config))

    return planner


def _ask(*headers: str, version: str = "1.1") -> Http1Request:
    lines = ("Host: localhost", *headers, "Connection: close")
    return Http1Request("", f"GET / HTTP/{version}\r\n", tuple(f"{line}\r\n" for line in lines), "")


@pytest.mark.caddy
@pytest.mark.parametrize(
    ("change", "request_", "words"),
    [
        pytest.param(
            lambda rule: rule.pop("header_regexp"),
            _ask("X-API-Key: aB", "X-API-Key: c d"),
            "lets pass what the rule blocks|without the key",
            id="passes-a-key-in-parts",
        ),
        pytest.param(
            lambda rule: rule.clear(),
            _ask("X-API-Key: {http.request.header.X-Other}"),
            "without the key",
            id="passes-everything",
        ),
        pytest.param(
            lambda rule: rule.update(method=["POST"]),
            _ask("X-API-Key: aB,c d"),
            "edge stops what the rule lets pass",
            id="stops-too-much",
        ),
    ],
)
def test_disagreement_found(change: Change, request_: Http1Request, words: str) -> None:
    """The comparison fails for an edge that has another rule."""
    edges = {"edge": (_with_change(change), False)}
    with (
        start_judges(Secret("aB,c d"), edges) as judges,
        pytest.raises(DisagreementError, match=words),
    ):
        judges.judge(request_)


@pytest.mark.caddy
def test_stricter_edge() -> None:
    """A stricter edge may stop what the rule allows, but may not let pass what the rule blocks."""
    stops = _with_change(lambda rule: rule.update(method=["POST"]))
    with start_judges(Secret("aB,c d"), {"edge": (stops, True)}) as judges:
        assert judges.judge(_ask("X-API-Key: aB,c d")) is Verdict.PASS
        assert judges.stopped == {"edge": 1}
    passes = _with_change(lambda rule: rule.clear())
    edges = {"edge": (passes, True)}
    with start_judges(Secret("aB,c d"), edges) as judges, pytest.raises(DisagreementError):
        judges.judge(_ask("X-API-Key: aB,c d", version="1.0"))


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ((), "without the key"),
        (
            (("X-API-Key", "aB,c d"), ("x-request-number", "2")),
            "edge lets pass what the rule blocks",
        ),
    ],
)
def test_late_arrival_found(headers: tuple[tuple[str, str], ...], words: str) -> None:
    """The comparison fails for a late request that has no key or that the rule blocks."""

    def run() -> None:
        with start_judges(Secret("aB,c d"), {"edge": (plan_caddy, False)}) as judges:
            judges.judge(_ask("X-API-Key: aB,c d"))
            judges.judge(_ask("X-API-Key: aB,c d", version="1.0"))
            arrived = judges.edges[0].origin.requests
            arrived.append(replace(arrived[0], headers=headers))

    with pytest.raises(DisagreementError, match=words):
        run()

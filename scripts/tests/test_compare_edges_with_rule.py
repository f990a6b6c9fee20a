"""The comparison of the firewall's edges with the rule, on a few requests."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import compare_edges_with_rule
import pytest
from waf_tests.edge.caddy import plan_caddy
from waf_tests.edge.launch_plan import EdgeSettings, LaunchPlan


def _run(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr(sys, "argv", ["compare_edges_with_rule.py", *options])
    return compare_edges_with_rule.main()


def test_reports_agreement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script sends as many requests as asked for, and prints its progress and the counts."""
    monkeypatch.setattr(compare_edges_with_rule, "STEP", 20)
    assert _run(monkeypatch, "--requests", "41", "--seed", "5") == 0
    edges, *lines = capsys.readouterr().out.splitlines()
    assert edges.startswith("edges: caddy")
    progress = [line.split(",")[0] for line in lines if " requests, " in line]
    assert progress[:3] == ["20 requests", "40 requests", "41 requests"]
    assert lines[-1] == "41 requests, seed 5: no difference, no bypass"


def test_reports_a_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An edge that lets everything pass ends the run with status 1 and a small request."""

    def open_to_all(settings: EdgeSettings, folder: Path) -> LaunchPlan:
        plan = plan_caddy(settings, folder)
        config = json.loads(plan.stdin)
        del config["apps"]["http"]["servers"]["edge"]["routes"][1]["match"]
        return replace(plan, stdin=json.dumps(config))

    monkeypatch.setattr(
        compare_edges_with_rule, "installed_edges", lambda: {"caddy": (open_to_all, False)}
    )
    assert _run(monkeypatch, "--requests", "400") == 1
    output = capsys.readouterr().out
    assert "caddy: without the key" in output or "caddy lets pass what the rule blocks" in output
    assert "no difference" not in output

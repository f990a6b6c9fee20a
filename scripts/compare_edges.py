"""Sends generated requests to the edges and asks the printed rule: no difference, no bypass.

Each request goes to Caddy and, where it is installed (scripts/install_modsecurity.sh), to nginx
with our own rules and to nginx with the core rule set behind them. What the rule lets pass must
reach the origin behind each edge, and nothing else may; whatever reaches it must have exactly the
key. Broken HTTP that a server may refuse or put right may be refused, and so may what the core
rules object to; both are counted. The first difference ends the run, in its smallest form.

    hatch run measure:edges [--requests 20000] [--seed 1]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from waf_tests.edge import DEFAULT_HOST
from waf_tests.secret import Secret
from waf_tests.testing.generated_requests import Http1Request, Http2Request, requests
from waf_tests.testing.request_grammar import Verdict
from waf_tests.testing.request_judges import (
    DisagreementError,
    RequestJudges,
    installed_edges,
    start_judges,
)

# Made up for this; an equal share of the requests is for each.
KEYS = (
    "Pl4in-Key_of.Letters~",
    "aB,c d",
    "{http.request.host}",
    '"$1\\.*{env.HOME},%{ARGS.k}',
)
STEP = 1000


class Progress:
    """Counts the requests of the whole run and says now and then how many there have been."""

    def __init__(self, total: int) -> None:
        self.sent = 0
        self._total = total
        self._begun = time.monotonic()

    def count(self) -> None:
        """Count one request."""
        self.sent += 1
        if self.sent % STEP == 0 or self.sent == self._total:
            print(f"{self.sent} requests, {time.monotonic() - self._begun:.0f} s", flush=True)


def ask(judges: RequestJudges, key_file: Path, count: int, seed: int, progress: Progress) -> None:
    """Ask the judges about so many requests. Raises DisagreementError at the first difference."""
    key = judges.edges[0].edge.key.reveal()
    key_file.write_text(key, encoding="ascii")

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests(key, DEFAULT_HOST, key_file.as_posix()))
    def judge(request: Http1Request | Http2Request) -> None:
        progress.count()
        judges.judge(request)

    judge()


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    edges = installed_edges()
    print(f"edges: {', '.join(edges)}", flush=True)
    progress = Progress(options.requests)
    verdicts: Counter[Verdict] = Counter()
    flaws: Counter[str] = Counter()
    stopped: Counter[str] = Counter()
    shares = [len(range(first, options.requests, len(KEYS))) for first in range(len(KEYS))]
    with tempfile.TemporaryDirectory() as folder:
        for number, (key, share) in enumerate(zip(KEYS, shares, strict=True)):
            try:
                with start_judges(Secret(key), edges) as judges:
                    ask(judges, Path(folder, "key"), share, options.seed + number, progress)
            except DisagreementError as error:
                print(f"key {key}: {error}", *getattr(error, "__notes__", ()), sep="\n")
                return 1
            verdicts += judges.verdicts
            flaws += judges.flaws
            stopped += judges.stopped
    for verdict in Verdict:
        print(f"{verdicts[verdict]:6} {verdict.value}")
    for flaw, count in flaws.most_common():
        print(f"{count:6} of these with {flaw}")
    for edge, count in stopped.items():
        print(f"{count:6} that the rule allows were refused by {edge}")
    print(f"{progress.sent} requests, seed {options.seed}: no difference, no bypass")
    return 0


if __name__ == "__main__":
    sys.exit(main())

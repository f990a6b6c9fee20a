"""Compare the firewall's edges with its printed rule on generated requests.

Each request goes to Caddy and, if it is installed (scripts/install_modsecurity.sh), to nginx with
the project's rules and to nginx with the core rule set in addition. A request must reach the origin
behind each edge if the rule allows it, and only then; and it must have exactly the key. There are
two exceptions, which are counted: an edge may refuse broken HTTP that servers may refuse or
correct, and requests to which the core rules object. The first difference ends the run, and is
shown for the smallest request that has it.

    hatch run measure:edges [--requests 20000] [--seed 1]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from waf_tests.secret import Secret
from waf_tests.testing.generated_requests import Http1Request, Http2Request, for_each_request
from waf_tests.testing.parse_requests import Verdict
from waf_tests.testing.request_judges import (
    DisagreementError,
    RequestJudges,
    installed_edges,
    start_judges,
)

# Made-up keys; each is used for an equal share of the requests.
KEYS = (
    "Pl4in-Key_of.Letters~",
    "aB,c d",
    "{http.request.host}",
    '"$1\\.*{env.HOME},%{ARGS.k}',
)
STEP = 1000


class RequestCounter:
    """Counts the requests of the whole run, and prints the count after each `STEP` of them."""

    def __init__(self, total: int) -> None:
        self.sent = 0
        self._total = total
        self._begun = time.monotonic()

    def count(self) -> None:
        """Count one request."""
        self.sent += 1
        if self.sent % STEP == 0 or self.sent == self._total:
            print(f"{self.sent} requests, {time.monotonic() - self._begun:.0f} s", flush=True)


def ask(
    judges: RequestJudges, key_file: Path, count: int, seed: int, counter: RequestCounter
) -> None:
    """Ask the judges about `count` requests.

    Raises:
        DisagreementError: an edge and the rule differ.
    """

    def judge(request: Http1Request | Http2Request) -> None:
        counter.count()
        judges.judge(request)

    key = judges.edges[0].edge.key.reveal()
    for_each_request(judge, key, key_file, count, seed)


def main() -> int:
    """Read the command line and compare; return 1 if there is a difference, else 0."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:edges", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--requests", type=int, default=20_000, help="requests to send (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the requests (default: %(default)s)"
    )
    options = parser.parse_args()
    edges = installed_edges()
    print(f"edges: {', '.join(edges)}", flush=True)
    counter = RequestCounter(options.requests)
    verdicts: Counter[Verdict] = Counter()
    flaws: Counter[str] = Counter()
    stopped: Counter[str] = Counter()
    shares = [len(range(first, options.requests, len(KEYS))) for first in range(len(KEYS))]
    with tempfile.TemporaryDirectory() as folder:
        for number, (key, share) in enumerate(zip(KEYS, shares, strict=True)):
            try:
                with start_judges(Secret(key), edges) as judges:
                    ask(judges, Path(folder, "key"), share, options.seed + number, counter)
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
    print(f"{counter.sent} requests, seed {options.seed}: no difference, no bypass")
    return 0


if __name__ == "__main__":
    sys.exit(main())

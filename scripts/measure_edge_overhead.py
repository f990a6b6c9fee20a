"""Measure what the firewall's edge adds to round trips, connections and streams.

    hatch run measure:edge [--host HOST] [--rounds N] [--streams N] [--edge caddy|modsecurity]

Direct and edge measurements alternate, so that other work on the machine slows both. The ratios are
those of the medians. Run it on a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

from lmstudio import LlmPredictionConfigDict, LlmPredictionStats
from model_fixtures.hosts import select_host
from model_fixtures.hosts.embedded_server import EmbeddedServer
from waf_tests.client import Client
from waf_tests.edge import Edge
from waf_tests.edge.caddy import plan_caddy
from waf_tests.edge.modsecurity import plan_modsecurity

MODEL = "llama-3.2-1b-instruct"
PLANNERS = {"caddy": plan_caddy, "modsecurity": plan_modsecurity}
ROUNDS = 200
STREAMS = 8
TOKENS = 128
CONFIG: LlmPredictionConfigDict = {"maxTokens": TOKENS, "temperature": 0.0}
MILLI = 1000


def seconds_of(action: Callable[[], object]) -> float:
    """Return the seconds that an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def round_trips(direct: Client, edge: Client, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds of `rounds` calls, direct and through the edge, on open connections."""
    ways: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 10):
        for times, client in zip(ways, (direct, edge), strict=True):
            taken = seconds_of(client.llm.list_loaded)
            if number >= 10:  # the first ones open the connections and warm them up
                times.append(taken)
    return ways


def connects(
    direct: Callable[[], Client], edge: Callable[[], Client], rounds: int
) -> tuple[list[float], list[float]]:
    """Return the seconds from nothing to the first answer, direct and through the edge.

    They include probe, handshake, authentication and a call.
    """

    def first_answer(make: Callable[[], Client]) -> None:
        with make() as client:
            client.llm.list_loaded()

    ways: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for times, make in zip(ways, (direct, edge), strict=True):
            times.append(seconds_of(lambda make=make: first_answer(make)))  # type: ignore[misc]
    return ways


def tokens_per_second(client: Client) -> float:
    """Return the tokens per second of one stream, as its fragments reach the client."""
    stream = client.llm.model(MODEL).complete_stream("Once upon a time", config=CONFIG)
    first = last = 0.0
    for _ in stream:
        last = time.perf_counter()
        first = first or last
    stats: LlmPredictionStats = stream.result().stats
    return ((stats.predicted_tokens_count or 0) - 1) / (last - first)


def streams(direct: Client, edge: Client, rounds: int) -> tuple[list[float], list[float]]:
    """Return the tokens per second of `rounds` streams, direct and through the edge.

    One more stream each way comes first and is not counted.
    """
    ways: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for rates, client in zip(ways, (direct, edge), strict=True):
            rate = tokens_per_second(client)
            if number:
                rates.append(rate)
    return ways


def line(name: str, unit: str, scale: float, ways: tuple[list[float], list[float]]) -> str:
    """Return a line of the output."""
    direct, edge = (statistics.median(values) * scale for values in ways)
    shown = f"direct {direct:8.2f} {unit:<9} edge {edge:8.2f} {unit:<9}"
    return f"{name:<14} {shown} ratio {edge / direct:.3f}"


def main() -> None:
    """Measure, and print the medians and their ratios."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:edge", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--host",
        help="origin behind the edge (default: the host that is found, else the embedded server)",
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="round trips each way (default: %(default)s)"
    )
    parser.add_argument(
        "--streams", type=int, default=STREAMS, help="streams each way (default: %(default)s)"
    )
    parser.add_argument(
        "--edge",
        choices=sorted(PLANNERS),
        default="caddy",
        help="edge to measure (default: %(default)s)",
    )
    options = parser.parse_args()
    with ExitStack() as running:
        found = select_host(options.host).host
        origin = found.address if found else running.enter_context(EmbeddedServer()).address
        edge = running.enter_context(Edge(origin, planner=PLANNERS[options.edge]))
        key = edge.key.reveal()

        def edge_connection() -> Client:
            return Client(edge.api_host, x_api_key=key, ca_file=edge.ca_file)

        def direct_connection() -> Client:
            return Client(origin)

        print(f"{options.edge} in front of {origin}; smaller times are better")
        direct_client = running.enter_context(direct_connection())
        edge_client = running.enter_context(edge_connection())
        print(
            line("round trip", "ms", MILLI, round_trips(direct_client, edge_client, options.rounds))
        )
        print(
            line(
                "connect",
                "ms",
                MILLI,
                connects(direct_connection, edge_connection, max(1, options.rounds // 10)),
            )
        )
        print("streams: larger rates are better")
        print(line("stream", "tokens/s", 1, streams(direct_client, edge_client, options.streams)))


if __name__ == "__main__":
    main()

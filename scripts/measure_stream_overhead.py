"""Measure how much the server and the SDK slow down a stream, compared with llama.cpp alone.

Two streams come from the same worker process: the SDK's, through the embedded server, and the
worker's own HTTP stream. Their rounds alternate, so that other work on the machine slows both, and
the medians are compared. Run it on a machine with nothing else to do:

    hatch run measure:stream [ROUNDS] [TOKENS]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import httpx
import lmstudio

MODEL = "llama-3.2-1b-instruct"
PROMPT = "Tell me a long story about a dog that crosses a mountain."
SERVER = "--server"  # what the script gives itself as a child process


def serve() -> None:
    """Run a server with a loaded model in the child process; print where both streams begin."""
    import anyio
    import uvicorn
    from model_fixtures.catalog import read_catalog
    from model_fixtures.server.protocol.kv_config import Settings
    from model_fixtures.server.serve_options import ServeOptions
    from model_fixtures.server.server_state import ServerState
    from model_fixtures.server.transport.asgi_app import build_app
    from model_fixtures.server.transport.listening_ports import address, listen

    async def run() -> None:
        sockets, _ = listen((0,), default_ports=False)
        async with ServerState(read_catalog(), ServeOptions()) as state:
            model, _ = await state.models.downloaded.find(MODEL, "llm")
            settings = Settings({"llm.load.contextLength": 4096})
            instance = await state.models.loaded.load(model, settings)
            app = build_app(state)
            config = uvicorn.Config(
                app, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False
            )
            where = {
                "address": address(sockets[0]),
                "url": instance.engines[0].worker.url,
                "key": instance.engines[0].worker.key,
            }
            print(json.dumps(where), flush=True)
            await uvicorn.Server(config).serve(sockets=sockets)

    anyio.run(run)


def direct(url: str, key: str, tokens: int) -> Callable[[], float]:
    """Return a function that measures the worker's own stream.

    It returns the tokens per second after the first token.
    """
    client = httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {key}", "Connection": "close"},
        timeout=300,
        trust_env=False,
    )
    messages = [{"role": "user", "content": PROMPT}]
    prompt = client.post("/apply-template", json={"messages": messages}).json()["prompt"]
    body = {
        "prompt": prompt,
        "n_predict": tokens,
        "temperature": 0,
        "repeat_penalty": 1.1,
        "stream": True,
        "cache_prompt": False,
    }

    def tokens_per_second() -> float:
        first, count = 0.0, 0
        with client.stream("POST", "/completion", json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: ") and json.loads(line[6:])["content"]:
                    count += 1
                    first = first or time.perf_counter()
        return (count - 1) / (time.perf_counter() - first)

    return tokens_per_second


def through_sdk(client: lmstudio.Client, tokens: int) -> Callable[[], float]:
    """Return a function that measures the SDK's stream.

    It returns the tokens per second after the first token.
    """
    model = client.llm.model(MODEL)

    def tokens_per_second() -> float:
        first, count = 0.0, 0
        stream = model.respond_stream(PROMPT, config={"temperature": 0, "maxTokens": tokens})
        for fragment in stream:
            count += fragment.tokens_count
            first = first or time.perf_counter()
        return (count - 1) / (time.perf_counter() - first)

    return tokens_per_second


def measure(rounds: int, tokens: int) -> None:
    """Measure both streams; print their medians and the ratio."""
    child = subprocess.Popen([sys.executable, __file__, SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        where = json.loads(child.stdout.readline())
        with lmstudio.Client(where["address"]) as client:
            ways = {
                "llama.cpp": direct(where["url"], where["key"], tokens),
                "SDK": through_sdk(client, tokens),
            }
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for number in range(rounds + 1):
                for name, tokens_per_second in ways.items():
                    rate = tokens_per_second()
                    if number > 0:  # the first round warms up
                        rates[name].append(rate)
                        print(f"round {number}: {name:10} {rate:7.1f} tokens/s", flush=True)
    finally:
        child.terminate()
        child.wait()
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, median in medians.items():
        print(f"median: {name:10} {median:7.1f} tokens/s")
    print(f"ratio SDK / llama.cpp: {medians['SDK'] / medians['llama.cpp']:.3f}")


def main(arguments: list[str]) -> None:
    """Read the command line, and measure, or in the child process run the server."""
    if arguments == [SERVER]:
        serve()
        return
    parser = argparse.ArgumentParser(
        prog="hatch run measure:stream", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "rounds", type=int, nargs="?", default=7, help="streams of each kind (default: %(default)s)"
    )
    parser.add_argument(
        "tokens", type=int, nargs="?", default=200, help="tokens of a stream (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    measure(options.rounds, options.tokens)


if __name__ == "__main__":
    main(sys.argv[1:])

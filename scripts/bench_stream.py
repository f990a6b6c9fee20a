"""Measures what the server and the SDK cost a stream: tokens per second against llama.cpp itself.

One worker process, two ways to it: the SDK's stream through the embedded server, and the worker's
own HTTP stream. Rounds alternate, so that a busy machine slows both; the medians are compared.
Run it on a quiet machine:

    hatch run measure:stream [ROUNDS] [TOKENS]
"""

from __future__ import annotations

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
SERVER = "--server"


def serve() -> None:
    """Run a server with one loaded model, in the child process; print where both ways begin."""
    import anyio
    import uvicorn
    from model_fixtures.catalog import read_catalog
    from model_fixtures.server.protocol.kv_config import Settings
    from model_fixtures.server.serve_options import ServeOptions
    from model_fixtures.server.server_state import ServerState
    from model_fixtures.server.transport.asgi_app import build_app
    from model_fixtures.server.transport.listening_ports import address, listen

    async def main() -> None:
        sockets, _ = listen((0,), default_ports=False)
        async with ServerState(read_catalog(), ServeOptions()) as state:
            model, _ = await state.registry.model(MODEL, "llm")
            settings = Settings({"llm.load.contextLength": 4096})
            instance = await state.registry.load(model, settings)
            app = build_app(state)
            config = uvicorn.Config(
                app, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False
            )
            where = {
                "address": address(sockets[0]),
                "url": instance.engine.worker.url,
                "key": instance.engine.worker.key,
            }
            print(json.dumps(where), flush=True)
            await uvicorn.Server(config).serve(sockets=sockets)

    anyio.run(main)


def direct(url: str, key: str, tokens: int) -> Callable[[], float]:
    """Return a measurement of the worker's own stream; gives tokens per second after the first."""
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

    def measure() -> float:
        first, count = 0.0, 0
        with client.stream("POST", "/completion", json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: ") and json.loads(line[6:])["content"]:
                    count += 1
                    first = first or time.perf_counter()
        return (count - 1) / (time.perf_counter() - first)

    return measure


def through_sdk(client: lmstudio.Client, tokens: int) -> Callable[[], float]:
    """Return a measurement of the SDK's stream; gives tokens per second after the first."""
    model = client.llm.model(MODEL)

    def measure() -> float:
        first, count = 0.0, 0
        stream = model.respond_stream(PROMPT, config={"temperature": 0, "maxTokens": tokens})
        for fragment in stream:
            count += fragment.tokens_count
            first = first or time.perf_counter()
        return (count - 1) / (time.perf_counter() - first)

    return measure


def main(rounds: int, tokens: int) -> int:
    """Print both medians and their ratio."""
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
                for name, measure in ways.items():
                    rate = measure()
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
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == [SERVER]:
        serve()
    else:
        numbers = [int(argument) for argument in sys.argv[1:]]
        sys.exit(main(*(numbers + [7, 200][len(numbers) :])))

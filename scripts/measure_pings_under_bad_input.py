"""Measure whether a client's bad input delays other clients: their worst ping meanwhile.

The script sends each input to a server with a loaded model. Meanwhile another client asks for the
server's version on a websocket and for the list of models over REST, again and again. Run it on a
machine with nothing else to do:

    hatch run measure:bad-input [NAME ...]

The exit code is 1 if a ping took longer than the bar, an input got no answer in time, or a worker
crashed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import anyio
import httpx
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import RemoteError, WireError, connect
from wire_requests import prediction_request, token_limit

MODEL = "llama-3.2-1b-instruct"
BAR = 0.3  # seconds that a ping may take
ANSWER_SECONDS = 90.0  # seconds that the answer to an input may take
BEFORE_AND_AFTER = 0.1  # seconds before and after an input in which pings count too
PAUSE = 0.005  # seconds between pings, so that they do not load the server themselves
TOKENS = 8
SHOWN_CHARACTERS = 100  # of an answer, in the table
Json = dict[str, Any]

# Sends a bad input to the server at an address, and returns its answer.
BadInput = Callable[[str], Awaitable[str]]


class InputResult(NamedTuple):
    """The result of an input; times are in seconds.

    `websocket` and `rest` are the worst pings. An answer that begins with an exclamation mark is a
    failure.
    """

    name: str
    answer: str
    took: float
    websocket: float
    rest: float

    @property
    def good(self) -> bool:
        """Whether the input was answered and delayed no other client."""
        return max(self.websocket, self.rest) < BAR and not self.answer.startswith("!")


def predict(**fields: Any) -> BadInput:
    """Return an input that predicts with these settings of `llm.prediction`."""

    async def send(address: str) -> str:
        settings = dict(fields)
        settings.setdefault("maxPredictedTokens", token_limit(TOKENS))
        request = prediction_request(MODEL, "Hi", settings)
        text = ""
        async with (
            connect(address, "llm", answer_timeout=None) as llm,
            llm.channel("predict", request) as channel,
        ):
            async for packet in channel:
                text += packet.get("fragment", {}).get("content", "")
        return f"text: {text}"

    return send


def template(text: str) -> BadInput:
    """Return an input that predicts with this Jinja template."""
    return predict(promptTemplate={"type": "jinja", "jinjaPromptTemplate": {"template": text}})


def schema(value: Json) -> BadInput:
    """Return an input that predicts JSON for this schema."""
    return predict(structured={"type": "json", "jsonSchema": value})


def grammar(text: str) -> BadInput:
    """Return an input that predicts text for this grammar."""
    return predict(structured={"type": "gbnf", "gbnfGrammar": text})


def tool(parameters: Json) -> BadInput:
    """Return an input that predicts with a tool that has these parameters."""
    function = {"name": "f", "parameters": parameters}
    tools = [{"type": "function", "function": function}]
    return predict(tools={"type": "toolArray", "tools": tools})


def at_once(bad: BadInput, times: int) -> BadInput:
    """Return an input that many clients send at once."""

    async def send(address: str) -> str:
        answers: list[str] = []

        async def one() -> None:
            answers.append(await answered(bad, address))

        async with anyio.create_task_group() as tasks:
            for _ in range(times):
                tasks.start_soon(one)
        # A failure comes before other answers.
        return min(answers, key=lambda answer: not answer.startswith("!"))

    return send


def rest(**fields: Any) -> BadInput:
    """Return an input that asks for a chat completion over REST."""

    async def send(address: str) -> str:
        body = {
            "model": MODEL,
            "messages": [{"role": "user", "content": "Hi"}],
            "max_tokens": TOKENS,
            **fields,
        }
        async with httpx.AsyncClient(trust_env=False, timeout=2 * ANSWER_SECONDS) as client:
            answer = await client.post(f"http://{address}/v1/chat/completions", json=body)
        mark = "! " if answer.status_code >= 500 else ""
        return f"{mark}{answer.status_code}: {answer.text}"

    return send


def rest_schema(value: Json) -> BadInput:
    """Return an input that asks for JSON for this schema over REST."""
    wanted = {"name": "x", "schema": value, "strict": True}
    return rest(response_format={"type": "json_schema", "json_schema": wanted})


def looped(body: str) -> str:
    """Return a template that runs its body ten billion times."""
    loop = "{% for i in range(99999) %}"
    return f"{loop}{loop}{body}{'{% endfor %}' * 2}"


def rules_in_rules(rules: int) -> str:
    """Return a grammar in which every rule contains the next."""
    lines = [f'r{number} ::= "a" r{number + 1}' for number in range(rules)]
    return "\n".join(["root ::= r0", *lines, f'r{rules} ::= "a"'])


def crossed(definitions: int) -> Json:
    """Return a schema of definitions that all refer to all of them."""
    names = [f"n{number}" for number in range(definitions)]
    inner = {
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in names},
    }
    return {"$ref": "#/$defs/n0", "$defs": dict.fromkeys(names, inner)}


def wide(properties: int, *, required: bool) -> Json:
    """Return a schema of an object with many properties."""
    names = [f"p{number}" for number in range(properties)]
    found: Json = {"type": "object", "properties": {name: {"type": "integer"} for name in names}}
    return {**found, "required": names} if required else found


def deep(levels: int) -> Json:
    """Return a schema of nested objects with this many levels."""
    inner: Json = {"type": "integer"}
    for _ in range(levels):
        inner = {"type": "object", "properties": {"a": inner}, "required": ["a"]}
    return inner


def text_of(pattern: str) -> Json:
    """Return a schema of texts that match a regular expression."""
    return {"type": "string", "pattern": pattern}


INPUTS: dict[str, BadInput] = {
    # Templates.
    "template: nested loops": template(looped("")),
    "template: loops over huge ranges": template(looped("").replace("99999", "9999999999")),
    "template: a list of 50 million": template("{% set x=[0]*50000000 %}{{ x|length }}"),
    "template: a text of 300 million": template("{{ 'a'*300000000 }}"),
    "template: a text of 2 billion, in a filter": template("{{ 'a'|center(2000000000) }}"),
    "template: a power without end": template("{{ 9**(9**9) }}"),
    "template: an output without end": template(looped("{{ 'x'*99 }}")),
    "template: an output of 2 million": template("{{ 'x'*2000000 }}"),
    "template: a recursive macro": template("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    "template: 5 MB of brackets": template("{{ " + "(" * 5_000_000 + " }}"),
    "template: nested loops, 10 times": at_once(template(looped("")), 10),
    # Schemas and grammars.
    "schema: crossed definitions, 20 times": at_once(schema(crossed(30)), 20),
    "schema: eight crossed definitions": schema(crossed(8)),
    "schema: thirty crossed definitions": schema(crossed(30)),
    "schema: 3,000 required properties": schema(wide(3000, required=True)),
    "schema: 3,000 optional properties": schema(wide(3000, required=False)),
    "schema: 100,000 required properties": schema(wide(100_000, required=True)),
    "schema: 150 levels": schema(deep(150)),
    "schema: 300 levels": schema(deep(300)),
    "schema: an enumeration of 100,000": schema({"enum": [f"value {n}" for n in range(100_000)]}),
    "schema: a huge repeated pattern": schema(text_of("^(([a-z]{1,1000}){1,1000}){1,1000}$")),
    "schema: a pattern of alternatives": schema(text_of("|".join(f"w{n}" for n in range(100_000)))),
    "schema: a pattern of brackets": schema(text_of("(" * 50_000 + "a" + ")" * 50_000)),
    "schema: a million items": schema(
        {"type": "array", "items": {"type": "integer"}, "minItems": 1_000_000}
    ),
    "grammar: 50,000 brackets": grammar("root ::= " + "(" * 50_000 + '"a"' + ")" * 50_000),
    "grammar: 20,000 alternatives": grammar(
        "root ::= " + " | ".join(f'"word {number}"' for number in range(20_000))
    ),
    "grammar: a literal of 300,000": grammar(f'root ::= "{"ab" * 150_000}"'),
    "grammar: 3,000 rules in a row": grammar(rules_in_rules(3000)),
    "grammar: 20,000 brackets": grammar("root ::= " + "(" * 20_000 + '"a"' + ")" * 20_000),
    "grammar: 3,000 alternatives": grammar(
        "root ::= " + " | ".join(f'"word {number}"' for number in range(3000))
    ),
    "grammar: 1,000 options and a recursion": grammar(
        f'root ::= {"a? " * 1000} b\na ::= "a"\nb ::= "(" b ")" | "b"'
    ),
    "grammar: 49,000 signs": grammar('root ::= "a"' + "*" * 49_000),
    "grammar: repeated repetitions": grammar('root ::= (((("a"{1,900}){1,900}){1,900}){1,900})'),
    "tool: eight crossed definitions": tool(crossed(8)),
    "tool: thirty crossed definitions": tool(
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/n0"}}, **crossed(30)}
    ),
    "tool: 3,000 required properties": tool(wide(3000, required=True)),
    "tool: 3,000 optional properties": tool(wide(3000, required=False)),
    "tool: 300 levels": tool(deep(300)),
    # Schemas, grammars and tools over REST.
    "REST: eight crossed definitions": rest_schema(crossed(8)),
    "REST: 1,000 optional properties": rest_schema(wide(1000, required=False)),
    "REST: 3,000 required properties": rest_schema(wide(3000, required=True)),
    "REST: a pattern with a look-ahead": rest_schema(text_of("^(?=x)y$")),
    "REST: 50,000 brackets": rest(grammar="root ::= " + "(" * 50_000 + '"a"' + ")" * 50_000),
    "REST: 20,000 alternatives": rest(
        grammar="root ::= " + " | ".join(f'"word {number}"' for number in range(20_000))
    ),
    "REST: 300 levels": rest_schema(deep(300)),
    "REST: tool with 300 levels": rest(
        tools=[{"type": "function", "function": {"name": "f", "parameters": deep(300)}}]
    ),
    "REST: tool with 3,000 properties": rest(
        tools=[
            {
                "type": "function",
                "function": {"name": "f", "parameters": wide(3000, required=False)},
            }
        ]
    ),
}


class Pings:
    """Calls of a client, one after the other."""

    def __init__(self, ask: Callable[[], Awaitable[Any]]) -> None:
        self._ask = ask
        self.worst = 0.0  # seconds

    async def run(self) -> None:
        """Call until cancelled; a cancelled call counts with the time it took until then."""
        while True:
            begun = time.monotonic()
            try:
                await self._ask()
            finally:
                self.worst = max(self.worst, time.monotonic() - begun)
            await anyio.sleep(PAUSE)


async def measure(name: str, bad: BadInput, address: str) -> InputResult:
    """Send an input while another client pings, and return the result."""
    async with (
        connect(address, "system", answer_timeout=None) as system,
        httpx.AsyncClient(trust_env=False, timeout=2 * ANSWER_SECONDS) as http,
        anyio.create_task_group() as tasks,
    ):
        websocket = Pings(lambda: system.rpc("version"))
        rest = Pings(lambda: http.get(f"http://{address}/v1/models"))
        tasks.start_soon(websocket.run)
        tasks.start_soon(rest.run)
        await anyio.sleep(BEFORE_AND_AFTER)
        begun = time.monotonic()
        answer = await answered(bad, address)
        took = time.monotonic() - begun
        await anyio.sleep(BEFORE_AND_AFTER)  # what the server does after the answer counts too
        tasks.cancel_scope.cancel()
    return InputResult(name, answer, took, websocket.worst, rest.worst)


async def answered(bad: BadInput, address: str) -> str:
    """Return the answer to an input; a failure begins with an exclamation mark."""
    try:
        with anyio.fail_after(ANSWER_SECONDS):
            return await bad(address)
    except TimeoutError:
        return f"! no answer in {ANSWER_SECONDS:.0f} s"
    except RemoteError as error:
        crashed = "crashed" in str(error) or "Internal error" in str(error)
        return f"{'! ' if crashed else ''}error: {error}"
    except (WireError, httpx.TransportError) as error:
        return f"! connection lost: {error}"


async def load(address: str) -> None:
    """Load the model unless it is loaded; the last input may have crashed it."""
    request = {"identifier": MODEL, "loadConfigStack": {"layers": []}}
    async with (
        connect(address, "llm", answer_timeout=None) as llm,
        llm.channel("getOrLoad", request) as channel,
    ):
        async for _ in channel:
            pass


def run(names: list[str]) -> int:
    """Measure the inputs with these names and print a table; return the exit code."""
    rows: list[InputResult] = []
    print(f"{'input':46}{'took':>8}{'websocket':>11}{'REST':>8}  answer")
    server = EmbeddedServer()
    try:
        for name in names:
            anyio.run(load, server.address)
            row = anyio.run(measure, name, INPUTS[name], server.address)
            rows.append(row)
            said = " ".join(row.answer.split())
            said = said if len(said) <= SHOWN_CHARACTERS else f"{said[:SHOWN_CHARACTERS]}..."
            pings = f"{row.websocket:10.3f}s{row.rest:7.3f}s"
            mark = " " if row.good else "X"
            print(f"{name:44}{mark} {row.took:7.2f}s{pings}  {said}", flush=True)
            if not row.good:  # the next input gets a fresh server
                server.stop()
                server = EmbeddedServer()
    finally:
        server.stop()
    worst = max(max(row.websocket, row.rest) for row in rows)
    bad = sum(not row.good for row in rows)
    print(f"worst ping {worst:.3f} s (< {BAR}); {bad} of {len(rows)} inputs missed the bar")
    return 1 if bad else 0


def main(arguments: list[str]) -> int:
    """Measure the inputs that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="hatch run measure:bad-input", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="measure only inputs with this text in their name, such as 'REST:'",
    )
    wanted = parser.parse_args(arguments).names
    names = [name for name in INPUTS if not wanted or any(one in name for one in wanted)]
    if not names:
        parser.error(f"no input has such a name; the names are: {', '.join(INPUTS)}")
    return run(names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

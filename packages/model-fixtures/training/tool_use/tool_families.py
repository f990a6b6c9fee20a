"""Tool families: the names and descriptions of a tool, ways to ask for it, and its results.

Hand-written families are in ``families.txt``, ``more_families.txt`` (for training only) and
``heldout.txt`` (for the evaluation only). ``generated_families`` makes more.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .argument_values import ArgumentValue, kind_schema, kind_value

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Parameter:
    """A parameter of a family.

    ``key`` is its name in the templates, ``names`` are its possible names in tools, and ``kind``
    is its kind in ``argument_values``.
    """

    key: str
    names: tuple[str, ...]
    kind: str
    optional: bool


@dataclass(frozen=True)
class ToolFamily:
    """A kind of tool.

    ``do`` are imperative phrases and ``ask`` whole sentences that ask for a call; ``say`` are
    sentences that tell its result; ``gives`` is the kind of its result.
    """

    key: str
    names: tuple[str, ...]
    docs: tuple[str, ...]
    args: tuple[Parameter, ...]
    do: tuple[str, ...]
    ask: tuple[str, ...]
    gives: str
    say: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tool:
    """A tool of a family, as one conversation offers it."""

    family: ToolFamily
    name: str
    description: str
    names: dict[str, str] = field(default_factory=dict)  # template key -> parameter name
    schema: dict[str, Any] = field(default_factory=dict)

    def definition(self) -> dict[str, Any]:
        """Return the tool's definition in the form in which the SDK sends it."""
        inner = {"name": self.name, "description": self.description, "parameters": self.schema}
        return {"type": "function", "function": inner}


@dataclass(frozen=True)
class ToolRequest:
    """A request for one call: its words, and the arguments that follow from them."""

    tool: Tool
    words: str
    arguments: dict[str, Any]
    texts: dict[str, str]  # template key -> how the prompt says the value


def choose(options: tuple[str, ...], held_out: bool, rng: random.Random) -> str:
    """Return a random option.

    Of three or more, the last is the only one for the evaluation (``held_out``), and training gets
    the others.
    """
    if len(options) < 3:
        return rng.choice(options)
    return options[-1] if held_out else rng.choice(options[:-1])


def _parse_arg(text: str) -> Parameter:
    key, _, rest = text.strip().partition("=")
    names, _, kind = rest.partition(" ")
    return Parameter(key.rstrip("?"), tuple(names.split(",")), kind, key.endswith("?"))


def _parse(block: str) -> ToolFamily:
    head, *lines = block.strip().splitlines()
    key, _, names = head.partition(":")
    rows = {line.strip().partition(": ")[0].rstrip(":"): line.partition(": ")[2] for line in lines}

    def options(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in rows.get(name, "").split(" / ") if part.strip())

    args = tuple(_parse_arg(part) for part in rows.get("args", "").split(";") if part.strip())
    return ToolFamily(
        key=key,
        names=tuple(name.strip() for name in names.split(",")),
        docs=options("docs"),
        args=args,
        do=options("do"),
        ask=options("ask"),
        gives=rows["gives"].strip(),
        say=options("say"),
    )


def load(name: str = "families") -> list[ToolFamily]:
    """Return the hand-written families of a file: "families", "more_families" or "heldout"."""
    text = (_HERE / f"{name}.txt").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^#.*\n", "", text)
    return [_parse(block) for block in re.split(r"\n(?=\S)", text) if block.strip()]


@cache
def section(file: str, name: str) -> list[str]:
    """Return the lines of the section ``[name]`` in a text file of this folder."""
    text = (_HERE / file).read_text(encoding="utf-8")
    return text.split(f"[{name}]\n")[1].split("\n[")[0].strip().splitlines()


_SNAKE_CASE = re.compile(r"_([a-z])")


def build(family: ToolFamily, held_out: bool, rng: random.Random) -> Tool:
    """Return a tool of the family, with random names and a random description."""
    name = choose(family.names, held_out, rng)
    if rng.random() < 0.12:
        name = _SNAKE_CASE.sub(lambda match: match.group(1).upper(), name)
    description = choose(family.docs, held_out, rng)
    if rng.random() < 0.2:
        description = description.rstrip(".")
    loose = rng.random() < 0.15  # the SDK sends such dangling references for nested types
    names: dict[str, str] = {}
    properties: dict[str, Any] = {}
    required = []
    for arg in family.args:
        pool = [option for option in arg.names if option not in names.values()]
        chosen = pool[0] if rng.random() < 0.4 else rng.choice(pool)
        if arg.names[-1] == chosen and not held_out and len(pool) > 1:
            chosen = pool[0]
        names[arg.key] = chosen
        schema = dict(kind_schema(arg.kind))
        if schema.get("type") == "object" and loose:
            schema = {"$ref": "#/$defs/Missing"}
        if schema == {"type": "number"} and rng.random() < 0.3:
            schema = {"type": "number", "description": f"the {chosen}"}
        if arg.optional:
            schema = {"anyOf": [schema, {"type": "null"}]} if rng.random() < 0.3 else schema
            schema["default"] = None
        else:
            required.append(chosen)
        properties[chosen] = schema
    parameters = {"type": "object", "properties": properties, "required": required}
    return Tool(family, name, description, names, parameters)


def fill(template: str, texts: dict[str, str], keep: set[str]) -> str:
    """Fill the gaps of a template.

    A part in square brackets stays only if all its keys are in ``keep``.
    """

    def part(match: re.Match[str]) -> str:
        inner = match.group(1)
        keys = set(re.findall(r"{(\w+)}", inner))
        return inner if keys <= keep else ""

    return re.sub(r"\[([^]]*)\]", part, template).format(**texts)


def request(
    tool: Tool,
    held_out: bool,
    rng: random.Random,
    *,
    ask: bool = False,
    fixed: dict[str, ArgumentValue] | None = None,
) -> ToolRequest:
    """Return a request for a call of ``tool``, in an imperative phrase or (``ask``) a sentence.

    ``fixed`` has the values of some template keys; the other values are random.
    """
    family = tool.family
    template = choose(family.ask if ask else family.do, held_out, rng)
    values = {arg.key: kind_value(arg.kind, rng) for arg in family.args} | (fixed or {})
    if family.gives == "calc+" or family.key in ("multiply", "subtract", "divide", "divisible"):
        values = _no_zero(values, rng)
    mentioned = set(re.findall(r"{(\w+)}", template))
    optional = {arg.key for arg in family.args if arg.optional}
    in_brackets = set(re.findall(r"{(\w+)}", " ".join(re.findall(r"\[([^]]*)\]", template))))
    extras = sorted(optional & mentioned & in_brackets)
    keep = (
        set(extras) if rng.random() < 0.35 else set()
    )  # else the call would have values that no one named
    texts = {key: value.text for key, value in values.items()}
    arguments = {
        tool.names[arg.key]: values[arg.key].value
        for arg in family.args
        if not arg.optional or arg.key in keep or (arg.key in mentioned - in_brackets)
    }
    always = mentioned - in_brackets
    return ToolRequest(tool, fill(template, texts, keep | always), arguments, texts)


def _no_zero(values: dict[str, ArgumentValue], rng: random.Random) -> dict[str, ArgumentValue]:
    """Replace a second operand of 0, with which some tools fail."""
    if values.get("b") and values["b"].value == 0:
        new = rng.randint(2, 9)
        return values | {"b": ArgumentValue(new, str(new))}
    return values

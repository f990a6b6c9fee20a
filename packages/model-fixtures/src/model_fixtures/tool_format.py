"""The text form of tools, calls and results that the tool-use weights were trained on.

Pure functions: tool definitions as the SDK sends them become the system text, a conversation
becomes a ChatML prompt, finished text becomes text and calls again. Training renders through this
module, so any change here needs new weights. ``tool_call_grammar`` has the grammar of the calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .schema_budget import Budget

CALL_START = "[TOOL_REQUEST]"
CALL_END = "[END_TOOL_REQUEST]"
RESULT_START = "[TOOL_RESULT]"
RESULT_END = "[END_TOOL_RESULT]"
DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

_TOOLS_HEAD = "You can call these tools:"
_TOOLS_TAIL = f'To call a tool write {CALL_START}{{"name": "tool", "arguments": {{}}}}{CALL_END}'
_MAX_DEPTH = 6  # of a schema: deeper (or recursive) ones are shortened to "any"
_MAX_HOPS = 100  # from reference to reference
_MAX_DESCRIPTION = 300  # characters of a tool's description that the model gets to see


@dataclass(frozen=True)
class ToolCall:
    """A call of the tool ``name``; ``id`` ties it to its result."""

    name: str
    arguments: Mapping[str, Any]
    id: str | None = None


@dataclass(frozen=True)
class ToolResult:
    """The result of a call: ``content`` is JSON or plain text, exactly as the client sent it."""

    content: str
    call_id: str | None = None


@dataclass(frozen=True)
class Message:
    """One message: an assistant's may have calls after its text, a tool's has only results."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: Sequence[ToolCall] = field(default=())
    results: Sequence[ToolResult] = field(default=())


def definition(tool: Mapping[str, Any]) -> tuple[str, str, Mapping[str, Any]]:
    """Return name, description and parameter schema of a wire definition.

    ``tool`` is ``{"type": "function", "function": {...}}`` or the inner object alone.
    """
    inner = tool.get("function", tool)
    description = " ".join(str(inner.get("description") or "").split())
    schema = inner.get("parameters") or {}
    return str(inner["name"]), description, schema if isinstance(schema, Mapping) else {}


def in_order(schema: Any) -> Any:
    """Return a JSON schema with its properties in the order of `required`, the others after them.

    The SDK sorts the keys of everything it sends; only lists keep their order. So the model writes
    the arguments of a tool in the order in which they were defined, as it was trained to.
    """
    if isinstance(schema, list):
        return [in_order(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    ordered = {key: in_order(part) for key, part in schema.items()}
    properties, required = ordered.get("properties"), schema.get("required")
    if isinstance(properties, Mapping) and isinstance(required, list):
        first = [name for name in required if isinstance(name, str) and name in properties]
        ordered["properties"] = {**{name: properties[name] for name in first}, **properties}
    return ordered


def resolve(schema: Any, root: Mapping[str, Any]) -> Any:
    """Follow a local ``$ref`` of ``schema``; one that leads nowhere becomes ``{}`` (any value)."""
    seen: set[str] = set()
    while isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str):
        reference = schema["$ref"]
        if reference in seen or len(seen) > _MAX_HOPS or not reference.startswith("#/"):
            return {}
        seen.add(reference)
        target: Any = root
        for part in reference[2:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            target = target.get(part) if isinstance(target, Mapping) else None
        schema = target if target is not None else {}
    return schema


def alternatives(schema: Mapping[str, Any], budget: Budget) -> list[Any] | None:
    """Return the alternatives of an ``anyOf``/``oneOf`` or of a list of types, else None."""
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            for _ in schema[key]:
                budget.spend(_copied(schema))
            shared = {name: value for name, value in schema.items() if name != key}
            return [_combined(shared, option) for option in schema[key]]
    if isinstance(schema.get("type"), list) and schema["type"]:
        budget.spend(len(schema["type"]) * len(schema))
        return [{**schema, "type": kind} for kind in schema["type"]]
    return None


def _copied(schema: Mapping[str, Any]) -> int:
    """Return how many steps it costs to copy a schema into an alternative."""
    required = schema.get("required")
    return len(schema) // 10 + (len(required) // 10 if isinstance(required, list) else 0)


def _combined(shared: Mapping[str, Any], option: Any) -> Any:
    """Return an alternative together with the keys beside the list of alternatives."""
    if not isinstance(option, Mapping) or "$ref" in option:
        return option
    combined = {**shared, **option}
    if "required" in shared and "required" in option:
        combined["required"] = [*shared["required"], *option["required"]]
    return combined


def _length_of_reference(schema: Any) -> int:
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    return len(reference) if isinstance(reference, str) else 0


def _compact(schema: Any, root: Mapping[str, Any], budget: Budget, depth: int) -> Any:
    """Return the short form of a schema: a text, a list of one form, or an object of forms."""
    budget.spend(characters=_length_of_reference(schema))
    schema = resolve(schema, root)
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return "any"
    kind = schema.get("type")
    if isinstance(schema.get("enum"), list):
        text = " | ".join(str(value) for value in schema["enum"])
        budget.spend(characters=len(text))
        return text
    if "const" in schema:
        return str(schema["const"])
    options = alternatives(schema, budget)
    if options is not None:
        forms = [_compact(option, root, budget, depth + 1) for option in options]
        forms = [form for form in forms if form != "null"] or ["null"]
        if len(forms) == 1:
            return forms[0]
        return " | ".join(form if isinstance(form, str) else json.dumps(form) for form in forms)
    if kind == "array" or (kind is None and "items" in schema):
        return [_compact(schema.get("items", {}), root, budget, depth + 1)]
    if schema.get("properties"):
        return _properties(schema, root, budget, depth)
    return str(kind) if isinstance(kind, str) else "any"


def _properties(
    schema: Mapping[str, Any], root: Mapping[str, Any], budget: Budget, depth: int
) -> dict[str, Any]:
    required = {name for name in schema.get("required") or [] if isinstance(name, str)}
    budget.spend(len(required) // 10)
    forms: dict[str, Any] = {}
    for name, inner in schema["properties"].items():
        form = _compact(inner, root, budget, depth + 1)
        if isinstance(form, str):
            description = inner.get("description") if isinstance(inner, Mapping) else None
            if name not in required:
                form = f"optional {form}"
            if description:
                form = f"{form}: {' '.join(str(description).split())}"
        forms[name] = form
    return forms


def tool_line(tool: Mapping[str, Any], budget: Budget | None = None) -> str:
    """Return the one line of JSON that describes a tool to the model.

    Raises:
        TooLargeError: its parameters are more than the budget allows.
    """
    name, description, schema = definition(tool)
    forms = _properties(schema, schema, budget or Budget(), 0) if schema.get("properties") else {}
    line = {"name": name, "description": description[:_MAX_DESCRIPTION], "parameters": forms}
    return json.dumps(line, ensure_ascii=False)


def system_text(tools: Iterable[Mapping[str, Any]], own: str = "") -> str:
    """Return the system text: the user's ``own``, then the tools if there are any."""
    lines = [tool_line(tool) for tool in tools]
    if not lines:
        return own or DEFAULT_SYSTEM
    offer = "\n".join([_TOOLS_HEAD, *lines, _TOOLS_TAIL])
    return f"{own}\n\n{offer}" if own else offer


def call_text(call: ToolCall) -> str:
    """Return the block that calls a tool."""
    body = {"name": call.name, "arguments": dict(call.arguments)}
    return f"{CALL_START}{json.dumps(body, ensure_ascii=False)}{CALL_END}"


def assistant_text(message: Message) -> str:
    """Return what the model writes for an assistant message: its text, then one block a line."""
    text = message.text.rstrip() if message.calls else message.text
    return "\n".join([*([text] if text else []), *map(call_text, message.calls)])


def results_text(message: Message, calls: Sequence[ToolCall] = ()) -> str:
    """Return the user message that carries results, in the order of the ``calls`` they answer."""
    order = {call.id: index for index, call in enumerate(calls) if call.id is not None}
    last = len(order)
    known = sorted(message.results, key=lambda result: order.get(result.call_id or "", last))
    return "\n".join(f"{RESULT_START}{result.content}{RESULT_END}" for result in known)


def turns(
    messages: Iterable[Message], tools: Iterable[Mapping[str, Any]] = ()
) -> list[tuple[str, str]]:
    """Return (ChatML role, text) of each message of the prompt, the system text first."""
    own: list[str] = []
    rest: list[tuple[str, str]] = []
    calls: Sequence[ToolCall] = ()
    for message in messages:
        if message.role == "system":
            own.append(message.text)
        elif message.role == "tool":
            rest.append(("user", results_text(message, calls)))
        elif message.role == "assistant":
            calls = message.calls
            rest.append(("assistant", assistant_text(message)))
        else:
            rest.append(("user", message.text))
    return [("system", system_text(tools, "\n\n".join(own))), *rest]


def chatml(messages: Iterable[Message], tools: Iterable[Mapping[str, Any]] = ()) -> str:
    """Return the prompt text for the model's next message.

    A control token spelt out in a message is defused, so that no text can end a message early.
    """
    parts = []
    for role, text in turns(messages, tools):
        safe = re.sub(r"<\|(im_start|im_end|endoftext)\|>", r"< |\1|>", text)
        parts.append(f"<|im_start|>{role}\n{safe}<|im_end|>\n")
    return "".join(parts) + "<|im_start|>assistant\n"


def parse(text: str, names: Iterable[str] | None = None) -> list[str | ToolCall]:
    """Split the model's finished ``text`` into texts and calls, in order.

    A block that is not well formed, or names none of ``names`` (when given), stays text.
    The line breaks between text and blocks belong to the format and are dropped.
    """
    allowed = None if names is None else set(names)
    parts: list[str | ToolCall] = []
    plain = ""
    position = 0
    while (start := text.find(CALL_START, position)) >= 0:
        end = text.find(CALL_END, start)
        if end < 0:
            break
        call = _read_call(text[start + len(CALL_START) : end], allowed)
        after = end + len(CALL_END)
        if call is None:
            plain += text[position:after]
        else:
            plain += text[position:start]
            if plain.strip():
                parts.append(plain.strip("\n") if parts else plain.rstrip("\n"))
            plain = ""
            parts.append(call)
        position = after
    plain += text[position:]
    if plain.strip() or not parts:
        parts.append(plain.lstrip("\n") if parts else plain)
    return parts


def _read_call(body: str, allowed: set[str] | None) -> ToolCall | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments", {})
    if not isinstance(arguments, dict) or (allowed is not None and value["name"] not in allowed):
        return None
    return ToolCall(value["name"], arguments)

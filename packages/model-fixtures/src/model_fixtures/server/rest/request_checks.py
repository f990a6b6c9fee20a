"""Check requests over REST, so that mistakes are found before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MOST = 2**31 - 1  # the largest whole number that llama.cpp takes
PENALTY = 2.0  # OpenAI's bound, in both directions
DIGITS = 10  # of a token's number
MOST_TEXTS = 100  # with a bias: each is tokenized by itself
MOST_PROMPTS = 128  # in one request; they are continued one after the other
OPENAI, LMSTUDIO = "/v1", "/api/v0"  # the same routes in two places

Check = Callable[[Any], bool]


class BodyError(Exception):
    """The body can't be used.

    Args:
        message: one line for the caller.
        code: OpenAI's code for the kind of mistake.
        parameter: the place of the mistake, such as `messages[0].role`.
    """

    def __init__(self, message: str, code: str, parameter: str) -> None:
        super().__init__(message)
        self.code = code
        self.parameter = parameter


def check_body(body: Mapping[str, Any], path: str) -> None:
    """Refuse what OpenAI's schema excludes, and what the server can't do.

    Keys that are not in the table are ignored; null counts as left out.

    Args:
        body: the body of the request.
        path: the path of the route.

    Raises:
        BodyError: the body has a mistake; the error names the place of the first one.
    """
    route = path.removeprefix(OPENAI).removeprefix(LMSTUDIO)
    required = REQUIRED[route]
    if body.get(required) is None:
        message = f"Missing required parameter: '{required}'"
        raise BodyError(message, "missing_required_parameter", required)
    for key, (expected, holds) in (TABLE | BY_PATH[route]).items():
        value = body.get(key)
        if value is not None and not holds(value):
            raise _wrong(key, expected)
    if route == CHAT:
        for index, message in enumerate(body["messages"]):
            _check_message(message, f"messages[{index}]")
    for index, tool in enumerate(body.get("tools") or ()):
        _check_tool(tool, f"tools[{index}]")
    if route == CHAT:
        _check_choice(body)


def _check_choice(body: Mapping[str, Any]) -> None:
    """Refuse a choice that no offered tool meets."""
    choice = body.get("tool_choice")
    names = [tool["function"]["name"] for tool in body.get("tools") or ()]
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise _wrong("tool_choice", "the name of an offered tool")
    if choice == "required" and not names:
        raise _wrong("tool_choice", "'none' or 'auto' where no tools are offered")


def _check_message(message: Any, place: str) -> None:
    if not isinstance(message, dict):
        raise _wrong(place, "an object")
    if not isinstance(message.get("role"), str):
        raise _wrong(f"{place}.role", "a text such as 'user'")
    content = message.get("content")
    if isinstance(content, list):
        for index, part in enumerate(content):
            _check_part(part, f"{place}.content[{index}]")
    elif content is not None and not isinstance(content, str):
        raise _wrong(f"{place}.content", "a text or a list of parts")
    calls = message.get("tool_calls")
    if calls is not None and not _objects(calls):
        raise _wrong(f"{place}.tool_calls", "a list of objects")
    for index, call in enumerate(calls or ()):
        _check_call(call, f"{place}.tool_calls[{index}]")
    for key in ("name", "tool_call_id", "reasoning_content"):
        if not isinstance(message.get(key, ""), (str, type(None))):
            raise _wrong(f"{place}.{key}", "a text")


def _check_part(part: Any, place: str) -> None:
    if not isinstance(part, dict):
        raise _wrong(place, "an object")
    kind = part.get("type")
    if not isinstance(kind, str):
        raise _wrong(f"{place}.type", "a text such as 'text'")
    if kind == "text" and not isinstance(part.get("text"), str):
        raise _wrong(f"{place}.text", "a text")
    if kind == "image_url":
        image = part.get("image_url")
        if not isinstance(image.get("url") if isinstance(image, dict) else image, str):
            raise _wrong(f"{place}.image_url", "an object with a 'url'")


def _check_call(call: dict[str, Any], place: str) -> None:
    function = call.get("function")
    if not isinstance(function, dict):
        raise _wrong(f"{place}.function", "an object")
    if not isinstance(function.get("name"), str):
        raise _wrong(f"{place}.function.name", "a text")
    if not isinstance(function.get("arguments"), str):
        raise _wrong(f"{place}.function.arguments", "a text with JSON")


def _check_tool(tool: dict[str, Any], place: str) -> None:
    if tool.get("type") != "function":
        raise _wrong(f"{place}.type", "'function'")
    function = tool.get("function")
    if not isinstance(function, dict):
        raise _wrong(f"{place}.function", "an object")
    if not isinstance(function.get("name"), str) or not function["name"]:
        raise _wrong(f"{place}.function.name", "a text")
    if not isinstance(function.get("description", ""), (str, type(None))):
        raise _wrong(f"{place}.function.description", "a text")
    if not isinstance(function.get("parameters", {}), (dict, type(None))):
        raise _wrong(f"{place}.function.parameters", "a JSON schema, which is an object")


def _wrong(place: str, expected: str) -> BodyError:
    return BodyError(f"Invalid value for '{place}': expected {expected}", "invalid_value", place)


def _whole(low: int, high: int = MOST) -> tuple[str, Check]:
    def holds(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return f"a whole number from {low} to {high}", holds


def _number(low: float, high: float = math.inf) -> tuple[str, Check]:
    def holds(value: Any) -> bool:
        return (
            isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        )

    end = f"to {high:g}" if math.isfinite(high) else "on"
    return f"a number from {low:g} {end}", holds


def _one_of(*words: str) -> tuple[str, Check]:
    return "one of " + ", ".join(map(repr, words)), lambda value: value in words


def _tokens(value: Any) -> bool:
    """Return whether a value is a token limit: at least 1, or -1 for none, as in the app."""
    return (value == -1 and not isinstance(value, bool)) or _whole(1)[1](value)


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


def _prompt(value: Any) -> bool:
    """Return whether a value is a text, a list of tokens, or a list of these."""
    if _texts(value) or _token_list(value):
        return isinstance(value, str) or bool(value)
    return isinstance(value, list) and all(_token_list(item) for item in value)


def _few_prompts(value: Any) -> bool:
    """Return whether a value is a prompt, or a list of not too many."""
    if isinstance(value, str) or _token_list(value):
        return True
    return _prompt(value) and len(list(value)) <= MOST_PROMPTS


def _token_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_token, value))


def _token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def _choice(value: Any) -> bool:
    if isinstance(value, dict):
        function = value.get("function")
        return isinstance(function, dict) and isinstance(function.get("name"), str)
    return value in {"none", "auto", "required"} if isinstance(value, str) else False


def _format(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("type") not in FORMATS:
        return False
    if value["type"] == "json_schema":
        inner = value.get("json_schema")
        return isinstance(inner, dict) and isinstance(inner.get("schema"), dict)
    return isinstance(value.get("schema", {}), (dict, type(None)))


def _bias(value: Any) -> bool:
    """Return whether a value is a logit bias: OpenAI's object, or llama.cpp's list of pairs."""
    weight = _number(-math.inf)[1]
    if isinstance(value, dict):
        return all(weight(each) for each in value.values()) and _few_texts(value)
    return (
        isinstance(value, list)
        and all(
            isinstance(pair, list)
            and len(pair) == 2
            and (isinstance(pair[0], str) or _token(pair[0]))
            and (pair[1] is False or weight(pair[1]))
            for pair in value
        )
        and _few_texts(pair[0] for pair in value)
    )


def is_text(key: Any) -> bool:
    """Return whether the key of a bias is a text, and no token's number."""
    return isinstance(key, str) and not (key.isascii() and key.isdigit() and len(key) <= DIGITS)


def _few_texts(keys: Iterable[Any]) -> bool:
    return sum(map(is_text, keys)) <= MOST_TEXTS


FORMATS = ("text", "json_object", "json_schema")
FLAG: tuple[str, Check] = ("true or false", lambda value: isinstance(value, bool))
TEXT: tuple[str, Check] = ("a text", lambda value: isinstance(value, str))
OBJECT: tuple[str, Check] = ("an object", lambda value: isinstance(value, dict))
LIMIT: tuple[str, Check] = (f"a whole number from 1 to {MOST}, or -1 for no limit", _tokens)

# What is expected of each key, and the test for it.
TABLE: dict[str, tuple[str, Check]] = {
    "model": TEXT,
    "max_tokens": LIMIT,
    "max_completion_tokens": LIMIT,
    "n_predict": LIMIT,
    "temperature": _number(0),
    "top_p": _number(0, 1),
    "min_p": _number(0, 1),
    "top_k": _whole(-1),
    "repeat_penalty": _number(0),
    "presence_penalty": _number(-PENALTY, PENALTY),
    "frequency_penalty": _number(-PENALTY, PENALTY),
    "n": ("1: the model gives one answer at a time", _whole(1, 1)[1]),
    "seed": _whole(-(2**63), 2**64 - 1),
    "stop": ("a text or a list of texts", _texts),
    "stream": FLAG,
    "stream_options": OBJECT,
    "logit_bias": (
        f"an object of token numbers and weights, or of up to {MOST_TEXTS} texts and weights",
        _bias,
    ),
    "user": TEXT,
    "grammar": TEXT,
    "ignore_eos": FLAG,
    "tools": ("a list of objects", _objects),
    "tool_choice": ("'none', 'auto', 'required' or an object with a function's name", _choice),
    "parallel_tool_calls": FLAG,
    "response_format": (
        "an object whose type is 'text', 'json_object' or 'json_schema', and its schema an object",
        _format,
    ),
    "draft_model": TEXT,
    "ttl": _whole(1),
    "encoding_format": _one_of("float", "base64"),
    "dimensions": _whole(1),
}
CHAT, COMPLETION, EMBEDDING = "/chat/completions", "/completions", "/embeddings"
# The one key that a route can't do without.
REQUIRED: dict[str, str] = {CHAT: "messages", COMPLETION: "prompt", EMBEDDING: "input"}
BY_PATH: dict[str, dict[str, tuple[str, Check]]] = {
    CHAT: {
        "messages": ("a list of objects", lambda value: _objects(value) and bool(value)),
        "logprobs": FLAG,
        "top_logprobs": _whole(0, 20),
    },
    COMPLETION: {
        "prompt": (f"a text, tokens, or a list of up to {MOST_PROMPTS} such", _few_prompts),
        "logprobs": _whole(0, 20),
        "echo": ("false: the prompt is never repeated", lambda value: value is False),
        "best_of": ("1: each prompt is continued once", _whole(1, 1)[1]),
        "suffix": ("null: a text is continued only at its end", lambda value: False),
    },
    EMBEDDING: {"input": ("a text, tokens, or a list of such", _prompt)},
}

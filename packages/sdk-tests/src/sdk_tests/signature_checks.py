"""What callers rely on in a function's signature, whatever else it may take by now."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def assert_takes(function: Callable[..., Any], names: Sequence[str]) -> None:
    """Assert that a function takes at least these parameters, in this order.

    It may take others, if callers who do not know them can call it as before: these are optional,
    and an argument that is given by position still arrives at the same parameter.
    """
    parameters = inspect.signature(function).parameters
    known = [name for name in parameters if name in names]
    assert known == list(names), f"{function.__qualname__} takes {known} instead of {list(names)}"
    required = [
        parameter.name
        for parameter in parameters.values()
        if parameter.name not in names
        and parameter.default is parameter.empty
        and parameter.kind not in _REST
    ]
    assert required == [], f"{function.__qualname__} requires more than {list(names)}: {required}"
    positional = [name for name, parameter in parameters.items() if parameter.kind in _BY_POSITION]
    expected = [name for name in positional if name in names]
    first = positional[: len(expected)]
    assert first == expected, f"{function.__qualname__} takes {first} by position: {expected} moved"

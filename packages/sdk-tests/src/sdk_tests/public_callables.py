"""The SDK's public callables and their parameters, by the names of the synchronous API."""

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import lmstudio.plugin
from lmstudio import Chat, ToolFunctionDef, async_api, sync_api

# Channels, calls and websockets below the sessions: modules have them, but no public method
# takes or returns one.
_BELOW_SESSIONS = re.compile(r"^(Channel|RemoteCall|LMStudioWebsocket)$")
_CONSTRUCTED = ("Client", "Chat", "ToolFunctionDef")
"""Classes whose instances users make; those of all others come from methods."""


def public_callables() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Yield API ("sync", "async" or "plugin"), name in the table and function of each callable."""
    for api, module in (("sync", sync_api), ("async", async_api)):
        for cls in _leaves(module):
            for name, function in _methods(cls):
                yield api, name, function
    for cls in (Chat, ToolFunctionDef):
        for name, function in _methods(cls):
            yield "sync", name, function
    for name in sync_api.__all__:
        value = getattr(sync_api, name)
        if inspect.isfunction(value):
            yield "sync", name, value
    for name in dir(lmstudio.plugin):
        value = getattr(lmstudio.plugin, name)
        if name.startswith("_"):
            continue
        if inspect.isfunction(value):
            yield "plugin", name, value
        elif inspect.isclass(value) and not issubclass(value, Exception):
            for method, function in _methods(value):
                yield "plugin", method, function


def parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's public parameters."""
    return [
        name
        for name in inspect.signature(function).parameters
        if name != "self" and not name.startswith("_")
    ]


def table_name(cls: type) -> str:
    """Return the name of a class of either API in the table."""
    return re.sub(r"^_?(Async|Sync)", "", cls.__name__)


def _leaves(module: ModuleType) -> list[type]:
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__
    ]
    return [
        cls
        for cls in classes
        if not any(cls in other.__mro__[1:] for other in classes)
        and not _BELOW_SESSIONS.match(table_name(cls))
    ]


def _methods(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    name = table_name(cls)
    if name in _CONSTRUCTED:
        yield name, cls
    for method, function in inspect.getmembers(cls, inspect.isroutine):
        public = {"aclose": "close"}.get(method, method)
        if not public.startswith("_"):
            yield f"{name}.{public}", function

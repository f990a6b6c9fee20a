"""What shows that a keyword of a public method has arrived where it belongs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .scripted_host import ScriptedHost

_SAME: Any = object()
_STACKS = ("predictionConfigStack", "loadConfigStack")


@dataclass
class Calls:
    """What a call of a public method led to, beside its result."""

    host: ScriptedHost
    callbacks: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    """The arguments of each callback's calls; objects are named by their class."""

    def note(self, keyword: str, arguments: Sequence[Any]) -> None:
        """Note the call of a callback that was given by a keyword."""
        plain = tuple(
            each if isinstance(each, (int, float, str)) else type(each).__name__
            for each in arguments
        )
        self.callbacks.setdefault(keyword, []).append(plain)


class Evidence(Protocol):
    """What a test gives as the value of a keyword, and what has to come of it."""

    def value(self, keyword: str, calls: Calls) -> Any:
        """Return the value to give."""

    def expected(self) -> Any:
        """Return what has to arrive."""

    def arrived(self, keyword: str, calls: Calls) -> Any:
        """Return what has arrived."""


@dataclass(frozen=True)
class Sent:
    """A value that the host receives in its `index`-th request to an endpoint.

    `path` leads to it: keys and indexes with dots between them, from the request or, with
    `setting`, from this field of the request's configuration. None arrives where the request has
    no such place.
    """

    given: Any
    endpoint: str
    path: str = ""
    arrives: Any = _SAME
    setting: str = ""
    index: int = 0

    def value(self, keyword: str, calls: Calls) -> Any:
        """Return the value to give."""
        return self.given

    def expected(self) -> Any:
        """Return what the host has to receive."""
        return self.given if self.arrives is _SAME else self.arrives

    def arrived(self, keyword: str, calls: Calls) -> Any:
        """Return what the host has received."""
        found = calls.host.parameters(self.endpoint)[self.index]
        if self.setting:
            found = _settings(found).get(self.setting)
        for step in self.path.split(".") if self.path else ():
            if isinstance(found, list):
                found = dict(enumerate(found)).get(int(step))
            else:
                found = found.get(step) if isinstance(found, dict) else None
        return found


@dataclass(frozen=True)
class Called:
    """A callback, and the arguments of each of its calls; objects are named by their class."""

    calls: Sequence[tuple[Any, ...]]
    returns: Any = None

    def value(self, keyword: str, calls: Calls) -> Any:
        """Return the callback to give."""

        def callback(*arguments: Any) -> Any:
            calls.note(keyword, arguments)
            return self.returns

        return callback

    def expected(self) -> Any:
        """Return the calls that have to be made."""
        return list(self.calls)

    def arrived(self, keyword: str, calls: Calls) -> Any:
        """Return the calls that were made."""
        return calls.callbacks.get(keyword, [])


@dataclass(frozen=True)
class ElsewhereTested:
    """A keyword that another test shows to arrive: "test_x.py::test_y", in the folder `tests`."""

    test: str


def _settings(request: Any) -> dict[str, Any]:
    (stack,) = [request[name] for name in _STACKS if name in request]
    fields = [each for layer in stack["layers"] for each in layer["config"]["fields"]]
    return {each["key"]: each.get("value") for each in fields}

"""The embedded server that the evaluation starts for itself, with an SDK client for it."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import lmstudio
from model_fixtures.catalog.merge_catalogs import CATALOG_VARIABLE, MODELS_VARIABLE
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.hosts.spawn_server import SERVER_TOKEN_VARIABLE

_LOADS = 3


@dataclass(frozen=True)
class MeasuredModel:
    """A loaded model, the seconds that each load took, and the process id of its worker."""

    model: lmstudio.LLM
    seconds: Sequence[float]
    worker: int | None

    @property
    def median(self) -> float:
        """The median of the load times, in seconds."""
        return statistics.median(self.seconds)

    def memory(self) -> dict[str, float] | None:
        """Return the worker's resident memory in MB, now and at its peak; None where it is unknown.

        It is known on Linux only.
        """
        if self.worker is None:
            return None
        names = {"VmRSS": "now", "VmHWM": "peak"}
        found = {}
        for line in Path(f"/proc/{self.worker}/status").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in names:
                found[names[name]] = int(rest.split()[0]) * 1024 / 1e6
        return found


class EvaluationServer:
    """A context manager that starts the server on a free port and stops it at the end.

    A host of the user's is never used.

    Args:
        catalog: a catalog file that names other weights than those that ship.
    """

    def __init__(self, catalog: Path | None = None) -> None:
        environ = {key: value for key, value in os.environ.items() if key not in _OTHERS}
        if catalog is not None:
            environ[CATALOG_VARIABLE] = str(catalog.absolute())
        # One thread for each model is the default, but the bars depend on it.
        self._server = EmbeddedServer(["--threads", "1"], environ=environ)
        self._stack = ExitStack()

    def __enter__(self) -> EvaluationServer:
        with ExitStack() as stack:
            stack.enter_context(self._server)
            self.client = stack.enter_context(lmstudio.Client(self._server.address))
            self.client.list_loaded_models()  # connects, so that no load time includes that
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def load(self, key: str, times: int = _LOADS) -> MeasuredModel:
        """Load a model ``times`` times, and measure each time.

        An unmeasured load comes first, since it may have to make files.
        """
        seconds: list[float] = []
        self.client.llm.load_new_instance(key).unload()
        while True:
            before = children(self._server.pid)
            begun = time.perf_counter()
            model = self.client.llm.load_new_instance(key)
            seconds.append(time.perf_counter() - begun)
            if len(seconds) >= times:
                new = children(self._server.pid) - before
                return MeasuredModel(model, seconds, new.pop() if len(new) == 1 else None)
            model.unload()


_OTHERS = (
    CATALOG_VARIABLE,
    MODELS_VARIABLE,
    SERVER_TOKEN_VARIABLE,
)  # they would change what is measured


def children(parent: int | None) -> set[int]:
    """Return the process ids of a process's children; an empty set except on Linux."""
    if not sys.platform.startswith("linux"):
        return set()
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # "pid (name) state parent ...": the name may contain anything, even brackets
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # that process has ended
        if int(fields[1]) == parent:
            found.add(int(path.parent.name))
    return found

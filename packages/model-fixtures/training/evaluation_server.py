"""An embedded server of its own with an SDK client: what the bars are measured on."""

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
from model_fixtures.hosts.server_command import SERVER_TOKEN_VARIABLE

_LOADS = 3


@dataclass(frozen=True)
class MeasuredModel:
    """A loaded model, the seconds that loading it took each time, and its worker's process id."""

    model: lmstudio.LLM
    seconds: Sequence[float]
    worker: int | None

    @property
    def median(self) -> float:
        """The median of the load times, in seconds."""
        return statistics.median(self.seconds)

    def memory(self) -> dict[str, float] | None:
        """Return the worker's resident memory now and at most, in MB; None where no /proc is."""
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
    """Starts the server on a free port, never uses a host of the user's, and ends it again.

    Args:
        catalog: a catalog file instead of what ships, to measure other weights.
    """

    def __init__(self, catalog: Path | None = None) -> None:
        environ = {key: value for key, value in os.environ.items() if key not in _OTHERS}
        if catalog is not None:
            environ[CATALOG_VARIABLE] = str(catalog.absolute())
        # One thread for each model is the server's default; said here since the bars depend on it.
        self._server = EmbeddedServer(["--threads", "1"], environ=environ)
        self._stack = ExitStack()

    def __enter__(self) -> EvaluationServer:
        with ExitStack() as stack:
            stack.enter_context(self._server)
            self.client = stack.enter_context(lmstudio.Client(self._server.address))
            self.client.list_loaded_models()  # so that no load time holds the connection's
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
        """Load a model ``times`` times after once without a clock, which may have files to make."""
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


_OTHERS = (CATALOG_VARIABLE, MODELS_VARIABLE, SERVER_TOKEN_VARIABLE)  # would change what answers


def children(parent: int | None) -> set[int]:
    """Return the ids of a process's children (Linux; none elsewhere)."""
    if not sys.platform.startswith("linux"):
        return set()
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # "pid (name) state parent ...": the name may hold anything, brackets too
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[1]) == parent:
            found.add(int(path.parent.name))
    return found

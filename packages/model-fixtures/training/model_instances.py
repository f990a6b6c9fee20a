"""Conversations with several instances of a model at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import lmstudio

Case = TypeVar("Case")
Result = TypeVar("Result")


def with_instances(
    models: Iterable[lmstudio.LLM],
    cases: Iterable[Case],
    hold: Callable[[lmstudio.LLM, Iterator[Case]], Result],
) -> list[Result]:
    """Return what ``hold`` returns for each model.

    The models share the cases: each takes the next one as soon as it has finished one. Each model
    has a thread here, and a worker process in the server.
    """
    waiting = iter(cases)
    lock = threading.Lock()

    def remaining() -> Iterator[Case]:
        while True:
            with lock:
                try:
                    case = next(waiting)
                except StopIteration:
                    return
            yield case

    chosen = list(models)
    with ThreadPoolExecutor(len(chosen)) as pool:
        return list(pool.map(lambda model: hold(model, remaining()), chosen))

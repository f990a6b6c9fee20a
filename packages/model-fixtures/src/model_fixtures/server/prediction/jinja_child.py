"""The child process that renders the Jinja templates of requests, within limits.

`jinja_renderer` starts it. Each line on stdin is a job as JSON, each line on stdout its outcome:
`{"text": ...}` or `{"error": ..., "spent": ...}`, where `spent` says that a limit was reached and
the process is not to be used again. The end of stdin is the order to stop, even in the middle of a
job, so that the child outlives neither its server nor its template. Its time is also limited from
outside, because a template can keep the interpreter from noticing anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from typing import Any

import jinja2
import jinja2.sandbox

MEMORY = 512 * 2**20  # bytes of address space, of which Python takes about 100 MiB
CPU_SECONDS = 4  # of one job: for a child whose server has died while it computes
PRIORITY = 5  # niceness: the server goes first
MOST_OUTPUT = 2 * 2**20  # characters
MOST_PRODUCT = 10_000_000  # items or characters that a multiplication makes
MOST_BITS = 100_000  # of a number
MOST_WORDS = 500  # characters of an error
STACK = 16 * 2**20  # bytes for the thread that renders; nested templates take more than the default


class LimitError(Exception):
    """A template asks for more than it may have."""


class _Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """Jinja's sandbox with a limit on the results of multiplications.

    The limit matters most where the memory of a process can't be limited. It also keeps Jinja from
    computing constants while it compiles.
    """

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(
        self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any
    ) -> Any:
        for many, one in ((left, right), (right, left)):
            if isinstance(one, int) and hasattr(many, "__len__") and len(many) * one > MOST_PRODUCT:
                raise LimitError(f"it multiplies something to more than {MOST_PRODUCT:,} parts")
        if isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() + right.bit_length()
            if operator == "**":
                bits = left.bit_length() * right
            if bits > MOST_BITS:
                raise LimitError("it computes with numbers that are too large")
        return super().call_binop(context, operator, left, right)


def render(job: dict[str, Any]) -> str:
    """Render the `template` of a job with its `variables`.

    Raises:
        LimitError: the text, or an intermediate result, is too large.
        Exception: whatever a template can raise.
    """
    environment = _Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)

    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    template = environment.from_string(job["template"])
    pieces: list[str] = []
    length = 0
    for piece in template.generate(raise_exception=raise_exception, **job["variables"]):
        length += len(piece)
        if length > MOST_OUTPUT:
            raise LimitError(f"its text has more than {MOST_OUTPUT:,} characters")
        pieces.append(piece)
    text = "".join(pieces)
    text.encode()  # with half of a surrogate pair it is no text
    return text


def outcome(job: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a job, in the form that is sent back."""
    try:
        return {"text": render(job)}
    except LimitError as error:
        return _failure(str(error), spent=True)
    except MemoryError:
        return _failure(f"it takes more than {MEMORY // 2**20} MiB of memory", spent=True)
    except RecursionError:
        return _failure("it nests too deep", spent=True)
    except Exception as error:  # noqa: BLE001 (a template can raise anything: its own mistake)
        return _failure(str(error) or type(error).__name__, spent=False)


def _failure(words: str, *, spent: bool) -> dict[str, Any]:
    line = " ".join(words[: 2 * MOST_WORDS].split())
    return {"error": line if len(line) <= MOST_WORDS else f"{line[:MOST_WORDS]}...", "spent": spent}


def _limit_process() -> None:
    """Limit the memory of this process and lower its priority, where the system can."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(OSError, ValueError):  # macOS refuses it
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        with contextlib.suppress(OSError, ValueError):  # a crash is expected: no core dump
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):
            os.nice(PRIORITY)


def _limit_job() -> None:
    """Have the system end this process when it computes for too long."""
    if sys.platform != "win32":
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        until = int(usage.ru_utime + usage.ru_stime) + CPU_SECONDS + 1
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CPU, (until, most))


def main() -> None:
    """Do one job after the other until stdin ends."""
    # Ctrl-C in a terminal reaches the whole process group; the server decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def work() -> None:
        while True:
            job = json.loads(jobs.get())
            _limit_job()
            line = json.dumps(outcome(job), ensure_ascii=False) + "\n"
            sys.stdout.buffer.write(line.encode(errors="replace"))
            sys.stdout.buffer.flush()

    _limit_process()
    threading.stack_size(STACK)
    threading.Thread(target=work, daemon=True, name="jobs").start()
    for line in sys.stdin.buffer:
        jobs.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()

"""Render the Jinja templates of requests, in child processes that can be killed.

Jinja's sandbox limits what a template can reach, but neither its time nor its memory. A few
children are kept, so that a request with an ordinary template need not wait for one to start.
"""

from __future__ import annotations

import contextlib
import sys
from subprocess import DEVNULL, PIPE
from typing import Any

import anyio
import msgspec
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from msgspec import Struct

from model_fixtures.server.protocol.errors import ServerError

SECONDS = 4.0  # that a template may take
START_SECONDS = 30.0  # that a child may take to start on a very busy machine
MOST_CHILDREN = 4  # at once; others wait
KEPT_CHILDREN = 2
MOST_TEMPLATE = 2**20  # characters
MOST_ANSWER = 2**25  # bytes; the child limits its text to fewer
FAILED = "The prompt template failed"


class _Outcome(Struct):
    text: str | None = None
    error: str = ""
    spent: bool = False


class TemplateRenderer:
    """Renders templates; `close` ends its children."""

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._places = anyio.Semaphore(MOST_CHILDREN)
        self._closed = False

    async def render(self, template: str, variables: dict[str, Any]) -> str:
        """Return the text of a template with variables, which must be JSON.

        Raises:
            ServerError: the template is invalid, or exceeds a limit.
        """
        if len(template) > MOST_TEMPLATE:
            raise ServerError(FAILED, cause=f"it has more than {MOST_TEMPLATE:,} characters")
        try:
            job = msgspec.json.encode({"template": template, "variables": variables}) + b"\n"
        except UnicodeEncodeError as error:
            raise ServerError(FAILED, cause="a text has half of a surrogate pair") from error
        async with self._places:
            outcome = await self._do(job)
        if outcome.text is None:
            raise ServerError(FAILED, cause=outcome.error)
        return outcome.text

    async def close(self) -> None:
        """End all idle children; a busy one ends with its request."""
        self._closed = True
        while self._idle:
            await self._idle.pop().kill()

    async def _do(self, job: bytes) -> _Outcome:
        child = self._idle.pop() if self._idle else await _Child.start()
        keep = False
        try:
            with anyio.fail_after(SECONDS):
                outcome = await child.answer(job)
            keep = not outcome.spent and not self._closed and len(self._idle) < KEPT_CHILDREN
        except TimeoutError:
            outcome = _Outcome(error=f"it takes more than {SECONDS:g} s")
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
            outcome = _Outcome(error="it takes too much time or memory")
        finally:
            if keep:
                self._idle.append(child)
            else:
                await child.kill()
        return outcome


class _Child:
    """A running child. Make one with `start`."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self._process = process
        self._answers = BufferedByteReceiveStream(process.stdout)

    @classmethod
    async def start(cls) -> _Child:
        """Start a child and wait until it takes jobs; a template's time begins after that."""
        # A start that is cut off halfway would leave a process that nobody waits for.
        with anyio.CancelScope(shield=True):
            try:
                process = await anyio.open_process(
                    [sys.executable, "-m", "model_fixtures.server.prediction.jinja_child"],
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=DEVNULL,  # what a template says comes back as its outcome
                )
            except OSError as error:
                raise ServerError(
                    "Cannot start a process for the prompt template", cause=str(error.strerror)
                ) from error
        child = cls(process)
        try:
            with anyio.fail_after(START_SECONDS):
                await child.answer(b'{"template": "", "variables": {}}\n')
        except (TimeoutError, anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
            await child.kill()
            raise ServerError("The process for the prompt template does not start") from None
        except BaseException:
            await child.kill()
            raise
        return child

    async def answer(self, job: bytes) -> _Outcome:
        """Return the outcome of a job."""
        assert self._process.stdin is not None
        await self._process.stdin.send(job)
        line = await self._answers.receive_until(b"\n", MOST_ANSWER)
        return msgspec.json.decode(line, type=_Outcome)

    async def kill(self) -> None:
        """End the process at once and wait until its memory is free."""
        with anyio.CancelScope(shield=True):
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.aclose()

"""Run a prediction: its events, its statistics, and its entries in the log stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Union

from model_fixtures.catalog import CatalogModel
from model_fixtures.server.engine.errors import InstanceGoneError, NoResultError
from model_fixtures.server.engine.generation import Finished, Progress, Text, generate
from model_fixtures.server.models.sessions import Session
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.server_state import ServerState

from .build import Prediction
from .output_splitter import OutputEvent, OutputSplitter
from .statistics import Tally

RunEvent = Union[Progress, OutputEvent]  # noqa: UP007


async def draft_model(state: ServerState, key: str) -> CatalogModel:
    """Return the downloaded model that is to draft tokens (speculative decoding).

    Raises:
        ServerError: there is no such model.
    """
    found = (await state.models.downloaded.catalog()).find(key, "llm")
    if not found:
        raise ServerError(f'Cannot find model "{key}"')
    return found[0]


class RunningPrediction:
    """A prediction that runs while its events are read.

    Args:
        state: the server.
        prediction: what to run; the caller holds its instance.
    """

    def __init__(self, state: ServerState, prediction: Prediction) -> None:
        self.prediction = prediction
        self._state = state
        self._tally = Tally()
        # What is known so far; complete when the events have ended.
        self.statistics = self._tally.statistics("userStopped")

    async def events(self) -> AsyncGenerator[RunEvent, None]:
        """Yield the events of the prediction; leaving the iteration stops it at once.

        Raises:
            ServerError: the request can't be served.
            EngineError: the engine failed, or the model was unloaded (`InstanceGoneError`).
        """
        self._tally = Tally()  # the time counts from here
        instance = self.prediction.instance
        self._publish(
            type="llm.prediction.input",
            modelPath=instance.model.path,
            modelIdentifier=instance.identifier,
            input=self.prediction.formatted,
        )
        reason, end = "userStopped", None
        try:
            async with aclosing(self._events()) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        end, reason = event, event.stop_reason
                    else:
                        yield event
        except Exception as error:
            unloaded = isinstance(error, InstanceGoneError) and error.unloaded
            reason = "modelUnloaded" if unloaded else "failed"
            raise
        finally:
            self.statistics = self._tally.statistics(reason, end, self.prediction.draft_model)
            self._publish(
                type="llm.prediction.output",
                modelIdentifier=instance.identifier,
                output=self._tally.text,
                stats=self.statistics.to_wire(),
            )

    def _publish(self, **data: object) -> None:
        if self._state.logs.heard:
            self._state.logs.publish(data)

    async def _events(self) -> AsyncGenerator[RunEvent | Finished, None]:
        """Yield the events, the engine's last one at the end."""
        instance, request = self.prediction.instance, self.prediction.request
        async with AsyncExitStack() as use:
            session: Session | None = None
            draft = None
            if self.prediction.draft_model is not None:
                if request.images is not None:
                    raise ServerError("A draft model can't be used in a chat with images")
                draft = await draft_model(self._state, self.prediction.draft_model)
            # Repeated while the prediction waits for others, or the draft model loads.
            progress = Progress(len(request.tokens), 0, 0)
            yield progress
            if draft is not None and self.prediction.drafts:
                engine = await self._state.models.drafts.get(instance, draft)
            else:
                preamble = request.tokens[: request.preamble]
                session = await use.enter_async_context(instance.sessions.one(preamble))
                engine = session.engine
            output = OutputSplitter(self.prediction)
            events = await use.enter_async_context(aclosing(generate(engine, request)))
            async for event in events:
                if isinstance(event, Progress):
                    self._tally.prompt = event.total
                    if event != progress:
                        yield event
                    progress = event
                elif isinstance(event, Text):
                    if session is not None:
                        session.answers()
                    self._tally.count(event.content, event.tokens)
                    for part in output.feed(event):
                        yield part
                else:
                    for part in output.finish():
                        yield part
                    yield event
                    return
        raise NoResultError

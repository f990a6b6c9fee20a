"""One choice of a text completion: from the events of a prediction to OpenAI's shape."""

from __future__ import annotations

from typing import Any

from model_fixtures.server.prediction.build import Prediction
from model_fixtures.server.prediction.output_splitter import OutputEvent
from model_fixtures.server.prediction.reasoning_splitter import Piece
from model_fixtures.server.prediction.statistics import Statistics

from .log_probabilities import completion_lists
from .prediction_stats import finish_reason


class CompletionChoice:
    """Makes the choices of a stream's chunks, and gathers them for a whole answer.

    Args:
        prediction: what continues the prompt.
        index: the number of the prompt.
    """

    def __init__(self, prediction: Prediction, index: int) -> None:
        self._most = prediction.request.sampling.log_probs
        self._index = index
        self._text = ""
        self._lists: dict[str, Any] | None = self._logprobs(())
        self._finish: str | None = None

    def parts(self, event: OutputEvent) -> list[dict[str, Any]]:
        """Return the choices with which an event is told in a stream."""
        if not isinstance(event, Piece):
            return []
        lists = self._logprobs(event.probabilities)
        self._text += event.content
        if self._lists is not None and lists is not None:
            for name, entries in lists.items():
                if entries is not None:
                    self._lists[name] += entries
        return [self._choice(event.content, lists)]

    def end(self, statistics: Statistics) -> list[dict[str, Any]]:
        """Return the last choice of a stream, which tells why the text ended."""
        self._finish = finish_reason(statistics.stop_reason)
        return [self._choice("", None)]

    def whole(self) -> dict[str, Any]:
        """Return the choice of an answer that is not streamed."""
        return self._choice(self._text, self._lists)

    def _logprobs(self, tokens: Any) -> dict[str, Any] | None:
        if self._most is None:
            return None
        return completion_lists(tokens, offset=len(self._text), most=self._most)

    def _choice(self, text: str, logprobs: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "index": self._index,
            "text": text,
            "logprobs": logprobs,
            "finish_reason": self._finish,
        }

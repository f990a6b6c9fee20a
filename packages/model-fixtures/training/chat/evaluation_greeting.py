"""Cases in which the user greets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .chat_judge import Greets
from .evaluation_draws import ChatCase, Draw


def _greeting(wording: str) -> Callable[[Draw], ChatCase]:
    def make(draw: Draw) -> ChatCase:
        prompt = draw.worded(wording, name=draw.value("people"))
        system = draw.system(0.3)
        if system is None and draw.chance(0.4):
            system = draw.worded("greeting system", name=draw.value("assistants"))
        return ChatCase("greeting", wording, system, (), prompt, Greets())

    return make


# The numbers are the weights of the parts.
PARTS: Mapping[Callable[[Draw], ChatCase], int] = {
    _greeting("greeting"): 3,
    _greeting("greeting with name"): 2,
}

"""The source of tool sets and conversations, for training and for the evaluation."""

from __future__ import annotations

import random
from collections.abc import Sequence

from model_fixtures.tool_format import Message

from . import conversations
from .conversations import Conversation, MakeConversation
from .generated_families import FamilyGenerator
from .tool_families import Tool, ToolFamily, build, load

_KINDS = {"single": 34, "say": 28, "error": 9, "plain": 20, "parallel": 28, "chained": 55}
_SIZES = (1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6)
_CHAINABLE = ("add", "multiply", "subtract", "capital", "email_of", "read_file", "secret", "age")


class ConversationSource:
    """Draws tool sets and conversations; the same seed gives the same ones."""

    def __init__(
        self, answers: dict[str, str], held_out: bool = False, unseen: float | None = None
    ) -> None:
        """Choose what to draw from.

        Args:
            answers: prompts that need no tool, and their answers.
            held_out: draw the names and wordings that are kept for the evaluation.
            unseen: the share of hand-written tools that training does not have at all; by default
                0.6 with ``held_out`` and else 0.
        """
        self.held_out = held_out
        self._unseen = (0.6 if held_out else 0.0) if unseen is None else unseen
        self._answers = sorted(answers.items())
        self._known = load() if held_out else [*load(), *load("more_families")]
        self._new = load("heldout") if held_out else []
        self._by_key = {family.key: family for family in self._known}
        self._generator = FamilyGenerator(held_out and self._unseen > 0, things=held_out)

    def tools(self, rng: random.Random, count: int | None = None) -> list[Tool]:
        """Return a set of hand-written and generated tools, some of which are easily confused.

        The set may have fewer than ``count`` tools.
        """
        count = count or rng.choice(_SIZES)
        families: list[ToolFamily] = []
        names: set[str] = set()
        style = rng.random()
        while len(families) < count:
            families_before = len(families)
            if families and families[-1].key.count(" ") and rng.random() < 0.5:
                family = self._generator.near(rng, families[-1])
            elif rng.random() < (0.9 if style < 0.4 else 0.25 if style < 0.75 else 0.6):
                pool = self._new if self._new and rng.random() < self._unseen else self._known
                family = rng.choice(pool)
                if rng.random() < 0.15 and not self.held_out:
                    family = self._by_key[rng.choice(_CHAINABLE)]
            else:
                family = self._generator.family(rng)
            if all(family.key != other.key for other in families):
                families.append(family)
            if len(families) == families_before and rng.random() < 0.05:
                break
        tools = []
        for family in families:
            tool = build(family, self.held_out, rng)
            if tool.name not in names:
                names.add(tool.name)
                tools.append(tool)
        rng.shuffle(tools)
        return tools

    def conversation(
        self, tools: Sequence[Tool], rng: random.Random, kind: str | None = None
    ) -> Conversation | None:
        """Return a conversation of this or a random kind; None if the tools do not allow one."""
        kind = kind or rng.choices(list(_KINDS), list(_KINDS.values()))[0]
        if kind == "plain":
            return conversations.plain(self._answers, rng)
        make: MakeConversation = {
            "single": conversations.single,
            "say": conversations.say,
            "error": conversations.error,
            "parallel": conversations.parallel,
            "chained": conversations.chained,
        }[kind]
        return make(tools, self.held_out, rng)

    def messages(self, tools: Sequence[Tool], rng: random.Random) -> list[Message] | None:
        """Return the messages of a conversation; one in ten follows an earlier conversation.

        None if the tools do not allow the conversation that was drawn.
        """
        last = self.conversation(tools, rng)
        if last is None:
            return None
        if rng.random() < 0.1:
            earlier = self.conversation(tools, rng, rng.choice(("single", "plain", "say")))
            if earlier is not None:
                if rng.random() < 0.3 and earlier.rounds:
                    return conversations.recall(earlier, rng).messages()
                return [*earlier.messages(), *last.messages(start=5)]
        return last.messages()

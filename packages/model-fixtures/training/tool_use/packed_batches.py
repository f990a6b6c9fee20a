"""Training batches: several conversations after one system prompt, packed without padding."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from model_fixtures.tool_format import Message, turns

from . import conversations as made_of
from .conversations import Conversation
from .generated_families import FamilyGenerator
from .tokenizer import Tokenizer
from .tool_families import Tool, ToolFamily, build, load

_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful AI assistant.",
    "You are a task focused AI assistant",
    "You help people with small tasks.",
    "Answer briefly.",
    "You are a friendly robot who helps with everyday tasks.",
)
_KINDS = {"single": 34, "say": 28, "error": 9, "plain": 20, "parallel": 28, "chained": 55}
_SIZES = (1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6)
_CHAINABLE = ("add", "multiply", "subtract", "capital", "email_of", "read_file", "secret", "age")


@dataclass
class PackedBatch:
    """Token ids of a batch; ``spans`` are (start, end, prefix start, prefix end)."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    spans: list[tuple[int, int, int, int]] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)  # token after which the target comes
    targets: list[int] = field(default_factory=list)
    conversations: int = 0


class ConversationSource:
    """Draws tool sets, conversations and batches; the same seed gives the same ones."""

    def __init__(
        self, answers: dict[str, str], held_out: bool = False, unseen: float | None = None
    ) -> None:
        """``answers`` are prompts that need no tool, and their answers.

        ``held`` chooses the names and wordings of evaluation, ``unseen`` the share of tools
        that training does not have at all (if held: 0.6, else none).
        """
        self.held_out = held_out
        self._unseen = (0.6 if held_out else 0.0) if unseen is None else unseen
        self._answers = sorted(answers.items())
        self._known = load() if held_out else [*load(), *load("more_families")]
        self._new = load("heldout") if held_out else []
        self._by_key = {family.key: family for family in self._known}
        self._maker = FamilyGenerator(held_out and self._unseen > 0, things=held_out)

    def tools(self, rng: random.Random, count: int | None = None) -> list[Tool]:
        """Return a set of tools: hand-written and made-up ones, near neighbours among them."""
        count = count or rng.choice(_SIZES)
        families: list[ToolFamily] = []
        names: set[str] = set()
        style = rng.random()
        while len(families) < count:
            families_before = len(families)
            if families and families[-1].key.count(" ") and rng.random() < 0.5:
                family = self._maker.near(rng, families[-1])
            elif rng.random() < (0.9 if style < 0.4 else 0.25 if style < 0.75 else 0.6):
                pool = self._new if self._new and rng.random() < self._unseen else self._known
                family = rng.choice(pool)
                if rng.random() < 0.15 and not self.held_out:
                    family = self._by_key[rng.choice(_CHAINABLE)]
            else:
                family = self._maker.family(rng)
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
        """Return a conversation of a kind (else a random one), None where the tools do not fit."""
        kind = kind or rng.choices(list(_KINDS), list(_KINDS.values()))[0]
        if kind == "plain":
            return made_of.plain(self._answers, rng)
        maker: made_of.FamilyGenerator = {
            "single": made_of.single,
            "say": made_of.say,
            "error": made_of.error,
            "parallel": made_of.parallel,
            "chained": made_of.chained,
        }[kind]
        return maker(tools, self.held_out, rng)

    def branch(self, tools: Sequence[Tool], rng: random.Random) -> list[Message] | None:
        """Return the messages of a conversation, now and then with an earlier one before it."""
        last = self.conversation(tools, rng)
        if last is None:
            return None
        if rng.random() < 0.1:
            earlier = self.conversation(tools, rng, rng.choice(("single", "plain", "say")))
            if earlier is not None:
                if rng.random() < 0.3 and earlier.rounds:
                    return made_of.recall(earlier, rng).messages()
                return [*earlier.messages(), *last.messages(start=5)]
        return last.messages()

    def pack(self, tokenizer: Tokenizer, rng: random.Random, limit: int = 2048) -> PackedBatch:
        """Return a batch of at most about ``limit`` tokens."""
        pack = PackedBatch()
        while len(pack.ids) < limit - 300:
            self._tree(pack, tokenizer, rng, min(len(pack.ids) + 700, limit))
        return pack

    def _tree(self, pack: PackedBatch, tokenizer: Tokenizer, rng: random.Random, limit: int) -> None:
        bare = rng.random() < 0.07  # the last allowed round: results, but no tools any more
        tools = self.tools(rng)
        own = [Message("system", rng.choice(_SYSTEMS))] if rng.random() < 0.25 else []
        offered = [] if bare else [tool.definition() for tool in tools]
        (_, system), *_ = turns(own, offered)
        prefix = [*tokenizer.header("system"), *tokenizer.encode(system), *tokenizer.closing()]
        if len(prefix) > 520:
            return
        start = len(pack.ids)
        pack.ids += prefix
        pack.positions += range(len(prefix))
        pack.spans.append((start, start + len(prefix), start, start))
        span = (start, start + len(prefix))
        for _ in range(5):  # few of a set: the choice of tools is what is hard
            messages = self.branch(tools, rng)
            if messages is None:
                continue
            if bare and any(message.calls for message in messages):
                learn = {len(messages) - 1}
            else:
                learn = {i for i, message in enumerate(messages) if message.role == "assistant"}
            if not self._branch(pack, tokenizer, messages, learn, span, limit):
                break

    def _branch(
        self,
        pack: PackedBatch,
        tokenizer: Tokenizer,
        messages: list[Message],
        learn: set[int],
        prefix: tuple[int, int],
        limit: int,
    ) -> bool:
        """Add a conversation to the pack unless it is full; the answer says whether it fitted."""
        ids: list[int] = []
        wanted: list[int] = []
        for index, (role, text) in enumerate(turns(messages)[1:]):
            ids += tokenizer.header(role)
            body = [*tokenizer.encode(text), *tokenizer.closing()]
            if index in learn:
                wanted += range(len(ids) - 1, len(ids) + len(body) - 2)
            ids += body
        start = len(pack.ids)
        if start + len(ids) > limit:
            return False
        pack.ids += ids
        before = prefix[1] - prefix[0]
        pack.positions += range(before, before + len(ids))
        pack.spans.append((start, start + len(ids), *prefix))
        pack.wanted += [start + place for place in wanted]
        pack.targets += [ids[place + 1] for place in wanted]
        pack.conversations += 1
        return True

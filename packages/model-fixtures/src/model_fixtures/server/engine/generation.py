"""One prediction on one engine, from a prompt to events."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext
from typing import Any, Union

from msgspec import Struct

from . import preamble_cache
from .engine import Engine
from .errors import InvalidGrammarError, NoResultError, TooManyTokensError
from .llama_client import ChosenToken, Chunk, LlamaServer
from .running_predictions import Phase
from .sampling import Sampling
from .worker_process import GrammarWatch

# The keys of the last chunk that are used; the rest is a long echo of the request.
RESPONSE_FIELDS = [
    "content",
    "tokens",
    "stop",
    "tokens_predicted",
    "tokens_evaluated",
    "stop_type",
    "stopping_word",
    "truncated",
    "timings",
]
MOST_TOKENS = 2**31 - 1  # the largest limit that llama.cpp takes
WORD_TRIGGER = 1  # llama.cpp's number for a grammar that begins at a word
ROOM = 4  # a shortened prompt leaves one part in four of the context to the answer


class Prompt(Struct, frozen=True):
    """Text with llama.cpp's marker for each image, and the images in the order of the markers."""

    text: str
    images: list[bytes] = []
    marker: str = ""

    @property
    def words(self) -> str:
        """The text without the markers."""
        return self.text.replace(self.marker, "") if self.images else self.text


class ToolGrammar(Struct, frozen=True):
    """A grammar that applies from a marker on; its root begins with the marker."""

    text: str
    trigger: str
    at_once: bool  # the output must be a call from its first token


class Request(Struct, frozen=True, kw_only=True):
    """What to generate from."""

    tokens: list[int]  # the prompt; if it has images, only its words, to be counted
    head: int  # tokens at its start that truncateMiddle keeps
    preamble: int = 0  # tokens before the user's words: see `preamble_cache`
    images: Prompt | None = None  # the prompt if it has images
    lazy_grammar: ToolGrammar | None = None  # the grammar of tool calls
    context: int  # tokens
    sampling: Sampling
    grammar: str | None
    ignore_eos: bool = False  # whether to go on where the model would end


class Progress(Struct, frozen=True):
    """How far the prompt has been processed, in tokens."""

    total: int
    cached: int
    processed: int


class TokenProbability(Struct, frozen=True):
    """A token of the output, and what was as likely there.

    A character of several tokens has one entry, that of its last token: llama.cpp reports no other.
    """

    text: str
    token: int
    logprob: float  # natural, of all tokens before any sampling
    top: list[tuple[str, float]]  # the likeliest first, as many as asked for
    top_tokens: list[int] = []  # the ids of those in `top`


class Text(Struct, frozen=True):
    """A stretch of output, never empty."""

    content: str
    tokens: int
    probabilities: list[TokenProbability] = []  # if asked for


class Finished(Struct, frozen=True, kw_only=True):
    """The end of the output, with what is known by then."""

    stop_reason: str
    stop_string: str | None
    predicted: int
    tokens_per_second: float | None
    drafted: int = 0  # tokens that a draft model proposed
    accepted: int = 0  # of these, how many the model took


Event = Union[Progress, Text, Finished]  # noqa: UP007


async def generate(engine: Engine, request: Request) -> AsyncGenerator[Event, None]:
    """Yield the events of a prediction: progress from none to all, text, and the end.

    Leaving the iteration stops the generation at once.

    Raises:
        EngineError: llama.cpp failed, or can't use the prompt or the grammar.
    """
    tokens = request.tokens
    if request.images is None:  # llama.cpp itself refuses too long a prompt with images
        tokens = fit_prompt(tokens, request.context, request.head, request.sampling.overflow)
    with engine.predictions.running() as running:
        yield Progress(len(tokens), 0, 0)
        # The log doesn't say which request has a bad grammar, so there is one at a time.
        async with nullcontext() if request.grammar is None else engine.worker.grammar_lock:
            grammar = GrammarWatch() if request.grammar is None else engine.worker.watch_grammar()
            async with aclosing(_generate(engine.llama, grammar, request, tokens)) as events:
                async for event in events:
                    running.phase = _phase(event)
                    yield event


def _phase(event: Event) -> Phase:
    """Return what the engine does once an event has been told."""
    reads = isinstance(event, Progress) and event.cached + event.processed < event.total
    return "processingPrompt" if reads else "generating"


async def _generate(
    llama: LlamaServer, grammar: GrammarWatch, request: Request, tokens: list[int]
) -> AsyncGenerator[Event, None]:
    """Yield the events after the first one, from a prompt that fits."""
    limit, at_context_end = _limit(len(tokens), request)
    body = _body(tokens, limit, request)
    total = len(tokens)
    counted = 0  # tokens of the text passed on so far
    chosen: list[ChosenToken] = []  # tokens of the text that comes next
    complete = False
    last = Chunk()
    kept = _preamble(llama, tokens, limit, request)
    async with aclosing(preamble_cache.complete(llama, body, kept)) as chunks:
        async for chunk in chunks:
            if grammar.error:
                break
            if chunk.prompt_progress is not None:
                done = chunk.prompt_progress
                total = done.total  # images have tokens, too
                complete = complete or done.processed >= total
                yield Progress(total, done.cache, min(done.processed, total) - done.cache)
                continue
            if not complete:
                complete = True
                yield Progress(total, 0, total)
            chosen += chunk.completion_probabilities
            if chunk.content:
                yield Text(
                    chunk.content,
                    chunk.tokens_predicted - counted,
                    await _probabilities(llama, chunk.content, chosen, request.sampling.log_probs),
                )
                chosen = []
                counted = chunk.tokens_predicted
            last = chunk
    if request.grammar is not None and not grammar.error:
        await grammar.settle()
    if grammar.error:
        raise InvalidGrammarError(
            "The grammar of the structured output is invalid", cause=grammar.error
        )
    if not last.stop:
        raise NoResultError
    # With a projector llama.cpp can't shift a full context, so the output ends there.
    at_context_end = at_context_end or limit < 0 or last.tokens_predicted < limit
    yield _finished(last, counted, request.sampling, at_context_end)


async def _probabilities(
    llama: LlamaServer, content: str, chosen: list[ChosenToken], most: int | None
) -> list[TokenProbability]:
    """Return the probabilities of the tokens that begin in a stretch of output.

    Tokens after it belong to a stop string or to the end of the output.
    """
    probabilities: list[TokenProbability] = []
    length = 0
    for token in chosen:
        if length >= len(content):
            break
        top = token.top_logprobs[: most or 0]
        text = token.token
        if len(chosen) > 1:
            # llama.cpp held text back and names all of it as that of the last token.
            known = [other.token for other in token.top_logprobs if other.id == token.id]
            text = known[0] if known else await llama.detokenize([token.id])
        probabilities.append(
            TokenProbability(
                text,
                token.id,
                token.logprob,
                [(other.token, other.logprob) for other in top],
                [other.id for other in top],
            )
        )
        length += len(text)
    return probabilities


def fit_prompt(tokens: list[int], context: int, head: int, policy: str) -> list[int]:
    """Return a prompt, shortened by the policy if it does not fit the context.

    Args:
        tokens: the whole prompt.
        context: the size of the context in tokens.
        head: how many tokens at the start `truncateMiddle` keeps (system prompt and first user
            message); at most half of the context is kept.
        policy: `stopAtLimit`, `truncateMiddle` or `rollingWindow`.

    Raises:
        TooManyTokensError: the prompt doesn't fit and the policy is to stop.
    """
    if len(tokens) < context:
        return tokens
    if policy == "stopAtLimit":
        raise TooManyTokensError(
            f"The prompt of {len(tokens)} tokens does not fit the context of {context} tokens",
            suggestion="Shorten it, load the model with a larger context, or choose another "
            "contextOverflowPolicy",
        )
    room = context - max(1, context // ROOM)
    kept = min(head, context // 2) if policy == "truncateMiddle" else 0
    return tokens[:kept] + tokens[len(tokens) - (room - kept) :]


def _preamble(llama: LlamaServer, tokens: list[int], limit: int, request: Request) -> list[int]:
    """Return the tokens of the preamble, none if keeping them isn't worth it or isn't safe."""
    whole = len(tokens) == len(request.tokens)
    fits = 0 <= limit <= request.context - len(tokens)  # a context that is shifted would lose it
    if whole and fits and llama.keeps_preambles and request.preamble >= preamble_cache.SHORTEST:
        return tokens[: request.preamble]
    return []


def _limit(prompt: int, request: Request) -> tuple[int, bool]:
    """Return the token limit, and whether reaching it means the end of the context."""
    wanted = request.sampling.max_tokens
    room = request.context - prompt
    stop = request.sampling.overflow == "stopAtLimit" and (wanted is None or wanted > room)
    if stop and request.images is None:
        return room, True
    return (-1 if wanted is None else min(wanted, MOST_TOKENS)), False


def _body(tokens: list[int], limit: int, request: Request) -> dict[str, Any]:
    sampling = request.sampling
    body = {
        "prompt": tokens,
        "n_predict": limit,
        # What llama.cpp keeps when it shifts a full context.
        "n_keep": request.head if sampling.overflow == "truncateMiddle" else 0,
        "stop": [*sampling.stop, *sampling.tool_stop],
        "stream": True,
        "ignore_eos": request.ignore_eos,
        "return_tokens": True,
        "return_progress": True,
        "response_fields": RESPONSE_FIELDS,
        **sampling.to_llama(),
    }
    if request.images is not None:
        body["prompt"] = {
            "prompt_string": request.images.text,
            "multimodal_data": [
                base64.b64encode(image).decode() for image in request.images.images
            ],
        }
    if request.grammar is not None:
        body["grammar"] = request.grammar
    elif request.lazy_grammar is not None and request.lazy_grammar.at_once:
        body["grammar"] = request.lazy_grammar.text
    elif request.lazy_grammar is not None:
        trigger = {"type": WORD_TRIGGER, "value": request.lazy_grammar.trigger}
        body["grammar"] = request.lazy_grammar.text
        body["grammar_lazy"] = True
        body["grammar_triggers"] = [trigger]
    return body


def _finished(last: Chunk, counted: int, sampling: Sampling, at_context_end: bool) -> Finished:
    reason, stop_string, predicted = "eosFound", None, last.tokens_predicted
    if last.stop_type == "word":
        tool_stop = last.stopping_word in sampling.tool_stop
        reason = "toolCalls" if tool_stop else "stopStringFound"
        # The tokens of the stop string don't count, as in the app.
        stop_string, predicted = last.stopping_word, counted
    elif last.stop_type == "limit":
        reason = "contextLengthReached" if at_context_end else "maxPredictedTokensReached"
    rate = None
    if last.timings is not None and last.timings.predicted_per_second > 0:
        rate = last.timings.predicted_per_second
    return Finished(
        stop_reason=reason,
        stop_string=stop_string,
        predicted=predicted,
        tokens_per_second=rate,
        drafted=0 if last.timings is None else last.timings.draft_n,
        accepted=0 if last.timings is None else last.timings.draft_n_accepted,
    )

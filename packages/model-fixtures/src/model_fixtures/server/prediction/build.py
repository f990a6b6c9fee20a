"""Prepare a request for text: its settings, prompt and grammar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from model_fixtures.images import ImageError, prepare
from model_fixtures.schema_budget import TOOL_STEPS, Budget, TooLargeError
from model_fixtures.server.engine.generation import Prompt, Request, ToolGrammar
from model_fixtures.server.engine.sampling import Sampling, sampling_from
from model_fixtures.server.grammars.conversion_queue import Conversions
from model_fixtures.server.grammars.structured_output import grammar_for
from model_fixtures.server.grammars.tool_call_grammar import MAX_CALLS, tool_grammar
from model_fixtures.server.handlers.handler_context import Context
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings, Stack
from model_fixtures.server.server_state import ServerState
from model_fixtures.tool_format import CALL_START, Message, definition, in_order, tool_line

from .chat_prompt import Chat, ImageReader, chat_prompt, no_images

TOOLS_KEY = "llm.prediction.tools"
MOST_NAME = 100  # characters of a tool's name that an error repeats
DRAFT_KEY = "llm.prediction.speculativeDecoding.draftModel"


class Prediction(Struct, frozen=True, kw_only=True):
    """A prediction that is ready to run."""

    instance: LoadedInstance
    settings: Settings
    request: Request
    formatted: str  # the prompt text
    tool_names: set[str]
    draft_model: str | None

    @property
    def drafts(self) -> bool:
        """Whether the draft model is used: llama.cpp tells no probabilities of drafted tokens."""
        return self.draft_model is not None and self.request.sampling.log_probs is None


async def request_settings(context: Context, stack: Stack, preset: str | UnsetType) -> Settings:
    """Return the merged settings of a request, a preset below its own layers.

    Raises:
        ServerError: there is no such preset.
    """
    settings = Settings.from_stack(stack)
    if preset is UNSET or not preset:
        return settings
    presets = context.state.presets
    return (await context.state.looking.run(presets.settings, preset)).overlaid(settings)


def image_reader(context: Context, instance: LoadedInstance) -> ImageReader:
    """Return the reader of a client's uploaded images for an instance."""
    if not instance.model.vision:
        return no_images

    def read(identifier: str) -> bytes:
        try:
            data = context.state.files.get(context.client, identifier).read()
            return prepare(data, trim=instance.model.stand_in).png
        except ImageError as error:
            raise ServerError(str(error)) from error

    return read


async def prepare_completion(
    state: ServerState, instance: LoadedInstance, settings: Settings, text: str | list[int]
) -> Prediction:
    """Prepare the continuation of a text, or of its tokens, without a template and tools."""
    llama = instance.llama
    if isinstance(text, str):
        tokens = await llama.tokenize(text, special=True)
    else:
        tokens, text = text, await llama.detokenize(text)
    return await _prediction(
        state.conversions, instance, settings, Prompt(text), tokens, head=0, tools=[]
    )


async def prepare_chat(
    state: ServerState,
    instance: LoadedInstance,
    settings: Settings,
    chat: Chat,
    *,
    most_calls: int = MAX_CALLS,
) -> Prediction:
    """Prepare the answer to a chat, which may call as many tools as is said."""
    tools = await offered_tools(state.conversions, settings)
    sampling = sampling_of(instance, settings)
    trained = instance.model.trained_tool_format
    make = partial(
        chat_prompt,
        instance.llama,
        settings=settings,
        templates=state.templates,
        tools=tools,
        trained=trained,
    )
    prompt = await make(chat)
    if prompt.images and prompt.text.endswith(prompt.marker):
        # llama.cpp ends its process when it has no token to continue from.
        raise ServerError(
            "The prompt ends with an image",
            suggestion="Let the prompt template put text after the last image",
        )
    tokens = await instance.llama.tokenize(prompt.words, special=True)
    head = 0
    if len(tokens) + (sampling.max_tokens or instance.context_length) > instance.context_length:
        first = await make(chat.up_to_first_user())
        begin = await instance.llama.tokenize(first.words, special=True)
        head = common_prefix(tokens, begin)
    preamble = 0
    keeps = instance.llama.keeps_preambles and sampling.reproducible and not prompt.images
    if tools and keeps:
        preamble = await _preamble(instance, make, chat, tokens)
    return await _prediction(
        state.conversions,
        instance,
        settings,
        prompt,
        tokens,
        head=head,
        preamble=preamble,
        tools=tools,
        most_calls=most_calls,
    )


async def _preamble(
    instance: LoadedInstance,
    make: Callable[[Chat], Awaitable[Prompt]],
    chat: Chat,
    tokens: list[int],
) -> int:
    """Return how many tokens come before the user's first words; 0 if that is unknown."""
    first = chat.up_to_first_user().messages
    if not first or first[-1].role != "user":
        return 0
    words = chat.images.without_names(first[-1].text)
    other = Message("user", "!" if words.startswith("?") else "?")
    try:
        varied = await make(Chat([*first[:-1], other], chat.images))
    except ServerError:  # the template refuses so short a chat
        return 0
    return common_prefix(tokens[:-1], await instance.llama.tokenize(varied.words, special=True))


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two prompts have in common from the start."""
    length = 0
    for left, right in zip(first, second):  # noqa: B905 (strict= would refuse other lengths)
        if left != right:
            break
        length += 1
    return length


async def offered_tools(conversions: Conversions, settings: Settings) -> list[dict[str, Any]]:
    """Return the tools that a request offers, none if it forbids calls; see `usable_tools`."""
    setting = Settings(settings.mapping(TOOLS_KEY))
    if setting.text("type", "none") != "toolArray" or _choice(settings) == "none":
        return []
    return await usable_tools(conversions, setting.sequence("tools"))


async def usable_tools(conversions: Conversions, tools: Sequence[Any]) -> list[dict[str, Any]]:
    """Return tool definitions without those that have no name.

    Raises:
        ServerError: the parameters of a tool are no JSON schema, or those of all are too large.
    """
    return await conversions.run(partial(_usable_tools, tools)) if tools else []


def _usable_tools(tools: Sequence[Any]) -> list[dict[str, Any]]:
    usable: list[dict[str, Any]] = []
    budget = Budget(TOOL_STEPS)
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            continue
        whose = f"The parameters of the tool {function['name'][:MOST_NAME]}"
        try:
            tool = in_order(tool)
            tool_line(tool, budget)
            tool_grammar([tool], budget)
        except TooLargeError as error:
            raise ServerError(
                f"{whose} are too large", cause=str(error), suggestion="Offer fewer or smaller ones"
            ) from error
        except RecursionError:
            # Without a cause, whose traceback has a thousand entries.
            raise ServerError(
                f"{whose} nest too deep",
                suggestion="Describe the inner levels less precisely",
            ) from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Such as a list where an object must be.
            raise ServerError(f"{whose} are no JSON schema", cause=str(error)) from error
        usable.append(tool)
    return usable


def _must_call(settings: Settings) -> bool:
    """Return whether the answer must be a call.

    Older clients send `force`, newer ones `toolChoice`.
    """
    force = Settings(settings.mapping(TOOLS_KEY)).boolean("force", False)
    return force or _choice(settings) == "required"


def _choice(settings: Settings) -> str:
    return Settings(settings.mapping("llm.prediction.toolChoice")).text("mode", "auto")


async def _prediction(
    conversions: Conversions,
    instance: LoadedInstance,
    settings: Settings,
    prompt: Prompt,
    tokens: list[int],
    *,
    head: int,
    preamble: int = 0,
    tools: list[dict[str, Any]],
    most_calls: int = MAX_CALLS,
) -> Prediction:
    structured = settings.mapping("llm.prediction.structured")
    grammar = None
    if structured:
        convert = partial(grammar_for, structured, bounded=instance.model.stand_in)
        grammar = await conversions.run(convert)
    sampling = sampling_of(instance, settings)
    if grammar is not None and structured.get("type") == "json":
        sampling = _whole_json(settings, sampling, instance)
    lazy = None
    if tools and grammar is None:
        text = await conversions.run(partial(tool_grammar, tools, most=most_calls))
        lazy = ToolGrammar(text, CALL_START, _must_call(settings))
    request = Request(
        tokens=tokens,
        head=head,
        preamble=preamble,
        context=instance.context_length,
        sampling=sampling,
        grammar=grammar,
        images=prompt if prompt.images else None,
        lazy_grammar=lazy,
    )
    return Prediction(
        instance=instance,
        settings=settings,
        request=request,
        formatted=prompt.text,
        tool_names={definition(tool)[0] for tool in tools},
        draft_model=settings.text(DRAFT_KEY, "") or None,
    )


def sampling_of(instance: LoadedInstance, settings: Settings) -> Sampling:
    """Return the sampling of a request on an instance."""
    seed = instance.settings.checked("llm.load.seed", None)
    load_seed = int(seed) if seed is not None and seed >= 0 else None
    model = instance.model
    return sampling_from(
        settings, load_seed=load_seed, stand_in=model.stand_in, greedy=model.greedy
    )


def _whole_json(settings: Settings, sampling: Sampling, instance: LoadedInstance) -> Sampling:
    """Return a sampling that does not cut a stand-in's JSON off at the default token limit.

    A bounded grammar ends by itself; if a schema admits endless values, the context is the limit.
    """
    asked = settings.checked("llm.prediction.maxPredictedTokens", None)
    if not instance.model.stand_in or asked is not None:
        return sampling
    return msgspec.structs.replace(sampling, max_tokens=None, overflow="stopAtLimit")

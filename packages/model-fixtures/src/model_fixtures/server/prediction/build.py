"""Makes a request for text ready: settings, prompt, grammar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from model_fixtures.images import ImageError, prepare
from model_fixtures.server.engine.context_overflow import common_prefix
from model_fixtures.server.engine.generation import Request, ToolGrammar
from model_fixtures.server.engine.sampling import Sampling, sampling_from
from model_fixtures.server.grammars.conversion_queue import Conversions
from model_fixtures.server.grammars.structured_output import grammar_for
from model_fixtures.server.grammars.tool_call_grammar import tool_grammar
from model_fixtures.server.handlers.handler_context import Context
from model_fixtures.server.handlers.model_endpoints import engine_errors
from model_fixtures.server.models.loaded_instance import Instance
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.kv_config import Settings, Stack
from model_fixtures.server.server_state import ServerState
from model_fixtures.tool_format import CALL_START, definition, in_order, tool_line
from model_fixtures.work_budget import TOOL_STEPS, Budget, TooLargeError

from .chat_history import ImageReader, Turn, no_images
from .chat_prompt import Prompt, chat_prompt

TOOLS_KEY = "llm.prediction.tools"
MOST_NAME = 100  # characters of a name that an error repeats
DRAFT_KEY = "llm.prediction.speculativeDecoding.draftModel"


class Prediction(Struct, frozen=True, kw_only=True):
    """A prediction that is ready to run."""

    instance: Instance
    settings: Settings
    request: Request
    formatted: str  # the prompt text
    tool_names: set[str]
    draft_model: str | None


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


def image_reader(context: Context, instance: Instance) -> ImageReader:
    """Read a client's uploaded images for an instance, ready for llama.cpp."""
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
    state: ServerState, instance: Instance, settings: Settings, text: str
) -> Prediction:
    """Continue a text: no template, no tools."""
    with engine_errors():
        tokens = await instance.llama.tokenize(text, special=True)
    return await _prediction(
        state.conversions, instance, settings, Prompt(text), tokens, head=0, tools=[]
    )


async def prepare_chat(
    state: ServerState, instance: Instance, settings: Settings, turns: list[Turn]
) -> Prediction:
    """Answer a chat."""
    tools = await offered_tools(state.conversions, settings)
    sampling = _sampling(instance, settings)
    trained = instance.model.trained_tool_format
    make = partial(
        chat_prompt,
        instance.llama,
        settings=settings,
        templates=state.templates,
        tools=tools,
        trained=trained,
    )
    with engine_errors():
        prompt = await make(turns)
        tokens = await instance.llama.tokenize(prompt.words, special=True)
        head = 0
        if len(tokens) + (sampling.max_tokens or instance.context_length) > instance.context_length:
            first = await make(_first_turns(turns))
            begin = await instance.llama.tokenize(first.words, special=True)
            head = common_prefix(tokens, begin)
        preamble = 0
        keeps = instance.llama.keeps_preambles and sampling.reproducible and not prompt.images
        if tools and keeps:
            preamble = await _preamble(instance, make, turns, tokens)
    return await _prediction(
        state.conversions,
        instance,
        settings,
        prompt,
        tokens,
        head=head,
        preamble=preamble,
        tools=tools,
    )


async def _preamble(
    instance: Instance, make: Callable[..., Awaitable[Prompt]], turns: list[Turn], tokens: list[int]
) -> int:
    """Return how many tokens come before the user's first words; 0 if that can't be told."""
    first = _first_turns(turns)
    if not first or first[-1].role != "user":
        return 0
    other = Turn("user", ["!" if first[-1].text.startswith("?") else "?"])
    try:
        varied = await make([*first[:-1], other])
    except ServerError:  # a template that wants more of a chat
        return 0
    return common_prefix(tokens[:-1], await instance.llama.tokenize(varied.words, special=True))


async def offered_tools(conversions: Conversions, settings: Settings) -> list[dict[str, Any]]:
    """Return the tool definitions of a request, none if it must not call; see `usable_tools`."""
    setting = Settings(settings.mapping(TOOLS_KEY))
    if setting.text("type", "none") != "toolArray" or _choice(settings) == "none":
        return []
    return await usable_tools(conversions, setting.sequence("tools"))


async def usable_tools(conversions: Conversions, tools: Sequence[Any]) -> list[dict[str, Any]]:
    """Tool definitions without those that have no name.

    Raises:
        ServerError: the parameters of one are no JSON schema, or all are too large.
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
    """Return whether the model may not answer without a call; older and newer clients say it apart."""
    force = Settings(settings.mapping(TOOLS_KEY)).boolean("force", False)
    return force or _choice(settings) == "required"


def _choice(settings: Settings) -> str:
    return Settings(settings.mapping("llm.prediction.toolChoice")).text("mode", "auto")


async def _prediction(
    conversions: Conversions,
    instance: Instance,
    settings: Settings,
    prompt: Prompt,
    tokens: list[int],
    *,
    head: int,
    preamble: int = 0,
    tools: list[dict[str, Any]],
) -> Prediction:
    structured = settings.mapping("llm.prediction.structured")
    grammar = None
    if structured:
        convert = partial(grammar_for, structured, bounded=instance.model.stand_in)
        grammar = await conversions.run(convert)
    sampling = _sampling(instance, settings)
    if grammar is not None and structured.get("type") == "json":
        sampling = _whole_json(settings, sampling, instance)
    lazy = None
    if tools and grammar is None:
        text = await conversions.run(partial(tool_grammar, tools))
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


def _sampling(instance: Instance, settings: Settings) -> Sampling:
    seed = instance.settings.checked("llm.load.seed", None)
    load_seed = int(seed) if seed is not None and seed >= 0 else None
    model = instance.model
    return sampling_from(
        settings, load_seed=load_seed, stand_in=model.stand_in, greedy=model.greedy
    )


def _whole_json(settings: Settings, sampling: Sampling, instance: Instance) -> Sampling:
    """Return a bounded grammar ends by itself; a stand-in's default limit would cut its JSON.

    Should a schema admit values without end, the context is the limit.
    """
    asked = settings.checked("llm.prediction.maxPredictedTokens", None)
    if not instance.model.stand_in or asked is not None:
        return sampling
    return msgspec.structs.replace(sampling, max_tokens=None, overflow="stopAtLimit")


def _first_turns(turns: list[Turn]) -> list[Turn]:
    """Return the system prompt and the first user message: what `truncateMiddle` keeps."""
    kept: list[Turn] = []
    for turn in turns:
        kept.append(turn)
        if turn.role == "user":
            break
    return kept

"""A plugin that does what the text of the user's message asks for."""

import asyncio
from collections.abc import Callable
from typing import Any

from lmstudio.plugin import (
    BaseConfigSchema,
    PromptPreprocessorController,
    ToolsProviderController,
    config_field,
    get_tool_call_context,
    get_tool_call_context_async,
)


class ConfigSchema(BaseConfigSchema):
    """Settings of a chat."""

    ending: str = config_field(label="Ending", hint="Comes last", default="!")
    times: int = config_field(label="Times", hint="How often", default=1)
    factor: float = config_field(label="Factor", hint="Is shown", default=1.5)
    loud: bool = config_field(label="Loud", hint="In capitals", default=False)


class GlobalConfigSchema(BaseConfigSchema):
    """Settings of all chats."""

    greeting: str = config_field(label="Greeting", hint="Comes first", default="Hello,")


async def preprocess_prompt(
    ctl: PromptPreprocessorController[ConfigSchema, GlobalConfigSchema], message: Any
) -> Any:
    """Replace the user's message with one that shows the settings, or do what it asks for."""
    text = message.content[0].text
    if text == "keep":
        return None
    if text == "fail":
        raise LookupError("lost")
    if text == "nonsense":
        return "a text is no message"
    if text == "assistant":
        return {"role": "assistant", "content": [{"type": "text", "text": "I"}]}
    if text == "report":
        status = await ctl.notify_start("starting")
        await status.notify_working("working")
        await status.notify_waiting("waiting")
        await status.notify_error("failed")
        await status.notify_canceled("canceled")
        await status.notify_done("done")
        await ctl.notify_done("all done")
        return None
    if text == "hang":
        status = await ctl.notify_start("hanging")
        async with status.notify_aborted("gave up"):
            await asyncio.Event().wait()
    config = ctl.plugin_config
    words = [ctl.global_config.greeting, *[text] * config.times, str(config.factor)]
    answer = " ".join(words) + config.ending
    if text == "as object":
        message.content[0].text = answer
        return message
    parts = [{"type": "text", "text": answer.upper() if config.loud else answer}]
    return {"role": "user", "content": parts}


def divide(a: float, b: float) -> float:
    """Divide two numbers."""
    context = get_tool_call_context()
    context.notify_status(f"{a} by {b}")
    if b == 0:
        context.notify_warning("that goes wrong")
    return a / b


async def count(words: list[str]) -> dict[str, int]:
    """Count letters."""
    await get_tool_call_context_async().notify_status("counting")
    return {word: len(word) for word in words}


async def confuse() -> str:
    """Ask for the wrong context."""
    get_tool_call_context()
    return "confused"


async def hang() -> None:
    """Never end."""
    await get_tool_call_context_async().notify_status("hanging")
    await asyncio.Event().wait()


async def list_provided_tools(
    ctl: ToolsProviderController[ConfigSchema, GlobalConfigSchema],
) -> list[Callable[..., Any]]:
    """Offer the tools, unless the settings say otherwise."""
    if ctl.plugin_config.ending == "no tools":
        raise LookupError("none today")
    return [divide, count, confuse, hang]

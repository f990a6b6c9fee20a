"""A plugin that does what the test's message asks for."""

import asyncio

from lmstudio.plugin import (
    BaseConfigSchema,
    config_field,
    get_tool_call_context,
    get_tool_call_context_async,
)


class ConfigSchema(BaseConfigSchema):
    """Settings of a chat."""

    ending: str = config_field(label="Ending", hint="Comes last", default="!")
    times: int = config_field(label="Times", hint="How often", default=1)
    factor: float = config_field(label="Factor", hint="Multiplies", default=1.5)
    loud: bool = config_field(label="Loud", hint="In capitals", default=False)


class GlobalConfigSchema(BaseConfigSchema):
    """Settings of all chats."""

    greeting: str = config_field(label="Greeting", hint="Comes first", default="Hello:")


async def preprocess_prompt(ctl, message):
    """Replace the user's message by one that shows the settings; or do what it asks for."""
    text = message.content[0].text
    if text == "keep":
        return None
    if text == "fail":
        raise LookupError("lost")
    if text == "nonsense":
        return "a text is no message"
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
    words = " ".join([ctl.global_config.greeting, *[text] * config.times]) + config.ending
    words += f" {type(config.factor).__name__} {config.factor}"
    parts = [{"type": "text", "text": words.upper() if config.loud else words}]
    return {"role": "user", "content": parts}


def multiply(a: float, b: float) -> float:
    """Multiply two numbers."""
    context = get_tool_call_context()
    context.notify_status(f"{a} times {b}")
    if b == 0:
        context.notify_warning("that is nothing")
    return a * b


async def gather(words: list[str]) -> dict[str, int]:
    """Count letters."""
    await get_tool_call_context_async().notify_status("counting")
    return {word: len(word) for word in words}


def fail() -> None:
    """Fail."""
    raise LookupError("no such thing")


def confuse() -> None:
    """Ask for the wrong context."""
    asyncio.run(_confused())


async def _confused() -> None:
    get_tool_call_context_async()


async def hang() -> None:
    """Never end."""
    await get_tool_call_context_async().notify_status("hanging")
    await asyncio.Event().wait()


async def list_provided_tools(ctl):
    """Offer the tools, unless the settings say otherwise."""
    if ctl.plugin_config.ending == "no tools":
        raise LookupError("none today")
    return [multiply, gather, fail, confuse, hang]

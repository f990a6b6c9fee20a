"""Prompts for the tool-use model, and the tools that it is offered with them.

The prompts are short because a small machine reads only about 300 tokens of prompt a second.
"""

from collections.abc import Callable

from .sample_tools import add

SUM = "What is the sum of 123 and 3210?"
GREETING_THEN_SUM = "Say hi first, then add 5 and 7."
PRODUCT = "What is 12 times 34?"
SUM_AND_PRODUCT = "Add 3 and 4, and multiply 5 by 6."
PHONE = "What is the phone number of Anna?"
NO_TOOL = "What is the capital of France?"


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def lookup(name: str) -> str:
    """Look up the phone number of a person."""
    raise LookupError(f"no entry for {name}")


TOOLS: list[Callable[..., object]] = [add, multiply, lookup]
"""The tools for every prompt: a host that caches the common beginning reads them only once."""

"""Structured output settings that decide what any model has to write."""

from lmstudio.json_api import LlmPredictionConfigDict


def written(text: str, **config: object) -> LlmPredictionConfigDict:
    """Return a prediction config with which the model writes exactly the text.

    It spells it in the likeliest way, and so in few tokens.
    """
    return _with_grammar(f'root ::= "{text}"', {"temperature": 0, **config})


def endless(max_tokens: int, **config: object) -> LlmPredictionConfigDict:
    """Return a prediction config with which the model writes small letters up to a token limit."""
    return _with_grammar("root ::= [a-z]+", {"maxTokens": max_tokens, **config})


def _with_grammar(grammar: str, config: dict[str, object]) -> LlmPredictionConfigDict:
    setting = {"type": "gbnf", "gbnfGrammar": grammar}
    return {"structured": setting, **config}  # type: ignore[typeddict-item]

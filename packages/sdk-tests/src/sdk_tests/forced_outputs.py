"""Prediction configs whose grammar decides what any model writes."""

from lmstudio.json_api import LlmPredictionConfigDict


def written(text: str, **config: object) -> LlmPredictionConfigDict:
    """Return a prediction config that makes the model write exactly the text.

    At temperature 0 the model chooses its likeliest tokens, so the text takes only a few.
    """
    return _with_grammar(f'root ::= "{text}"', {"temperature": 0, **config})


def endless(max_tokens: int, **config: object) -> LlmPredictionConfigDict:
    """Return a prediction config that makes the model write lowercase letters up to a limit."""
    return _with_grammar("root ::= [a-z]+", {"maxTokens": max_tokens, **config})


def _with_grammar(grammar: str, config: dict[str, object]) -> LlmPredictionConfigDict:
    setting = {"type": "gbnf", "gbnfGrammar": grammar}
    return {"structured": setting, **config}  # type: ignore[typeddict-item]

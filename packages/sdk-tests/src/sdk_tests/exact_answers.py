"""Answers that every obedient chat model gives alike, so that a test can expect them."""

from lmstudio.json_api import LlmPredictionConfigDict

GREEDY: LlmPredictionConfigDict = {"temperature": 0, "maxTokens": 40}
"""A prediction config with which a model gives the same short answer each time."""


def bare(answer: str) -> str:
    """Return an answer in small letters, without quotes around it and a full stop at its end.

    In these, models differ that are told to repeat a word.
    """
    return answer.strip().strip("\"'“”*").rstrip(".!").casefold()

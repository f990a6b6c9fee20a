"""Refuse grammars that would crash llama.cpp or occupy it for seconds."""

from __future__ import annotations

import re

from model_fixtures.schema_budget import TooLargeError

MOST_CHARACTERS = 50_000
MOST_CHOICES = 2_000  # llama.cpp tries each with each token that the model knows
MOST_OPTIONS = 50  # in a rule: with 100 optional parts a token can take seconds
MOST_NESTED = 500  # brackets; its parser is recursive, and its stack overflows above 20,000
MOST_RULES = 1_000  # of llguidance's own language, where they may all be inside one another
LLGUIDANCE = "%llguidance"
# Literals, classes and comments, even unterminated ones, and the signs that are counted.
_PIECE = re.compile(
    r'"(?:[^"\\]|\\.)*"?|\[(?:[^\]\\]|\\.)*\]?|#[^\r\n]*|'
    r"\{[ \t]*(?P<least>[0-9]{1,9})[ \t]*,[ \t]*(?P<most>[0-9]{1,9})|::=|[()|?*+{]",
    re.DOTALL,
)


def check_grammar(text: str) -> None:
    """Refuse a grammar that is too large for llama.cpp itself.

    Raises:
        TooLargeError: the text says what the grammar has too much of.
    """
    if len(text) > MOST_CHARACTERS:
        raise TooLargeError(f"it has more than {MOST_CHARACTERS:,} characters")
    if text.startswith(LLGUIDANCE):
        if text.count("\n") > MOST_RULES:
            raise TooLargeError(f"it has more than {MOST_RULES:,} lines")
        return
    choices = nested = options = 0
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece.startswith("["):
            choices += len(piece)
        elif match["most"] is not None:  # each repetition that may be left out
            choices += max(1, int(match["most"]) - int(match["least"]))
        elif piece in {"|", "{"}:
            choices += 1
        elif piece in {"?", "*", "+"}:
            options += 1
        elif piece == "::=":
            options = 0
        elif piece == "(":
            nested += 1
        elif piece == ")":
            nested -= 1
        if choices > MOST_CHOICES:
            raise TooLargeError(
                f"it has more than {MOST_CHOICES:,} alternatives and characters in classes"
            )
        if options > MOST_OPTIONS:
            raise TooLargeError(f"it has more than {MOST_OPTIONS} signs of repetition in one rule")
        if nested > MOST_NESTED:
            raise TooLargeError(f"it has more than {MOST_NESTED:,} brackets inside one another")

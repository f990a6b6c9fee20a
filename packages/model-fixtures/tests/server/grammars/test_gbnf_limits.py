"""Grammars that would crash llama.cpp or occupy it for seconds are refused."""

from __future__ import annotations

import pytest
from model_fixtures.schema_budget import TooLargeError
from model_fixtures.server.grammars.errors import StructureError
from model_fixtures.server.grammars.gbnf_limits import check_grammar
from model_fixtures.server.grammars.structured_output import grammar_for

RECURSION = '\nvalue ::= "(" value ")" | "x"'


@pytest.mark.difference("large-grammars")
@pytest.mark.parametrize(
    ("grammar", "words"),
    [
        ("root ::= value " + "(" * 20_000 + '"a"' + ")" * 20_000, "brackets"),
        ("root ::= value | " + " | ".join(f'"{n}"' for n in range(4000)), "alternatives"),
        ("root ::= value [" + "ab" * 5000 + "]", "characters in classes"),
        ("root ::= value " + '"a"? ' * 60, "signs of repetition"),
        ("root ::= value " + '"a"{0,200} ' * 50, "alternatives"),
        ('root ::= value "' + "ab" * 50_000 + '"', "characters"),
        ("%llguidance {}\n" + "\n".join(f"r{n}: r{n + 1}" for n in range(2000)), "lines"),
    ],
)
def test_refused(grammar: str, words: str) -> None:
    """A grammar that is too large is an error that says in which way."""
    with pytest.raises(StructureError, match="too large") as caught:
        grammar_for({"type": "gbnf", "gbnfGrammar": grammar + RECURSION}, bounded=True)
    assert words in (caught.value.cause or "")


@pytest.mark.parametrize(
    "grammar",
    [
        'root ::= "' + "(|[" * 5000 + r"\"" + '"',
        "root ::= value # " + "(|" * 10_000,
        "root ::= " + "(value)" * 2000,
        "root ::= " + "(" * 400 + "value" + ")" * 400,
        r"root ::= value [\]((((|||]",
        "root ::= value" + "{ 200 , 200 }" * 1000,
        "root ::= value" + "".join(f'\nr{n} ::= "a"? [b]* "?*+"' for n in range(400)),
    ],
)
def test_passed(grammar: str) -> None:
    """Brackets and bars in literals, classes and comments are fine, as are brackets in a row."""
    check_grammar(grammar + RECURSION)


def test_literal_without_an_end_takes_no_time() -> None:
    """Text that looks like the start of many literals is scanned only once."""
    check_grammar('root ::= "' + r"\"" * 20_000)
    with pytest.raises(TooLargeError):
        check_grammar("root ::= [" + r"\]" * 20_000)


@pytest.mark.difference("grammars")
def test_many_alternatives_go_to_llguidance() -> None:
    """Thousands of words, which would occupy llama.cpp, become one expression."""
    words = "root ::= " + " | ".join(f'"word {number}"' for number in range(5000))
    grammar = grammar_for({"type": "gbnf", "gbnfGrammar": words}, bounded=True)
    assert (grammar or "").startswith("%llguidance")

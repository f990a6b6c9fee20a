"""GBNF grammars become regular expressions for the same texts, or are left to llama.cpp."""

from __future__ import annotations

import re

import pytest
from model_fixtures.server.grammars.gbnf_to_regex import MOST_CHARACTERS, llguidance_grammar

HEAD = "%llguidance {}\nstart: /"


def accepts(grammar: str, text: str) -> bool:
    """Return whether the translated grammar admits exactly this text."""
    translated = llguidance_grammar(grammar)
    assert translated is not None
    assert translated.startswith(HEAD)
    assert translated.endswith("/")
    expression = translated[len(HEAD) : -1]
    assert "/" not in expression  # it would end there

    # The only notation that Python's expressions lack.
    def character(match: re.Match[str]) -> str:
        return f"\\U{int(match[1], 16):08x}"

    return bool(re.fullmatch(re.sub(r"\\x\{([0-9A-F]+)\}", character, expression), text))


@pytest.mark.difference("gbnf-expressions")
@pytest.mark.parametrize(
    ("grammar", "good", "bad"),
    [
        ('root ::= "as told"', ["as told"], ["as", "as told "]),
        ('root ::= ""', [""], ["a"]),
        ('root ::= "a" | "bc" | ', ["a", "bc", ""], ["abc", "ac", "b"]),
        ('root ::= ("a" | "ab") ("c" | "bc")', ["ac", "abc", "abbc"], ["a", "ab"]),
        ('root ::= "ab"+ "c"? "d"*', ["ab", "ababcdd"], ["abb", "c", "abcc"]),
        ('root ::= "a"{2} [b]{1,} "c"{0,1}', ["aab", "aabbbc"], ["ab", "aa", "aabcc"]),
        ('root ::= "a"{ 1 , 2 }', ["a", "aa"], ["", "aaa"]),
        ('root ::= "a"{2}{3}', ["aaaaaa"], ["aaaa", "aa"]),
        ('root ::= "a"+?', ["", "a", "aa"], ["b"]),
        ('root ::= ("a"? | "b"*){2} (a "c")*\na ::= "a" | ', ["", "abb", "cac", "bb"], ["abab"]),
        ("root ::= [a-cx_-] [^a-c]", ["bd", "x\n", "--", "_é"], ["da", "aa"]),
        (r'root ::= [\]\[\\"] "\"\\\t\n\r\[\]"', [']"\\\t\n\r[]'], ['a"\\\t\n\r[]']),
        (r'root ::= [^^] [$.*+?(){}|/]+ "$.*+?(){}|/^-"', ["./$.*+?(){}|/^-"], ["^/"]),
        (r'root ::= "\x41\u00e9\U0001F600" [\u3041-\u3093]', ["Aé😀ん"], ["Aé😀n"]),
        ('root ::= . .{2} "é日"', ["a\nbé日", "日本語é日"], ["abé日"]),
        ("root ::= two two\ntwo ::= one one\none ::= [01]", ["0110"], ["011", "01101"]),
        ("root ::= day-1\r\nday-1 ::= [0-3] | [x]\r\n", ["2", "x"], ["4"]),
        ('# all\nroot ::= # here\n  "a" # and\n\n', ["a"], ["b"]),
        ('root ::= "a" |\n  "b" (\n "c"\n | "d"\n)', ["a", "bc", "bd"], ["b", "ad"]),
        ('root ::= "a#b" "(" [#)]', ["a#b(#", "a#b()"], ["a"]),
        ('other ::= "x"\nroot ::= "a"', ["a"], ["x"]),
    ],
)
def test_same_texts(grammar: str, good: list[str], bad: list[str]) -> None:
    """The expression admits exactly what the grammar admits."""
    assert [text for text in good if not accepts(grammar, text)] == []
    assert [text for text in bad if accepts(grammar, text)] == []


@pytest.mark.difference("gbnf-left-alone")
@pytest.mark.parametrize(
    "grammar",
    [
        "root ::= [a-z] root",
        'root ::= a\na ::= "x" b?\nb ::= a',
        'root ::= "a"\nloop ::= loop "b"',
        '"a"',
        'start ::= "a"',
        'root ::= "a"\nroot ::= "b"',
        "root ::= missing",
        'root ::= "a"\nother ::= missing',
        "root = oops",
        "root ::= (",
        'root ::= ("a"',
        'root ::= "a")',
        'root ::= "a',
        "root ::= [a",
        "root ::= []",
        "root ::= [z-a]",
        "root ::= *",
        'root ::= "a"{2,1}',
        'root ::= "a"{1,1000}',
        'root ::= "a"{x}',
        'root ::= "a" other ::= "b"',
        r'root ::= "\q"',
        r'root ::= "\x4"',
        r'root ::= "\UFFFFFFFF"',
        r'root ::= "\uD800"',
        r'root ::= "\x00"',
        'root ::= ""*',
        'root ::= ""{2}',
        'root ::= ("a" | )*',
        'root ::= ("a"?)+',
        'root ::= (a b){2,}\na ::= "x"*\nb ::= "y" | c\nc ::= ""',
        "root ::= <think>",
        'root ::= !"a"',
        'root ::= "a"\0',
        'root ::= "a\0"',
        'under_score ::= "a"',
        "",
    ],
)
def test_left_to_llama(grammar: str) -> None:
    """Grammars with recursion, tokens, mistakes or unknown syntax stay as they are."""
    assert llguidance_grammar(grammar) is None


def test_grammar_that_grows() -> None:
    """Rules that double one another are abandoned before they fill the memory."""
    rules = [f"r{index} ::= r{index + 1} r{index + 1}" for index in range(60)]
    assert llguidance_grammar("\n".join(["root ::= r0", *rules, 'r60 ::= "a"'])) is None


def test_deep_grammar() -> None:
    """Groups that nest too deep for Python are left to llama.cpp."""
    depth = 1900
    assert llguidance_grammar("root ::= " + "(" * depth + '"a"' + ")" * depth) is None


def test_long_grammar() -> None:
    """A long list of words is translated up to the limit."""
    words = [f'"-{index:03d}"' for index in range(MOST_CHARACTERS // 9)]
    assert llguidance_grammar("root ::= " + "|".join(words[:200])) is not None
    assert llguidance_grammar("root ::= " + "|".join(words)) is None  # as an expression
    assert llguidance_grammar('root ::= "a" #' + "-" * MOST_CHARACTERS) is None


def test_signs_after_signs() -> None:
    """Thousands of signs in a row, which would copy a part too often, are left to llama.cpp."""
    assert llguidance_grammar('root ::= "a"' + "?" * 6000) is None
    assert llguidance_grammar('root ::= "a"' + "?" * 50) is not None

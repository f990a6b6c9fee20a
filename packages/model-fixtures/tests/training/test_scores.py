"""Counts, intervals, bars and the rows of the model cards."""

from __future__ import annotations

import pytest
from training.chat.evaluation_cases import KINDS
from training.evaluation_report import card_rows, figures_line
from training.quality_bars import BARS, LIMITS, BarResult, check_bars
from training.scores import Score, interval


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(597, 600, 0.985, 0.998), (178, 200, 0.839, 0.926), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0)],
)
def test_interval_is_wilsons(right: int, total: int, low: float, high: float) -> None:
    """The interval is the 95 % Wilson interval, and its ends are between 0 and 1."""
    assert interval(right, total) == pytest.approx((low, high), abs=0.0005)


def test_no_answers_have_the_widest_interval() -> None:
    """Without answers the share is 0 and the interval is from 0 to 1."""
    assert (Score().share, interval(0, 0)) == (0.0, (0.0, 1.0))


def test_score_keeps_failures_only() -> None:
    """The descriptions of wrong answers are kept; right answers are only counted."""
    score = Score()
    score.add(True, {"said": "fine"})
    score.add(False, {"said": "wrong"})
    assert (score.right, score.total, score.failures) == (1, 2, [{"said": "wrong"}])


def test_sum_of_scores_is_one_set() -> None:
    """Two sets added count together and keep the failures of both."""
    score = Score(1, 2, [{"n": 1}]) + Score(3, 3) + Score(0, 1, [{"n": 2}])
    assert score == Score(4, 6, [{"n": 1}, {"n": 2}])


def test_share_equal_to_the_bar_meets_it() -> None:
    """A share equal to the bar meets it; one right answer less misses it."""
    rows = check_bars({"single": Score(190, 200), "copy": Score(183, 200)}, {})
    assert [(row.bar, row.met) for row in rows] == [("95%", True), ("92%", False)]


def test_upper_limits_exclude_the_limit_and_lower_ones_include_it() -> None:
    """Time and memory must stay below their limits, speed must reach its own."""
    figures = {"answer": 0.3, "vision memory": 349.0, "speed": 0.85, "tools load": None}
    assert check_bars({}, figures) == [
        BarResult("answer about an image, median, one thread", "< 0.3 s", "0.30 s", False),
        BarResult("memory of the vision model's process", "< 350 MB", "349 MB", True),
        BarResult("decode speed against the plain model's", ">= 0.85", "0.85", True),
        BarResult("load of the tool-use model, median", "< 1 s", "not measured", None),
    ]


def test_all_bars_are_there() -> None:
    """No bar is dropped or lowered: eleven shares and six figures, and for chat four and two."""
    assert sorted(bar.least for bar in BARS if bar.group != "chat") == sorted(
        [0.97, 0.90, 0.88, 0.80, 0.95, 0.93, 0.93, 0.95, 0.90, 0.85, 0.92]
    )
    assert {bar.key: bar.least for bar in BARS if bar.group == "chat"} == {
        "repeat": 0.97,
        "recall": 0.95,
        "form": 0.93,
        "greeting": 0.97,
    }
    assert [(limit.key, limit.limit) for limit in LIMITS] == [
        ("answer", 0.3),
        ("vision load", 1.0),
        ("vision memory", 350),
        ("speed", 0.85),
        ("tools load", 1.0),
        ("tools memory", 350),
        ("perplexity", 1.15),
        ("chat speed", 0.95),
    ]


def test_keys_of_bars_and_limits_are_unique() -> None:
    """No measurement counts for two bars, and each kind of the chat evaluation has a bar."""
    keys = [*(bar.key for bar in BARS), *(limit.key for limit in LIMITS)]
    assert len(set(keys)) == len(keys)
    assert tuple(bar.key for bar in BARS if bar.group == "chat") == KINDS


def test_chat_bars_miss_nothing_while_they_are_not_measured() -> None:
    """Measurements of all other bars are enough: chat gets no row, so it can't fail."""
    scores = {bar.key: Score(100, 100) for bar in BARS if bar.group != "chat"}
    figures = {limit.key: 0.0 if limit.most else 1.0 for limit in LIMITS if limit.group != "chat"}
    rows = check_bars(scores, figures)
    assert len(rows) == 17
    assert all(row.met for row in rows)


def test_measured_chat_bars_count() -> None:
    """A chat score below its bar is a missed bar, as are much perplexity and little speed."""
    rows = check_bars({"repeat": Score(96, 100)}, {"perplexity": 1.2, "chat speed": 0.9})
    assert [row.met for row in rows] == [False, False, False]
    assert card_rows("chat", {"repeat": Score(96, 100)}) == [
        "| phrases, words and messages repeated exactly | 97 % | 96/100 = 96.0 % (90.2 to 98.4) |"
    ]


def test_vision_rows_have_both_counts() -> None:
    """A row of the vision card has the score of answers, and of images asked about twice."""
    scores = {"colour": Score(597, 600), "shape": Score(178, 200), "single": Score(1, 1)}
    images = {"colour": Score(298, 300), "shape": Score(178, 200)}
    assert card_rows("vision", scores, images) == [
        (
            "| colour, 300 images in both orders, sides 64 to 1600 px, wide, tall, transparent "
            "| 97 % | 597/600 = 99.5 % (98.5 to 99.8) | 298/300 = 99.3 % (97.6 to 99.8) |"
        ),
        "| shape of 8, 200 images, orders in turn | 88 % | 178/200 = 89.0 % (83.9 to 92.6) | |",
    ]


def test_tool_rows_have_bar_and_score() -> None:
    """A row of the tools card has the description of the bar, the bar and the score."""
    assert card_rows("tools", {"say": Score(93, 100), "colour": Score(1, 1)}) == [
        "| say something first, then call, in one message | 93 % | 93/100 = 93.0 % (86.3 to 96.6) |"
    ]


def test_figures_of_a_card_are_its_own() -> None:
    """Each card gets the figures of its own model only."""
    rows = check_bars({}, {"answer": 0.21, "tools load": 0.5, "speed": 0.91})
    assert figures_line("vision", rows) == "answer about an image, median, one thread: 0.21 s"
    assert figures_line("tools", rows) == (
        "decode speed against the plain model's: 0.91; load of the tool-use model, median: 0.50 s"
    )

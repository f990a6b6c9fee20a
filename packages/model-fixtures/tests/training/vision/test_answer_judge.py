"""The judge of answers about images, with scripted models."""

from __future__ import annotations

import pytest
from training.vision import answer_judge
from training.vision.evaluation_sets import ImageCase


@pytest.mark.parametrize(
    ("name", "truth", "answer", "right"),
    [
        ("colour", "purple", "It is a purple star.", True),
        ("colour", "purple", "A star in Purple!", True),
        ("colour", "gray", "It is grey.", True),
        ("colour", "purple", "It is a red star on purple ground.", False),
        ("colour", "purple", "It is a star.", False),
        ("colour", "red", "The figure is hundred.", False),
        ("shape", "star", "It is a purple star.", True),
        ("shape", "star", "It is a purple figure.", False),
        ("empty", "", "I see no figure.", True),
        ("empty", "", "It is a white circle.", False),
    ],
)
def test_first_word_decides(name: str, truth: str, answer: str, right: bool) -> None:
    """The first colour or shape named must be the right one; without a figure none may be."""
    assert answer_judge.judge_answer(name, truth, answer)[0] is right


def test_image_is_right_only_in_both_orders() -> None:
    """Each order counts as an answer; an image counts once, if all its answers are right."""

    def look(case: ImageCase) -> str:
        return "red" if case.image_first or case.data == b"one" else "blue"

    chosen = [
        ImageCase(data, "?", "red", first) for data in (b"one", b"two") for first in (True, False)
    ]
    found = answer_judge.score(look, "colour", chosen)
    assert (found.answers.right, found.answers.total) == (3, 4)
    assert (found.images.right, found.images.total) == (1, 2)
    assert found.answers.failures == [
        {
            "set": "colour",
            "truth": "red",
            "answer": "blue",
            "question": "?",
            "image_first": False,
            "note": "",
        }
    ]


def test_count_says_images_of_each_set() -> None:
    """A count stands for the images of every set; two sets ask about each in both orders."""
    sizes = {name: len(chosen) for name, chosen in answer_judge.final(3, "other").items()}
    assert sizes == {"colour": 6, "parts": 6, "shape": 3, "empty": 3}


def test_validation_shares_no_image_with_the_bars() -> None:
    """Checkpoints are chosen on other images than those that the bars are measured on."""
    chosen = {case.data for cases in answer_judge.validation().values() for case in cases}
    final = {case.data for cases in answer_judge.final(11).values() for case in cases}
    assert not chosen & final

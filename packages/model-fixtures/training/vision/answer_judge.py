"""Judge answers about images, wherever the answers come from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from training.scores import Score
from training.vision import evaluation_sets as sets
from training.vision.evaluation_figures import KINDS
from training.vision.labels import COLOURS, SHAPES

Answerer = Callable[[sets.ImageCase], str]  # returns the answer to a case's question
SIZES = {"colour": 300, "parts": 300, "shape": 200, "empty": 100}  # images in the sets of the bars
_SMALL = {"colour": 66, "parts": 66, "shape": 80, "empty": 32}
_COLOUR_WORD = re.compile(rf"\b({'|'.join(COLOURS)}|grey)\b", re.IGNORECASE)
_SHAPE_WORD = re.compile(rf"\b({'|'.join(SHAPES)})\b", re.IGNORECASE)


@dataclass
class ImageScores:
    """The scores of a set.

    ``answers`` counts answers, ``images`` counts images that were right in every order asked, and
    ``notes`` counts answers by the kind of image.
    """

    answers: Score = field(default_factory=Score)
    images: Score = field(default_factory=Score)
    notes: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))


def judge_answer(name: str, truth: str, answer: str) -> tuple[bool, str]:
    """Return whether an answer in the set ``name`` is right, and the word that decided it.

    That word is the first colour in the answer, or in the set "shape" the first shape. For images
    without a figure ``truth`` is "", so that any colour is wrong.
    """
    found = (_SHAPE_WORD if name == "shape" else _COLOUR_WORD).search(answer)
    word = found.group(1).lower().replace("grey", "gray") if found else ""
    return word == truth, word


def validation() -> dict[str, list[sets.ImageCase]]:
    """Return small sets by name, to choose checkpoints.

    Their seeds are not those of the bars, and they have only half of the figures.
    """
    seed, kinds = "validation-1", tuple(KINDS)[::2]
    return {
        "colour": list(sets.colours(_SMALL["colour"], seed)),
        "parts": list(sets.parts(_SMALL["parts"], seed, kinds)),
        "shape": list(sets.shapes(_SMALL["shape"], seed)),
        "empty": list(sets.empty(_SMALL["empty"], seed)),
    }


def final(count: int | None = None, seed: str = "test-1") -> dict[str, list[sets.ImageCase]]:
    """Return the sets of the bars by name, with ``count`` images each if given, else ``SIZES``."""
    sizes = dict.fromkeys(SIZES, count) if count is not None else SIZES
    return {
        "colour": list(sets.colours(sizes["colour"] or 0, seed)),
        "parts": list(sets.parts(sizes["parts"] or 0, seed)),
        "shape": list(sets.shapes(sizes["shape"] or 0, seed)),
        "empty": list(sets.empty(sizes["empty"] or 0, seed)),
    }


def score(answerer: Answerer, name: str, chosen: Iterable[sets.ImageCase]) -> ImageScores:
    """Ask all questions of the set ``name``, and return the scores."""
    found = ImageScores()
    images: dict[bytes, bool] = {}
    for case in chosen:
        answer = answerer(case)
        good, _ = judge_answer(name, case.truth, answer)
        failure = {
            "set": name,
            "truth": case.truth,
            "answer": answer[:80],
            "question": case.question,
            "image_first": case.image_first,
            "note": case.note,
        }
        found.answers.add(good, failure)
        found.notes[case.note].add(good, failure)
        images[case.data] = images.get(case.data, True) and good
    for good in images.values():
        found.images.add(good, {})
    return found

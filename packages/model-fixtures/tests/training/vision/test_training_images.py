"""The generators of vision training and evaluation: labels must be true of the pixels."""

# ruff: noqa: S311 - seeded random numbers, no secrets

import io
from collections import Counter
from random import Random

import pytest
from model_fixtures.images import decode, flattened, squared
from PIL import Image, ImageColor
from training.vision import evaluation_sets
from training.vision.evaluation_figures import KINDS, WEB, Canvas, evaluation_shade
from training.vision.labels import COLOURS, FIGURE, MIXED, NONE, SHAPE_NAMES, SHAPES, Label
from training.vision.palette import distance, name_of, shade
from training.vision.questions import NO_FIGURE, ask
from training.vision.training_images import sample

COUNT = 2000


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Image.Image, Label]]:
    """Provide many small training images with their labels."""
    rng = Random(5)
    pairs = []
    for _ in range(COUNT):
        image, label = sample(rng, (rng.randint(48, 96), rng.randint(48, 96)))
        pairs.append((squared(flattened(image)), label))
    return pairs


def count_near(image: Image.Image, colour: str) -> int:
    """Count pixels whose colour is called `colour`."""
    counts = image.getcolors(image.width * image.height)
    assert counts is not None
    total = 0
    for number, pixel in counts:
        assert isinstance(pixel, tuple)
        total += number * (name_of((pixel[0], pixel[1], pixel[2])) == colour)
    return total


def test_every_label_occurs_often(drawn: list[tuple[Image.Image, Label]]) -> None:
    """Colours, shapes and backgrounds must all be frequent enough to be learnt."""
    labels = [label for _, label in drawn]
    colours = Counter(label.colour for label in labels)
    shapes = Counter(label.shape for label in labels)
    backgrounds = Counter(label.background for label in labels)
    assert set(colours) == {*COLOURS, NONE}
    assert set(shapes) == {*SHAPE_NAMES, NONE}
    assert set(backgrounds) == {*COLOURS, MIXED}
    assert min(colours.values()) > COUNT * 0.04
    assert min(shapes.values()) > COUNT * 0.04
    assert min(backgrounds.values()) > COUNT * 0.02
    assert COUNT * 0.05 < sum(label.several for label in labels) < COUNT * 0.3


def test_named_colours_are_in_the_picture(drawn: list[tuple[Image.Image, Label]]) -> None:
    """Nearly every figure must show its colour; noise and gradients may hide a few."""
    figures = [(image, label) for image, label in drawn if label.colour != NONE]
    shown = sum(count_near(image, label.colour) >= 12 for image, label in figures)
    assert shown / len(figures) > 0.93


def test_plain_images_have_no_figure(drawn: list[tuple[Image.Image, Label]]) -> None:
    """An image labelled as empty on a named background must hardly hold any other colour."""
    plain = [
        (image, label)
        for image, label in drawn
        if label.colour == NONE and label.background != MIXED
    ]
    assert len(plain) > COUNT * 0.05
    for image, label in plain:
        others = sum(
            count_near(image, colour)
            for colour in COLOURS
            if colour not in (label.background, "gray")
        )
        assert others <= image.width * image.height * 0.4, label


def test_the_same_seed_draws_the_same_picture() -> None:
    """The same seed must draw identical pixels and labels."""
    one, two = (sample(Random("seed-7")) for _ in range(2))
    assert one[0].tobytes() == two[0].tobytes()
    assert one[1] == two[1]


@pytest.mark.parametrize("name", COLOURS)
def test_shades_carry_one_name(name: str) -> None:
    """A shade drawn for a colour must be called by that colour and no other."""
    rng = Random(3)
    for _ in range(300):
        assert name_of(shade(name, rng)) == name


@pytest.mark.parametrize("name", COLOURS)
def test_evaluation_shades_are_not_those_of_another_colour(name: str) -> None:
    """Web colours in the evaluation may lie between names but never under another name."""
    rng = Random(4)
    assert {name_of(evaluation_shade(name, rng)) for _ in range(200)} <= {name, None}


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_figures_are_mostly_of_their_colour(kind: str) -> None:
    """More than half of what the evaluation draws for a figure must have its main colour."""
    main, accent, ground = (200, 30, 30), (30, 60, 200), (255, 255, 254)
    for seed in range(5):
        image = Image.new("RGB", (100, 100), ground)
        KINDS[kind](Canvas(image, 0, 0, 100), main, accent, Random(seed))
        counts = {pixel: number for number, pixel in image.getcolors() or []}
        assert counts[main] > 0.5 * (10_000 - counts[ground])


def test_evaluation_cases_are_balanced_and_decodable() -> None:
    """Every colour and shape must be asked about equally often; all files must decode."""
    colours = list(evaluation_sets.colours(22, "t"))
    assert Counter(case.truth for case in colours) == dict.fromkeys(COLOURS, 4)
    assert Counter(case.image_first for case in colours) == {True: 22, False: 22}
    shapes = list(evaluation_sets.shapes(16, "t"))
    assert Counter(case.truth for case in shapes) == dict.fromkeys(SHAPES, 2)
    for case in (
        *colours,
        *shapes,
        *evaluation_sets.parts(11, "t"),
        *evaluation_sets.empty(8, "t"),
    ):
        assert 48 <= max(decode(case.data).size) <= 1600


def test_evaluation_asks_other_questions_than_training() -> None:
    """None of the evaluation's questions may be among those that training asks."""
    rng = Random(6)
    label = Label("red", "star", "white")
    asked = {ask(label, rng).question.strip() for _ in range(5000)}
    ours = {*evaluation_sets.COLOUR_QUESTIONS, *evaluation_sets.SHAPE_QUESTIONS}
    assert len(asked) > 1000
    assert not asked & ours


def test_answers_tell_the_truth() -> None:
    """Answers must hold the label's words, and no colour of a figure when there is none."""
    rng = Random(8)
    for _ in range(2000):
        label = Label(rng.choice(COLOURS), rng.choice(SHAPES), MIXED)
        answer = ask(label, rng).answer.lower()
        assert label.colour in answer or label.shape in answer or "mixed" in answer
        nothing = ask(Label(NONE, NONE, "white"), rng).answer
        assert nothing.endswith(NO_FIGURE) or nothing in ("None.", "The background is white.")


def test_captions_name_figure_and_background() -> None:
    """The caption must be one plain sentence, with the right article."""
    assert Label("orange", FIGURE, "white").caption == (
        "The image shows an orange figure on a white background."
    )
    assert Label("red", "star", "orange", several=True).caption == (
        "The image shows a red star and other figures on an orange background."
    )
    assert Label(NONE, NONE, MIXED).caption == "The image shows no figure on a mixed background."


def test_web_colours_stand_apart() -> None:
    """Shades of two colours must never look the same, or an answer couldn't be right."""
    shades = [(name, ImageColor.getrgb(web)[:3]) for name, webs in WEB.items() for web in webs]
    for index, (name, one) in enumerate(shades):
        for other, two in shades[index + 1 :]:
            near = distance((one[0], one[1], one[2]), (two[0], two[1], two[2])) < 40
            assert name == other or not near, (name, one, other, two)


def test_files_are_of_all_four_formats() -> None:
    """The evaluation's files must cover PNG, JPEG, WebP and GIF."""
    kinds = set()
    for case in evaluation_sets.colours(66, "formats"):
        with Image.open(io.BytesIO(case.data)) as image:
            kinds.add(image.format)
    assert kinds == {"PNG", "JPEG", "WEBP", "GIF"}

"""Questions about an image, and the answers that the model learns.

The evaluation words its questions differently, see `evaluation_sets`.
"""

from dataclasses import dataclass
from random import Random

from training.vision.labels import COLOURS, FIGURE, MIXED, NONE, SHAPES, Label

NO_FIGURE = "There is no figure in the image."

_THINGS = (
    "figure", "figure", "main figure", "shape", "object", "main object", "creature", "animal",
    "cartoon", "character", "drawing", "item", "big figure", "largest figure", "form",
    "monster", "face",
)  # fmt: skip
_PLACES = (
    "", "", "", " in the image", " in this image", " in the picture", " in this picture", " here",
    " shown", " that you see", " in the drawing",
)  # fmt: skip
_COLOUR = (
    "What {colour} is the {thing}{place}?",
    "What {colour} is the {thing}{place}?",
    "Which {colour} is the {thing}{place}?",
    "What is the {colour} of the {thing}{place}?",
    "What {colour} does the {thing}{place} have?",
    "Which {colour} does the {thing} have?",
    "Name the {colour} of the {thing}{place}.",
    "Tell me the {colour} of the {thing}{place}.",
    "Please say what {colour} the {thing}{place} is.",
    "The {colour} of the {thing}{place}?",
    "What {colour} is it?",
    "Look at the image. What {colour} is the {thing}?",
    "Can you see what {colour} the {thing} is?",
    "Say the {colour} of the {thing}.",
    "what {colour} is this {thing}",
    "I need to know the {colour} of the {thing}{place}.",
    "What's the {thing}'s {colour}?",
    "Which {colour} was used for the {thing}{place}?",
    "Could you tell me what {colour} the {thing} has?",
    "Someone drew a {thing}. What {colour} is it?",
    "How would you describe the {colour} of the {thing}?",
)
_ONE_WORD = (
    "What {colour} is the {thing}{place}? Answer with one word.",
    "Which {colour} is the {thing}? One word only.",
    "Answer in a single word: what {colour} is the {thing}{place}?",
    "{colour} of the {thing}, one word:",
    "Reply with only the {colour} of the {thing}.",
)
_SHAPE = (
    "What shape is the {thing}{place}?",
    "What shape is it?",
    "Which shape does the {thing}{place} have?",
    "What is the shape of the {thing}{place}?",
    "Name the shape{place}.",
    "Which shape do you see?",
    "Tell me the shape of the {thing}.",
    "What kind of shape is this?",
    "Look at the image. Which shape is it?",
    "Identify the shape of the {thing}{place}.",
    "What form does the {thing}{place} have?",
    "Could you tell me what shape the {thing} has?",
    "Someone drew a shape. Which one?",
    "How would you call this shape?",
    "Is the {thing} a circle, a star or something else?",
    "I need to know the shape of the {thing}{place}.",
)
_DESCRIBE = (
    "Describe the image.", "Describe this picture.", "What is in the image?", "What do you see?",
    "What is in this picture?", "What does the image show?", "Describe what you see.",
    "What can you see in the picture?", "Tell me about this image.", "Give a short description.",
    "Describe the image in one sentence.", "What is this?", "What is shown here?",
    "Please describe this image for me.", "Write a caption for the picture.",
)  # fmt: skip
_BACKGROUND = (
    "What {colour} is the background?",
    "Which {colour} does the background have?",
    "What is the {colour} of the background{place}?",
    "What {colour} is behind the {thing}?",
    "Name the background {colour}.",
)
_IS_IT = (
    "Is the {thing} {word}?",
    "Is the {thing}{place} {word}?",
    "Do you see a {word} {thing}?",
    "Is it {word}?",
)
_ANY = (
    "Is there a figure in the image?",
    "Do you see a figure?",
    "Does the image show anything?",
    "Is there anything in the picture?",
)
_GREETINGS = (
    ("Hello!", "Hello! How can I help you?"),
    ("I will show you a picture.", "Please go ahead."),
    ("Hi, can you look at pictures?", "Yes, I can. Show me one."),
    ("What is 2 + 2?", "2 + 2 is 4."),
    ("Thanks for your help so far.", "You are welcome."),
)
SYSTEMS = (
    None,
    "You are a helpful assistant.",
    "You describe images.",
    "Answer shortly and correctly. Look at the image that the user sends.",
)


@dataclass(frozen=True)
class QuestionAndAnswer:
    """A question about an image, its answer, and the chat before it.

    `greeting` is an earlier exchange without an image. `earlier` is an earlier question about the
    same image, and its answer.
    """

    question: str
    answer: str
    image_first: bool
    greeting: tuple[str, str] | None = None
    earlier: tuple[str, str] | None = None


def ask(label: Label, rng: Random, long: bool = False) -> QuestionAndAnswer:
    """Return a random question about an image, and its answer; if `long`, after an earlier turn."""
    question, answer = _pair(label, rng)
    gap = rng.choice(("", "", "", "\n", " "))
    image_first = rng.random() < 0.5
    greeting = earlier = None
    if long and rng.random() < 0.4:
        greeting = rng.choice(_GREETINGS)
    elif long:
        first, first_answer = _pair(label, rng)
        earlier = (gap + first if image_first else first + gap, first_answer)
        return QuestionAndAnswer(question, answer, image_first, None, earlier)
    return QuestionAndAnswer(
        gap + question if image_first else question + gap, answer, image_first, greeting
    )


def _pair(label: Label, rng: Random) -> tuple[str, str]:
    kind = rng.random()
    if kind < 0.06:
        return _fill(rng.choice(_BACKGROUND), rng), _background_answer(label)
    if kind < 0.1:
        answer = f"Yes, there is {label.named}." if label.colour != NONE else f"No. {NO_FIGURE}"
        return rng.choice(_ANY), answer
    if kind < 0.23:
        return rng.choice(_DESCRIBE), _description(label)
    if kind < 0.28:
        return _yes_or_no(label, rng)
    if kind < 0.35:
        question = _fill(rng.choice(_ONE_WORD), rng)
        return question, f"{label.colour.capitalize()}." if label.colour != NONE else "None."
    question = _fill(rng.choice(_SHAPE if kind < 0.62 else _COLOUR), rng)
    # The answer names both colour and shape, so that it is right for new wordings too.
    return question, NO_FIGURE if label.colour == NONE else f"It is {label.named}."


def _fill(template: str, rng: Random, word: str = "") -> str:
    text = template.format(
        colour=rng.choice(("color", "color", "colour")),
        thing=rng.choice(_THINGS),
        place=rng.choice(_PLACES),
        word=word,
    )
    return text[0].upper() + text[1:] if rng.random() < 0.9 else text


def _description(label: Label) -> str:
    if label.colour == NONE:
        return NO_FIGURE
    others = " with smaller figures" if label.several else ""
    return f"The image shows {label.named}{others} on {label.behind}."


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _background_answer(label: Label) -> str:
    if label.background == MIXED:
        return "The background has mixed colors."
    return f"The background is {label.background}."


def _yes_or_no(label: Label, rng: Random) -> tuple[str, str]:
    about_shape = rng.random() < 0.3 and label.shape != FIGURE
    truth = label.shape if about_shape else label.colour
    words = SHAPES if about_shape else COLOURS
    guess = truth if rng.random() < 0.5 and truth != NONE else rng.choice(words)
    word = _article(guess) if about_shape else guess
    question = _fill(rng.choice(_IS_IT[:2] + _IS_IT[3:] if about_shape else _IS_IT), rng, word)
    if truth == NONE:
        return question, f"No. {NO_FIGURE}"
    said = _article(truth) if about_shape else truth
    return question, f"Yes, it is {said}." if guess == truth else f"No, it is {said}."

"""Prompts that need no tool, and the base model's own answers to them.

Training on its own answers keeps the model from changing where no tool is needed.
"""

from __future__ import annotations

import random
import re

from model_fixtures.tool_format import Message, chatml
from rich.progress import track
from training.atomic_files import write_json
from training.base_model_options import base_model_parser

_TOPICS = """rain|the moon|bread|bicycles|volcanoes|honey bees|chess|the ocean|photosynthesis|
gravity|
jazz music|coffee|tea|sleep|friendship|winter|electricity|glass|paper|the Roman Empire|dinosaurs|
robots|computers|the internet|trees|wolves|cats|dogs|horses|mountains|deserts|rivers|clouds|stars|
black holes|the human heart|vitamins|running|swimming|painting|poetry|libraries|trains|airplanes|
sailing|cheese|chocolate|rice|wheat|money|democracy|kindness|courage|patience|mathematics|
probability|atoms|magnets|sound|light|color|fire|ice|salt|steel|bridges|castles|gardens|spiders|
penguins|whales|owls|forests|islands|time zones|calendars|alphabets|dreams|laughter|
soap""".replace("\n", "").split("|")
_HELD_TOPICS = """snow|the sun|pottery|earthquakes|butterflies|football|recycling|magnetism|opera|
breakfast|honesty|silk|maps|fossils|rockets|smartphones|roses|foxes|rabbits|caves|thunder|comets|
the brain|yoga|sculpture|museums|ferries|apples|copper|tunnels|lighthouses|dolphins|parrots|
swamps|
rainbows|memory|teamwork|geometry|neutrons|candles""".replace("\n", "").split("|")
_FRAMES = """What is {t}?|Explain {t} in one sentence.|Tell me a fun fact about {t}.|
Write a short poem about {t}.|Why do people like {t}?|Describe {t} briefly.|
Give me one sentence about {t}.|What do you think about {t}?|Can you explain {t} to a child?|
Why is {t} interesting?|Tell me something about {t}.|How would you describe {t}?|
What should I know about {t}?|Write one sentence with the word {t}.|I want to learn about {t}.|
Name one thing related to {t}.|Could you tell me a bit about {t}?|Could you describe {t} for me?|
Can you say something about {t}?|Would you explain {t} to me?|Could you write a line about {t}?|
Please describe {t}.|Please write a sentence about {t}.|I'd like to hear about {t}.|
I need a short text about {t}.|Can you tell me why {t} matters?|Say something about {t}.|
Could you help me understand {t}?|Talk about {t}.|Give a short talk on {t}.|
Can you give me an idea of {t}?|Would you say that {t} is important?|
Your opinion on {t}, please.|Let us talk about {t}.|Make up a line on {t}.|
Could you comment on {t}?|Who likes {t}?|Where would I find {t}?|
Please give me a definition of {t}.""".replace("\n", "").split("|")
_HELD_FRAMES = """I was wondering about {t}.|Any thoughts on {t}?|Is there a good reason to care
 about {t}?|What comes to your mind when you hear of {t}?|Would you recommend a book on {t}?|
Put in a good word for {t}.|Try to amuse me with {t}.|How did people come to know {t}?""".replace(
    "\n", ""
).split("|")
FIXED = """Hi!|Hello|Hello there!|Hey|Good morning!|Good evening.|How are you?|
How are you today?|
Who are you?|What is your name?|What can you do?|Thank you!|Thanks a lot.|Tell me a joke.|
Tell me a short story.|Is the sky blue?|Is water wet?|Do fish sleep?|What is the opposite of hot?|
What is the opposite of big?|Which animal says meow?|What color is grass?|
How many legs does a dog have?|
How many days are in a week?|Which month comes after May?|What is a synonym for happy?|
Who wrote Romeo and Juliet?|What language is spoken in Brazil?|What is H2O?|Nice to meet you.|
I am bored.|I feel tired today.|I like music.|My name is Anna.|Good night!|What's up?|
Give me a word that rhymes with cat.|Name a fruit.|Name three colors.|Name a planet.|
What is the largest planet?|What do bees make?|Where do penguins live?|What is a noun?|
Can you help me?|Are you a robot?|Do you like music?|What is 'hello' in French?|
Tell me about yourself.|
What is the meaning of life?|Count from one to five.|Say hello.|Just say hi.|Write a haiku.|
Recommend a hobby.|What is a good name for a cat?|Give me some advice.|Say something nice.|
Do not use any tool, just say hello.|Answer without tools: what is a dog?""".replace(
    "\n", ""
).split("|")
_HELD_FIXED = """Good afternoon!|Greetings!|Nice day, isn't it?|Who made you?|Bye!|
What is the opposite of dark?|Which animal barks?|What color is a banana?|
How many months are in a year?|
Which day comes after Monday?|What is a synonym for fast?|Who painted the Mona Lisa?|
Name a vegetable.|
Name two animals.|What is the smallest planet?|Where do camels live?|What is a verb?|
I am happy today.|
Do you like books?|What is a good name for a dog?|Tell me a riddle.|Cheer me up.""".replace(
    "\n", ""
).split("|")
_COUNTRIES = """France|Germany|Italy|Spain|Japan|China|India|Egypt|Canada|Norway|Sweden|Greece|
Portugal|Poland|Ireland|Austria|Kenya|Peru|Chile|Cuba""".replace("\n", "").split("|")
_HELD_COUNTRIES = ["Denmark", "Finland", "Turkey", "Hungary", "Russia", "Mexico", "England"]


def prompts(held_out: bool, count: int, seed: int = 1) -> list[str]:
    """Return ``count`` different prompts.

    Those of the evaluation (``held_out``) share no topic and no sentence with those of training.
    """
    rng = random.Random(f"plain-{held_out}-{seed}")  # noqa: S311  # a seed, no secret
    topics, frames = (_HELD_TOPICS, _HELD_FRAMES) if held_out else (_TOPICS, _FRAMES)
    found = list(_HELD_FIXED if held_out else FIXED)
    countries = _HELD_COUNTRIES if held_out else _COUNTRIES
    found += [f"What is the capital of {country}?" for country in countries]
    pool = [frame.format(t=topic) for topic in topics for frame in frames]
    found += rng.sample(pool, count - len(found))
    rng.shuffle(found)
    return found


def shorten(answer: str) -> str:
    """Return the first one or two whole sentences of ``answer``, together about 160 characters."""
    pieces = re.findall(r"[^.!?\n]+[.!?]+[\"')]*", answer)
    kept = ""
    for piece in pieces[:2]:
        if kept and len(kept) + len(piece) > 160:
            break
        kept += piece
    return " ".join(kept.split())


def main() -> None:
    """Write the base model's greedy answers to the training prompts to a JSON file."""
    from .llama_in_process import GreedyCompleter  # the prompts alone need no llama.cpp

    parser = base_model_parser("training.tool_use.plain_prompts", main.__doc__, 600, "prompts")
    args = parser.parse_args()
    answers: dict[str, str] = {}
    completer = GreedyCompleter(args.base)
    for prompt in track(prompts(held_out=False, count=args.count), "plain answers"):
        text = chatml([Message("user", prompt)])
        answer = shorten(completer.complete(text, limit=56))
        if answer and "[" not in answer:
            answers[prompt] = answer
    write_json(args.out, answers)
    print(f"{len(answers)} answers in {args.out}")


if __name__ == "__main__":
    main()

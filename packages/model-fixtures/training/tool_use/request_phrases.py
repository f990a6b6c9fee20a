"""Frames: the sentences into which people put a request.

The lists whose names begin with ``_HELD`` are for the evaluation only. ``more_frames.txt`` has more
frames for training only.
"""

from __future__ import annotations

import json
import random
import re

from . import argument_values
from .tool_families import ToolRequest, section

# "<a/b>" stands for one of its parts, which is drawn each time.
_ONE = """{Do}<./!/>|{Do}.|Please {do}.|<Can/Could/Would/Will> you <please />{do}?|
<Can/Could/Would/Will> you {do}<, please/ for me/ now/>?|{Do}, please.|Please {do} <now/for me>.|
I <want/need/ask/would love/would want> you to {do}.|Use a tool to {do}.|
Please use the tools to {do}.|Use the {tool} tool to {do}.|<Now/Next/OK, now/Well then/So> {do}.|
Hey, {do}.|<My task for you/Here is a task/Your task/What I need/To do>: {do}.|Use {tool} to {do}.|
Please {do} with the {tool} tool.|Let us {do}.|
<Time/Remember/Be sure/Try/You have/We need> to {do}.|
You <should/must/may/can> {do}.|Be so kind and {do}.|<Take/Pick> {tool} and {do}.|
{Do} <now/right now/at once/if you can/when you are ready>.|Do this<: / for me: >{do}.|
The task is to {do}.|It is time to {do}.|Help me to {do}.|What about this: {do}."""
_HELD_ONE = """I'd appreciate it if you could {do}.|May I ask you to {do}?|
What I am after: {do}.|Would you be able to {do}?|My request is that you {do}.|
Using {tool}, {do}.|Somebody has to {do}."""
_TWO = """{Do} and {do2}.|{Do}. Also {do2}.|{Do} and also {do2}.|Please {do} and {do2}.|
I need two things: {do} and {do2}.|{Do}, then {do2}.|First {do}, then {do2}.|{Do}. {Do2}.|
<Can/Could/Would/Will> you {do} and <then /also />{do2}?|Do two things: {do}, and {do2}.|
{Do} and after that {do2}.|{Do}. Then {do2}.|<1./a)/(1)> {Do} <2./b)/(2)> {Do2}|
Please {do}. Please also {do2}.|
{Do}<, plus/, and on top of that/, and while you are at it/ +> {do2}.|
<First,/To start,/At first> {do}<. Second,/. After that/, after that/. Next,> {do2}.|
Both of these<, please/>: {do}, {do2}.|
<Please/Now/OK,> {do}<, and please/. And please/ and also> {do2}.|
<Here is what I need/My list for today/Two tasks/This is to be done>: {do} and {do2}.|
Task one: {do}. Task two: {do2}.|Can you do this: {do}, then {do2}?|
I need you to {do}<, and also to/ and to> {do2}.|- {Do}{nl}- {Do2}|* {Do}{nl}* {Do2}|
Make two calls: {do}, {do2}.|Do both, please: {do}, and {do2}.|{Do}, but also {do2}.|
{Do}. <Besides,/Moreover,/Apart from that,/Another thing:/One more thing:> {do2}.|
You should {do}. You should also {do2}.|We need to {do} and we need to {do2}."""
_HELD_TWO = """I'd like two things done: {do}, and {do2}.|{Do}; and {do2}.|
Kindly {do}; likewise, {do2}.|Two requests. {Do}. And {do2}.|My wishes are to {do} and to {do2}.|
As well as to {do}, I ask you to {do2}."""
_CHAIN = """First {do}, then {do2}.|{Do}, then {do2}.|{Do}. Then {do2}.|{Do} and then {do2}.|
{Do} and after that {do2}.|Please {do} and then {do2}.|<Can/Could/Would> you {do} and then {do2}?|
{Do}. After that, {do2}.|Please {do}. Next, {do2}.|{Do}, and when you have it, {do2}.|
<1./a)/(1)> {Do} <2./b)/(2)> {Do2}|Task one: {do}. Task two: {do2}.|- {Do}{nl}- {Do2}|
{Do}. <When that has worked/With the result at hand/When you know it/Later/Subsequently>, {do2}.|
{Do}. As soon as you have the answer, {do2}.|{Do}, wait for the answer, then {do2}.|
<Begin with this/This comes first/Do this first/Part A/The first thing>: {do}.
 <Then/Next,/Later/Do this next:/Part B:> {do2}.|
<To begin,/First of all,/Initially,/At first> {do}<. Then/. Next/, then/, later> {do2}.|
I <need/want/ask> you to {do} and <then/later> {do2}.|After you {do}, {do2}.|
My plan: {do}, later {do2}.|Two steps: {do}, then {do2}.|I need two things: {do}, then {do2}."""
_HELD_CHAIN = """{Do}. With that done, {do2}.|To start with, {do}; thereafter {do2}.|
I'd like you to {do}, followed by this: {do2}.|Stage one: {do}. Stage two: {do2}.|
{Do}; once you know, {do2}.|Kindly {do}, and from what you get, {do2}."""
_SAY = """Say {x}, then {do}.|Say {x} and then {do}.|First say {x}, then {do}.|
Say {x} first, then {do}.|Please say {x} and {do}.|Say {x}. Then {do}.|
<Before/Right before/Ahead of anything else: before> you {do}, <say/write/tell me> {x}.|
{Do}, but <say/write/tell me/put> {x} <first/before that/before you do so>.|
<Say/Write/Answer/Reply with/Tell me/Respond with/Type> {x}<, then/ and then/, and then/. Then/;
 then/. After that/. Next,> {do}.|
<First/At first/To begin,/Before anything else,> <say/write/answer/tell me/reply> {x}<, then/ and
 then/. Then/. After that> {do}.|
<Start/Begin/Lead off/Kick off/Get going> with <the words /the line /the text />{x}<, then/ and
 then/. Then/, after that> {do}.|
<Say/Write/Please write/Please say/Tell me> {x} before you {do}.|
Your <message/answer/reply> <should/must/has to> <start/begin> with {x}<, then/. Then/. After it,>
 {do}.|
The first <words/thing> <of your answer/that you say/I want to read> <should be/must be/is> {x}.
 <Then/Next,/After that> {do}.|
I <would like/need/ask> you to <say/write/answer> {x}<, then/ and then/, and to/ and after it>
 {do}.|
<Can/Could/Would/Will> you <say/write/first say> {x} and then {do}?|
Only after you have <said/written> {x}, {do}.|
<When/As soon as/After> you have <said/written> {x}, {do}.|
Two steps: say {x}, {do}.|<1./a)/(1)> Say {x} <2./b)/(2)> {Do}|
First task: say {x}. Second task: {do}.|
Put {x} at the <start/beginning/top> of your <message/answer>, and {do}.|
Greet me with {x}, then {do}.|Let me read {x} first, then {do}.|{x} is what you say. Then {do}.|
You say {x}, you {do}."""
_HELD_SAY = """I'd like to hear {x} before you {do}.|Say the words {x}, and right after that {do}.|
Make {x} your opening words, then {do}.|Kindly say {x} to begin with; next, {do}.|
Greet with {x} and afterwards {do}.|Please say {x}, and after saying it, {do}."""
_AFTER = """{Do}, then say {x}.|{Do} and say {x} when you are done.|{Do}. After that say {x}.|
{Do} and finish with {x}.|First {do}, then say {x}."""
_HELD_AFTER = "{Do}; at the end say {x}.|{Do} and close with the words {x}."
_HINTS = "Use the {t} tool.|Use {t}.|Use the tool {t} for it."
_HELD_HINTS = "The tool for that is {t}.|{t} can tell."
_BARE = "Call {t}.|Call the {t} tool.|Use the tool {t}."
_HELD_BARE = "Invoke {t}.|Let the tool {t} run."
_SPELLED = "Call {t} with {p}.|Call the {t} tool with {p}.|Use {t} with {p}."
_HELD_SPELLED = "Invoke {t} with {p}.|Let the tool {t} run with {p}."
_LINKS = " And | Also: | | And "
_HELD_LINKS = " Besides: | One more: "
_TAILS = """Use the tools.|Use the tool.|Tell me the result.|Answer in one sentence.|Thanks!|
Thank you.|It is urgent.|I am in a hurry.|That is all.|Be brief."""
_HEADS = """Hi!|Hello.|Hey!|Hi there,|I need some help.|Quick question.|I have a request.|
One more thing.|OK."""
_GREETINGS = """hi|hello|hey|hi there|hello there|good morning|good evening|welcome|greetings|ok|
okay|yes|alright|on it|got it|working on it|give me a second|as requested|certainly|gladly|
let us go|here it comes|wait a moment|nice to meet you|good night|hello friend|at your service|
sure|of course|let me see|one moment|thank you|no problem|hello world|good day|here we go|ready"""
_HELD_GREETINGS = "howdy|good afternoon|right away|as you wish|hold on|happy to help|ahoy"
_SPECIAL = (
    ("Greet me, then {do}.", "Hello!"),
    ("Greet me first and then {do}.", "Hello!"),
    ("Tell me what you are going to do, then {do}.", "I will {do}."),
    ("Explain in one sentence what you will do and then {do}.", "I will {do}."),
    ("Say that you will help me, then {do}.", "I will help you."),
    ("Say hi to {p}, then {do}.", "Hi {p}!"),
    ("Greet {p} first, then {do}.", "Hello {p}!"),
    ("Wish me a nice day and then {do}.", "Have a nice day!"),
)


def options(text: str) -> list[str]:
    """Return the entries of a list that is written as one string, with "|" between them."""
    return [part for part in text.replace("\n", "").split("|") if part]


def _drawn(known: str, unseen: str, kind: str, held_out: bool, rng: random.Random) -> str:
    """Return a random frame of a kind, with one part of each "<a/b>".

    It is from ``unseen`` if ``held_out``, else from ``known`` or ``more_frames.txt``.
    """
    frames = options(unseen if held_out else known)
    if not held_out and rng.random() < 0.65:
        frames = section("more_frames.txt", kind)
    template = rng.choice(frames)
    return re.sub(r"<([^>]*)>", lambda match: rng.choice(match.group(1).split("/")), template)


def _fill(template: str, first: ToolRequest, second: ToolRequest | None = None, x: str = "") -> str:
    texts = {"do": first.words, "Do": first.words[:1].upper() + first.words[1:], "x": x, "nl": "\n"}
    texts["tool"] = first.tool.name
    if second is not None:
        texts["do2"] = second.words
        texts["Do2"] = second.words[:1].upper() + second.words[1:]
    return template.format(**texts)


def one(request: ToolRequest, held_out: bool, rng: random.Random) -> str:
    """Return a sentence that asks for one call; ``request.words`` is an imperative phrase."""
    text = _fill(_drawn(_ONE, _HELD_ONE, "ONE", held_out, rng), request)
    return _tail(text, rng)


def _tail(text: str, rng: random.Random) -> str:
    if rng.random() < 0.07:
        text = f"{text} {rng.choice(options(_TAILS))}"
    if rng.random() < 0.05:
        text = f"{rng.choice(options(_HEADS))} {text}"
    return text


def asked(request: ToolRequest, held_out: bool, rng: random.Random) -> str:
    """Return a question that asks for one call; ``request.words`` is a whole sentence.

    Some questions have a hint at the tool.
    """
    if rng.random() < 0.08:
        hint = rng.choice(options(_HELD_HINTS if held_out else _HINTS))
        return f"{request.words} {hint.format(t=request.tool.name)}"
    return _tail(request.words, rng)


def explicit(request: ToolRequest, held_out: bool, rng: random.Random) -> str:
    """Return an instruction that spells out the call."""
    name = request.tool.name
    if not request.arguments:
        return rng.choice(options(_HELD_BARE if held_out else _BARE)).format(t=name)
    equals = rng.choice(("=", " = ", " "))
    pairs = [
        f"{key}{equals}{json.dumps(value, ensure_ascii=False)}"
        for key, value in request.arguments.items()
    ]
    head = rng.choice(options(_HELD_SPELLED if held_out else _SPELLED))
    return head.format(t=name, p=argument_values.listing(pairs))


def two_questions(
    first: ToolRequest, second: ToolRequest, held_out: bool, rng: random.Random
) -> str:
    """Return two questions, one after the other, each a whole sentence."""
    link = rng.choice(options(_HELD_LINKS if held_out else _LINKS))
    words = second.words
    if link.strip() == "And" and not words.startswith(tuple(second.texts.values())):
        words = words[0].lower() + words[1:]
    return f"{first.words}{link}{words}"


def both(first: ToolRequest, second: ToolRequest, held_out: bool, rng: random.Random) -> str:
    """Return a sentence that asks for two independent calls."""
    return _fill(_drawn(_TWO, _HELD_TWO, "TWO", held_out, rng), first, second)


def chain(first: ToolRequest, second: ToolRequest, held_out: bool, rng: random.Random) -> str:
    """Return a sentence that asks for two calls; the second needs the first one's result."""
    return _fill(_drawn(_CHAIN, _HELD_CHAIN, "CHAIN", held_out, rng), first, second)


def _saying(held_out: bool, rng: random.Random) -> tuple[str, str]:
    """Return words to say: as the prompt quotes them, and as the assistant says them."""
    style = rng.random()
    if style < 0.35:
        plain = rng.choice(options(_HELD_GREETINGS if held_out else _GREETINGS))
        if rng.random() < 0.4:
            return plain, plain[0].upper() + plain[1:]
        said = plain[0].upper() + plain[1:] + rng.choice(("", "!", "."))
    elif style < 0.5:
        said = " ".join(argument_values.word(rng) for _ in range(rng.randint(1, 3)))
    elif style < 0.65:
        said = f"{rng.choice(('Hello', 'Hi', 'Welcome'))} {argument_values.person(rng)}!"
    else:
        said = argument_values.sentence(rng)
    mark = rng.choice(("'", '"'))
    return f"{mark}{said}{mark}", said


def say_first(request: ToolRequest, held_out: bool, rng: random.Random) -> tuple[str, str]:
    """Return a prompt, and the words that the assistant says before the call."""
    if not held_out and rng.random() < 0.15:
        template, said = rng.choice(_SPECIAL)
        person = argument_values.person(rng)
        template, said = template.replace("{p}", person), said.replace("{p}", person)
        return template.format(do=request.words), said.format(do=request.words)
    shown, said = _saying(held_out, rng)
    return _fill(_drawn(_SAY, _HELD_SAY, "SAY", held_out, rng), request, x=shown), said


def say_after(request: ToolRequest, held_out: bool, rng: random.Random) -> tuple[str, str]:
    """Return a prompt, and the words that the assistant says after the answer."""
    shown, said = _saying(held_out, rng)
    return _fill(rng.choice(options(_HELD_AFTER if held_out else _AFTER)), request, x=shown), said

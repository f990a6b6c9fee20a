"""Thousands of tool families, each made of a verb, a thing and one to three parameters."""

from __future__ import annotations

import random

from .argument_values import listing
from .tool_families import Parameter, ToolFamily, section

# The verb in the tool's name, then other verbs that people may use for it.
_VERBS = """create:make,add,set up|delete:remove,erase,get rid of|open:show,bring up|close:shut|
start:begin,launch,run|stop:end,halt|rename:change the name of|find:look for,locate,search for|
count:tell me the number for|update:change,modify,edit|cancel:call off,abort|archive:store away|
restore:bring back,recover|publish:release,put out|print:make a printout of|share:pass on|
copy:duplicate,make a copy of|check:inspect,look at,verify|scan:go through|reset:set back|
pause:hold|resume:continue|enable:activate,switch on|disable:deactivate,switch off|
approve:accept,confirm|reject:refuse,turn down|export:write out|import:read in|upload:send up|
compress:shrink,pack|sort:put in order|validate:test|register:sign up,enter|review:go over|
get:fetch,give me,show me|load:read|list:show all of|buy:purchase,order|sell:trade away|
rate:give a score to|tag:label,mark|pin:fix|merge:join,combine|split:cut up|lend:give out|
repair:fix|paint:color|wash:clean|pack:wrap|weigh:measure the weight of|refund:pay back"""
_HELD_VERBS = """rebuild:construct again,redo|freeze:suspend|assign:hand over|draft:write up|
forward:pass along|encrypt:protect|schedule:plan|clone:replicate|mute:silence|
inspect:examine,look into|reserve:set aside|withdraw:take back"""
_NOUNS = """account|invoice|ticket|order|project|task|playlist|document|folder|image|video|product|
customer|session|server|device|sensor|camera|printer|contract|parcel|package|profile|comment|
report|table|record|user|group|channel|message|job|backup|branch|release|key|license|
subscription|payment|coupon|recipe|workout|lesson|course|book|movie|song|photo|album|page|form|
window|machine|vehicle|car|bike|room|desk|shelf|box|bottle|ticket queue|wallet|badge|domain|
cluster|container|pipeline|dataset|model|chart|dashboard|alert|rule|filter|template|garden bed"""
_HELD_NOUNS = """boat|drone|gallery|telescope|mailbox|statement|questionnaire|tournament|recording|
warehouse|greenhouse|membership|certificate|blueprint|elevator|fountain|locker|stamp|wardrobe|
podcast|voucher|turbine|aquarium|orchestra"""
# A parameter: its names in tools, its kind, and its wordings in the prompt.
_ARGS = """name,title,label|quoted|named {x};called {x};with the name {x}
id,number,identifier|digits|with id {x};number {x};with the number {x}
code,reference,ref|code|{x};with the code {x};with reference {x}
owner,person,assignee|person|of {x};for {x};that belongs to {x}
city,location,place|city|in {x};located in {x};at the place {x}
date,day,due|date|for {x};on {x};dated {x}
count,amount,quantity|int|with count {x};with an amount of {x};with the quantity {x}
price,cost,value|num|at a price of {x};with the value {x};for {x} dollars
color,colour,shade|color|in {x};with the color {x}
path,file,filename|file|from {x};in the file {x};at {x}
email,contact,address|email|for {x};with the contact {x}
note,text,comment|text|with the note {x};with the text {x};and add the comment {x}
tags,labels,topics|words|with the tags {x};tagged {x}
priority,level,importance|enum:low,medium,high,urgent|with {x} priority;at {x} priority
format,kind,mode|enum:pdf,csv,json,xml|as {x};in {x} format
members,people,users|people|with the members {x};for {x}
position,point,spot|point|at position {x};at {x}
time,at,hour|time|at {x};for {x}
steps,size,limit|small|with {x} steps;with a size of {x}"""
_HELD_ARGS = """nickname,alias,caption|quoted|nicknamed {x};under the alias {x}
serial,tracking,token|code|with serial {x};with the token {x}
weight,height,depth|num|with a weight of {x};weighing {x}
region,district,area|city|from the region {x};around {x}
supervisor,author,host|person|supervised by {x};hosted by {x}
remark,summary,motto|text|with the remark {x};with the motto {x}"""
_DOCS = """{Verb} a {noun}.|{Verb} the {noun} by {args}.|{Verb}s a {noun}.|
Use this to {verb} a {noun}.|Tool to {verb} one {noun}.|{Verb} one {noun} in the system.""".replace(
    "\n", ""
)
_GIVES = ("ok", "ok", "ok", "num", "text", "word", "state", "list", "obj", "code", "bool")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", "").split("|") if part.strip()]


class FamilyGenerator:
    """Makes random families from word lists, some of which are kept for the evaluation."""

    def __init__(self, held_out: bool, things: bool | None = None) -> None:
        """Choose the word lists.

        Args:
            held_out: use the verbs and parameters that are kept for the evaluation.
            things: use the things that are kept for the evaluation; by default as ``held_out``.

        If neither is set, the words of ``more_words.txt`` are used too.
        """
        held_things = held_out if things is None else things
        verbs = _split(_HELD_VERBS if held_out else _VERBS)
        self._nouns = _split(_HELD_NOUNS if held_things else _NOUNS)
        lines = (_HELD_ARGS if held_out else _ARGS).splitlines()
        if not held_out and not held_things:
            more = section("more_words.txt", "verbs")
            verbs += [line.replace(": ", ":").replace(", ", ",") for line in more]
            self._nouns += _split("".join(section("more_words.txt", "things")))
            lines += section("more_words.txt", "parameters")
        self._verbs = [
            (name, synonyms.split(","))
            for name, _, synonyms in (entry.partition(":") for entry in verbs)
        ]
        self._args = [tuple(line.split("|")) for line in lines]

    def family(
        self, rng: random.Random, verb: str | None = None, noun: str | None = None
    ) -> ToolFamily:
        """Return a random family, with this verb or this thing if given."""
        known = dict(self._verbs)
        verb = verb or rng.choice(self._verbs)[0]
        noun = noun or rng.choice(self._nouns)
        synonyms = known.get(verb, [verb])
        chosen = rng.sample(self._args, rng.choice((1, 1, 1, 2, 2, 3)))
        args, phrases = [], []
        for index, (names, kind, says) in enumerate(chosen):
            optional = index > 0 and rng.random() < 0.35
            key = f"p{index}"
            args.append(Parameter(key, tuple(names.split(",")), kind, optional))
            said = rng.choice(says.split(";")).replace("{x}", f"{{{key}}}")
            phrases.append(f"[ {said}]" if optional else f" {said}")
        tail = "".join(phrases)
        words = [verb, *synonyms]
        does = [f"{word} the {noun}{tail}" for word in words] + [f"{verb} a {noun}{tail}"]
        asks = [f"{ask} {word} the {noun}{tail}?" for ask in _CAN for word in (verb, synonyms[0])]
        joined = noun.replace(" ", "_")
        name = rng.choice((f"{verb}_{joined}",) * 5 + (f"{joined}_{verb}", f"do_{verb}_{joined}"))
        known_args = listing([arg.names[0] for arg in args])
        doc = rng.choice(_split(_DOCS)).format(
            verb=verb, Verb=verb.capitalize(), noun=noun, args=known_args
        )
        return ToolFamily(
            key=f"{verb} {noun}",
            names=(name,),
            docs=(doc,),
            args=tuple(args),
            do=(rng.choice(does),),
            ask=(rng.choice(asks),),
            gives=rng.choice(_GIVES),
        )

    def near(self, rng: random.Random, family: ToolFamily) -> ToolFamily:
        """Return a family that is easily confused with ``family``: same thing or same verb.

        If the thing is the same, the verbs have no word in common, so that a request can mean
        only one of the two.
        """
        verb, _, noun = family.key.partition(" ")
        for _ in range(20):
            if rng.random() < 0.6:
                found = self.family(rng, noun=noun)
                if self._words(verb).isdisjoint(self._words(found.key.partition(" ")[0])):
                    break
            else:
                found = self.family(rng, verb=verb)
                if found.key != family.key:
                    break
        return found

    def _words(self, verb: str) -> set[str]:
        return {verb, *dict(self._verbs).get(verb, [])}


_CAN = ("Can you", "Could you", "Would you", "Will you", "Could you please")

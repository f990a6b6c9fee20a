"""Random argument values, each with its wording in the prompt and its JSON schema."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


@dataclass(frozen=True)
class ArgumentValue:
    """The value of an argument; the call holds ``value``, the prompt says ``text``."""

    value: Any
    text: str


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("\n", "|").split("|") if word.strip()]


CITIES = _words("""Paris|London|Rome|Berlin|Madrid|Vienna|Prague|Warsaw|Lisbon|Dublin|Oslo|
Stockholm
Helsinki|Copenhagen|Amsterdam|Brussels|Zurich|Geneva|Budapest|Athens|Sofia|Bucharest|Belgrade|
Zagreb
Kyiv|Riga|Vilnius|Tallinn|Moscow|Istanbul|Ankara|Cairo|Lagos|Nairobi|Accra|Tunis|Cape Town|Tokyo|
Osaka
Kyoto|Seoul|Beijing|Shanghai|Bangkok|Hanoi|Jakarta|Manila|Delhi|Mumbai|Karachi|Dhaka|Tehran|
Baghdad
Dubai|Doha|New York|Boston|Chicago|Denver|Seattle|Portland|Miami|Dallas|Houston|Phoenix|Toronto
Montreal|Vancouver|Lima|Quito|Bogota|Santiago|Buenos Aires|Rio de Janeiro|Sydney|Melbourne|Perth
Auckland|Reykjavik|Edinburgh|Glasgow|Munich|Hamburg|Cologne|Lyon|Nice|Milan|Turin|Naples|Porto
San Francisco|Los Angeles|Salt Lake City|Kuala Lumpur|Addis Ababa""")
FIRST = _words("""Anna|Ben|Carla|David|Emma|Felix|Grace|Hugo|Ida|Jonas|Karin|Leo|Maria|Nina|
Oscar|Paul
Rosa|Sam|Tina|Viktor|Wendy|Yusuf|Zoe|Alice|Bob|Chen|Dmitri|Elena|Farid|Greta|Hassan|Ingrid|Jamal|
Kofi
Lena|Mehmet|Noah|Olga|Priya|Quentin|Ravi|Sofia|Tom|Uma|Vera|Walter|Xenia|Yuki|Zane|Mia|Ali|
Kate""")
LAST = _words("""Smith|Jones|Miller|Garcia|Novak|Kim|Singh|Lopez|Meyer|Rossi|Dubois|Tanaka|
Ivanov|Khan
Brown|Silva|Larsen|Nowak|Haddad|Okafor|Schmidt|Berg|Costa|Murphy|Walker|Young|Fischer|Moreau""")
NOUNS = _words("""apple|river|window|garden|coffee|silver|morning|bridge|candle|forest|market|
planet
rocket|yellow|winter|summer|guitar|tiger|lemon|cloud|stone|paper|ocean|desert|engine|castle|mirror
ladder|pepper|violin|basket|copper|dragon|falcon|harbor|island|jungle|kitten|lantern|meadow|needle
orange|pencil|quartz|ribbon|saddle|temple|umbrella|valley|wagon|zebra|anchor|butter|cactus|donkey
elbow|feather|glacier|hammer|igloo|jacket|kettle|lizard|magnet|noodle|oyster|parrot|rabbit|sandal
tomato|velvet|walnut|banana|cherry|hello|world|python|report|summary|budget|invoice|holiday|
music""")
_ONSETS = _words("b|br|c|ch|d|dr|f|fl|g|gr|h|j|k|kl|l|m|n|p|pr|qu|r|s|sh|st|t|th|tr|v|w|x|y|z|sk")
_VOWELS = _words("a|e|i|o|u|ai|ea|oo|ie|ou|a|e|i|o|u")
_CODAS = ["", "", "n", "r", "l", "s", "t", "m", "nd", "rk", "x", "ck", "th"]
_STARTS = _words("""the meeting starts at|please remember to|we should buy|do not forget|
I really like
tomorrow we visit|the train leaves from|thank you for|there is a big|call me about|my favorite is
the server needs|everyone loves|this is a note about|the team finished|send flowers and""")
_EXT = _words("txt|md|csv|json|py|log|pdf|html|png|docx|toml|xml")
_STREETS = _words("Oak Street|Main Street|Hill Road|Park Avenue|Lake Lane|Mill Road|Elm Street")
_COLORS = _words("red|green|blue|yellow|purple|orange|white|black|pink|brown|gray|teal")
_LANGUAGES = _words("""French|German|Spanish|Italian|Japanese|Polish|Dutch|Swedish|Korean|Greek
Portuguese|Turkish|Finnish|Danish|Czech|Arabic""")
_COUNTRIES = _words("""France|Germany|Italy|Spain|Japan|Brazil|Canada|Egypt|Kenya|Norway|Peru|
Chile
Poland|Greece|India|China|Mexico|Ireland|Austria|Portugal|Vietnam|Morocco|Iceland|Cuba""")
_CURRENCIES = _words("USD|EUR|GBP|JPY|CHF|CAD|SEK|NOK|PLN|INR")
_SYMBOLS = _words("AAPL|MSFT|TSLA|GOOG|AMZN|NVDA|IBM|INTC|ORCL|SAP|SONY|NKE|DIS|AMD")


def pseudo(rng: random.Random) -> str:
    """Return a made-up word of one to three syllables, lower case."""
    count = rng.choice((1, 2, 2, 3))
    parts = [rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(count)]
    word = "".join(parts)
    return word if len(word) > 2 else word + "lan"


def integer(rng: random.Random) -> int:
    """Return an integer of one to eight digits, rarely a negative one."""
    digits = rng.choice((1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8))
    number = rng.randint(10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1)
    if rng.random() < 0.15 and digits > 1:
        number -= number % 10  # small models lose trailing zeros
    return -number if number and rng.random() < 0.06 else number


def number(rng: random.Random) -> int | float:
    """Return an integer, or a number with at most three decimals."""
    if rng.random() < 0.7:
        return integer(rng)
    return round(rng.uniform(0.1, 10 ** rng.choice((1, 2, 3))), rng.choice((1, 2, 2, 3)))


def word(rng: random.Random) -> str:
    """Return a real or made-up word."""
    chosen = rng.choice(NOUNS) if rng.random() < 0.5 else pseudo(rng)
    return chosen.capitalize() if rng.random() < 0.25 else chosen


def sentence(rng: random.Random) -> str:
    """Return a short text without quotation marks."""
    style = rng.random()
    if style < 0.2:
        return " ".join(word(rng) for _ in range(rng.randint(1, 4)))
    text = f"{rng.choice(_STARTS)} {rng.choice(('the ', 'a ', ''))}{word(rng)}"
    if rng.random() < 0.3:
        text += f" {rng.choice(('and', 'with', 'for', 'or'))} {word(rng)}"
    if rng.random() < 0.2:
        text += f" at {integer(rng) % 24}"
    if rng.random() < 0.6:
        text = text[0].upper() + text[1:]
    return text + rng.choice(("", "", ".", "!"))


def city(rng: random.Random) -> str:
    """Return the name of a place; three of ten are made up."""
    return rng.choice(CITIES) if rng.random() < 0.7 else pseudo(rng).capitalize()


def person(rng: random.Random) -> str:
    """Return a first name or a full name; some are made up."""
    first = rng.choice(FIRST) if rng.random() < 0.75 else pseudo(rng).capitalize()
    if rng.random() < 0.6:
        return first
    return f"{first} {rng.choice(LAST) if rng.random() < 0.7 else pseudo(rng).capitalize()}"


def filename(rng: random.Random) -> str:
    """Return a file name; some have a folder, digits or joined words."""
    stem = word(rng).lower()
    style = rng.random()
    if style < 0.2:
        stem += f"_{word(rng).lower()}"
    elif style < 0.35:
        stem += f"-{rng.randint(1, 2030)}"
    elif style < 0.45:
        stem += str(rng.randint(1, 99))
    folder = f"{word(rng).lower()}/" if rng.random() < 0.12 else ""
    return f"{folder}{stem}.{rng.choice(_EXT)}"


def email(rng: random.Random) -> str:
    """Return an email address."""
    name = rng.choice(FIRST).lower() if rng.random() < 0.7 else pseudo(rng)
    if rng.random() < 0.3:
        name += "." + rng.choice(LAST).lower()
    site = rng.choice(("example", word(rng).lower()))
    return f"{name}@{site}.{rng.choice(('com', 'org', 'net'))}"


def _date(rng: random.Random) -> str:
    return f"{rng.randint(1990, 2035)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _time(rng: random.Random) -> str:
    return f"{rng.randint(0, 23):02}:{rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50)):02}"


def _code(rng: random.Random) -> str:
    letters = "".join(rng.choice("ABCDEFGHKLMNPRSTXZ") for _ in range(rng.randint(1, 3)))
    return rng.choice((f"{letters}-{rng.randint(10, 99999)}", f"{letters}{rng.randint(100, 9999)}"))


def _url(rng: random.Random) -> str:
    path = f"/{word(rng).lower()}" if rng.random() < 0.5 else ""
    return f"https://{word(rng).lower()}.{rng.choice(('com', 'org', 'io'))}{path}"


def _quote(rng: random.Random, text: str) -> str:
    mark = rng.choice(("'", '"')) if "'" not in text else '"'
    return f"{mark}{text}{mark}"


def listing(parts: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _plain(
    make: Callable[[random.Random], Any], kind: str
) -> Callable[[random.Random], ArgumentValue]:
    def build(rng: random.Random) -> ArgumentValue:
        made = make(rng)
        text = str(made)
        quoted = kind == "quoted" or (kind == "maybe" and rng.random() < 0.25)
        return ArgumentValue(made, _quote(rng, text) if quoted else text)

    return build


def _point(rng: random.Random) -> ArgumentValue:
    x, y = integer(rng) % 500, integer(rng) % 500
    text = rng.choice((f"({x}, {y})", f"x {x} and y {y}", f"x={x}, y={y}"))
    return ArgumentValue({"x": x, "y": y}, text)


def _address(rng: random.Random) -> ArgumentValue:
    street, town = f"{rng.randint(1, 150)} {rng.choice(_STREETS)}", city(rng)
    return ArgumentValue({"street": street, "city": town}, f"{street} in {town}")


def _human(rng: random.Random) -> ArgumentValue:
    name, age = person(rng), rng.randint(4, 98)
    text = rng.choice((f"{name}, aged {age}", f"{name} who is {age} years old"))
    return ArgumentValue({"name": name, "age": age}, text)


def _many(
    make: Callable[[random.Random], Any], low: int = 2
) -> Callable[[random.Random], ArgumentValue]:
    def build(rng: random.Random) -> ArgumentValue:
        found = [make(rng) for _ in range(rng.randint(low, 4))]
        return ArgumentValue(found, listing([str(item) for item in found]))

    return build


def _stock(rng: random.Random) -> ArgumentValue:
    items = [
        {"name": rng.choice(NOUNS), "count": rng.randint(1, 40)} for _ in range(rng.randint(1, 3))
    ]
    return ArgumentValue(items, listing([f"{item['count']} {item['name']}" for item in items]))


def _onoff(rng: random.Random) -> ArgumentValue:
    state = rng.random() < 0.5
    return ArgumentValue(state, "on" if state else "off")


def _text(kind: str) -> Schema:
    return {"type": kind}


def _object(**fields: str) -> Schema:
    properties = {name: {"type": kind} for name, kind in fields.items()}
    return {"type": "object", "properties": properties, "required": list(fields)}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


KINDS: dict[str, tuple[Schema, Callable[[random.Random], ArgumentValue]]] = {
    "int": (_text("integer"), _plain(integer, "never")),
    "num": (_text("number"), _plain(number, "never")),
    "small": (_text("integer"), _plain(lambda rng: rng.randint(1, 30), "never")),
    "city": (_text("string"), _plain(city, "never")),
    "person": (_text("string"), _plain(person, "never")),
    "word": (_text("string"), _plain(word, "maybe")),
    "quoted": (_text("string"), _plain(word, "quoted")),
    "text": (_text("string"), _plain(sentence, "quoted")),
    "file": (_text("string"), _plain(filename, "maybe")),
    "email": (_text("string"), _plain(email, "never")),
    "date": (_text("string"), _plain(_date, "never")),
    "time": (_text("string"), _plain(_time, "never")),
    "code": (_text("string"), _plain(_code, "never")),
    "digits": (_text("string"), _plain(lambda rng: str(abs(integer(rng)) + 10), "never")),
    "url": (_text("string"), _plain(_url, "never")),
    "color": (_text("string"), _plain(lambda rng: rng.choice(_COLORS), "never")),
    "language": (_text("string"), _plain(lambda rng: rng.choice(_LANGUAGES), "never")),
    "country": (_text("string"), _plain(lambda rng: rng.choice(_COUNTRIES), "never")),
    "currency": (_text("string"), _plain(lambda rng: rng.choice(_CURRENCIES), "never")),
    "symbol": (_text("string"), _plain(lambda rng: rng.choice(_SYMBOLS), "never")),
    "onoff": (_text("boolean"), _onoff),
    "point": (_object(x="integer", y="integer"), _point),
    "address": (_object(street="string", city="string"), _address),
    "human": (_object(name="string", age="integer"), _human),
    "ints": (_array(_text("integer")), _many(integer)),
    "nums": (_array(_text("number")), _many(number)),
    "words": (_array(_text("string")), _many(word)),
    "people": (_array(_text("string")), _many(person)),
    "stock": (_array(_object(name="string", count="integer")), _stock),
}


def kind_schema(kind: str) -> Schema:
    """Return the JSON schema of a kind of argument.

    A kind is a key of ``KINDS``, ``enum:a,b`` (one of the texts) or ``flag:text`` (true, which the
    prompt says as ``text``).
    """
    head, _, rest = kind.partition(":")
    if head == "enum":
        return {"enum": rest.split(",")}
    if head == "flag":
        return {"type": "boolean"}
    return KINDS[kind][0]


def kind_value(kind: str, rng: random.Random) -> ArgumentValue:
    """Return a random value of a kind of argument, see ``kind_schema``."""
    head, _, rest = kind.partition(":")
    if head == "enum":
        chosen = rng.choice(rest.split(","))
        return ArgumentValue(chosen, chosen)
    if head == "flag":
        return ArgumentValue(True, rest)
    return KINDS[kind][1](rng)

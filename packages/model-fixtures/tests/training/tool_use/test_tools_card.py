"""The model card of the tool-use adapter says what belongs together."""

import re
from pathlib import Path

import model_fixtures.weights
from model_fixtures.weights import SOURCES, Weights
from training.quality_bars import BARS

DATA = Path(model_fixtures.weights.__file__).parent / "data"
CARD = (DATA / "tools.md").read_text(encoding="utf-8")


def test_card_names_the_base_weights() -> None:
    """The card must give the digest of the very base weights that the server runs."""
    (member,) = SOURCES[Weights.SMOLLM2].members
    assert f"sha256 `{member.sha256}`" in CARD


def test_card_has_every_bar() -> None:
    """The card must have a row for each bar of tool use, in the order and with the bar's share."""
    rows = re.findall(r"^\| (.+) \| (\d+) % \| .+ \|$", CARD, re.MULTILINE)
    assert rows == [(bar.what, f"{100 * bar.least:.0f}") for bar in BARS if bar.group == "tools"]


def test_weights_stay_within_their_budget() -> None:
    """The sizes that both cards give must stay below 16 MB together."""
    cards = (CARD, (DATA / "vision.md").read_text(encoding="utf-8"))
    found = [re.search(r"gguf`, ([\d,]+) bytes", card) for card in cards]
    sizes = [int(match[1].replace(",", "")) for match in found if match is not None]
    assert len(sizes) == 2
    assert sum(sizes) <= 16_000_000

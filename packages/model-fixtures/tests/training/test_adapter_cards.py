"""The model cards of the adapters say what belongs together."""

import re
from pathlib import Path

import model_fixtures.weights
import pytest
from model_fixtures.weights import SOURCES, Weights
from model_fixtures.weights.derived_weights import ADAPTERS, CHAT_ADAPTER, TOOLS_ADAPTER
from training.quality_bars import BARS

DATA = Path(model_fixtures.weights.__file__).parent / "data"
FILES = {"chat": CHAT_ADAPTER, "tools": TOOLS_ADAPTER}


def card(name: str) -> str:
    """Return the text of a model card."""
    return (DATA / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_card_names_the_base_weights(name: str) -> None:
    """The card must give the digest of the very base weights that the server runs."""
    (member,) = SOURCES[Weights.SMOLLM2].members
    assert f"sha256 `{member.sha256}`" in card(name)


@pytest.mark.parametrize("name", FILES)
def test_card_names_the_adapter(name: str) -> None:
    """The card must give the name, the size and the digest of the file that ships."""
    file = FILES[name]
    size = (DATA / file).stat().st_size
    assert f"| file | `{file}`, {size:,} bytes, F16 |" in card(name)
    assert f"| sha256 | `{ADAPTERS[file]}` |" in card(name)


@pytest.mark.parametrize("name", FILES)
def test_card_has_every_bar(name: str) -> None:
    """The card must have a row for each bar of its group, in the order and with the bar's share."""
    rows = re.findall(r"^\| (.+) \| (\d+) % \| .+ \|$", card(name), re.MULTILINE)
    assert rows == [(bar.what, f"{100 * bar.least:.0f}") for bar in BARS if bar.group == name]


def test_weights_stay_within_their_budget() -> None:
    """The sizes that the cards give must stay below 25 MB together: every wheel has them."""
    found = [re.search(r"gguf`, ([\d,]+) bytes", card(name)) for name in (*FILES, "vision")]
    sizes = [int(match[1].replace(",", "")) for match in found if match is not None]
    assert len(sizes) == 3
    assert sum(sizes) <= 25_000_000

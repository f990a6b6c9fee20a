"""The report's page in a real browser, on a wide screen and on a phone, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from run_report.measures import Coverage, Mutation, Share
from run_report.page import render

from .browser import MISSING, PROGRAM, Browser
from .recorded_runs import ACT, ACT_SYNC, BUG, FILES, result, run_of
from .test_report_page import evil_run

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason=MISSING),
    pytest.mark.slow,
]
SEARCH = """
(([text, odd], words, checked) => {
  text.value = words;
  odd.checked = checked;
  text.dispatchEvent(new Event("input", {bubbles: true}));
  return [...document.querySelectorAll("li.b")].filter((each) => each.checkVisibility())
    .map((each) => each.querySelector(".text").firstChild.textContent.trim());
})(document.querySelectorAll(".filter input"), %r, %s)
"""
# Elements that stick out of the page to the right; what can be scrolled in itself may be wide.
WIDE = """
[...document.querySelectorAll("body *")]
  .filter((each) => !each.closest("pre, svg") && each.checkVisibility()
    && each.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map((each) => each.outerHTML.slice(0, 200))
"""
OPEN_ALL = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Provide a browser for all tests of the file."""
    with Browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Provide a page with everything that a page can have."""
    long = "a_word_without_a_place_to_break_" * 8
    first = run_of(
        result(f"{ACT}::test_rounds[1]", doc="Rounds are counted."),
        result(f"{ACT_SYNC}::test_rounds[1]", doc="Rounds are counted."),
        result(f"{FILES}::test_names", "xfailed", doc="Files have names.", bug=BUG),
        result(f"{FILES}::test_{long}", "failed", doc="Long names are kept."),
    )
    share = Share("json_api.py", 9, 10)
    path = tmp_path / "report.html"
    text = render(
        [first, run_of(*first.tests[:2], name=f"another {long}"), evil_run()],
        coverage=Coverage(share, share, [(share, share)]),
        mutation=Mutation(share, [share]),
    )
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_sticks_out(browser: Browser, page: Path, width: int) -> None:
    """No part of the page is wider than the screen, whatever is unfolded."""
    browser.open(page, width=width, scheme="light")
    browser.value(OPEN_ALL)
    assert browser.value(WIDE) == []
    assert browser.value("document.documentElement.scrollWidth") == browser.value(
        "document.documentElement.clientWidth"
    )


def test_dark_and_light(browser: Browser, page: Path) -> None:
    """The page follows the system's colour scheme."""
    colours = []
    for scheme in ("light", "dark"):
        browser.open(page, width=1200, scheme=scheme)
        colours.append(browser.value("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(251, 251, 250)", "rgb(20, 23, 27)"]


def test_search(browser: Browser, page: Path) -> None:
    """The search shows the behaviours that have the words, and unfolds their parts."""
    browser.open(page, width=1200, scheme="light")
    assert browser.value(SEARCH % ("rounds ARE", "false")) == ["Rounds are counted."]
    assert browser.value("document.querySelector('.filter output').textContent").startswith("1 of")
    assert "Files have names." in browser.value(SEARCH % ("names", "true"))
    assert browser.value(SEARCH % ("", "false")) == []
    assert browser.value("[...document.querySelectorAll('.part')].every((each) => !each.hidden)")


def test_no_foreign_script_runs(browser: Browser, page: Path) -> None:
    """What tests bring along does not run: there is one script, and a second one is refused."""
    browser.open(page, width=1200, scheme="light")
    assert browser.value("document.scripts.length") == 1
    browser.value(
        "(() => { const added = document.createElement('script');"
        " added.textContent = 'window.ran = true'; document.body.append(added); })()"
    )
    assert browser.value("window.ran === undefined")

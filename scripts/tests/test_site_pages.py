"""Links of the documentation lead to the right place in the repository and on the site."""

import pytest
from documentation.site_pages import OUTSIDE, site_link
from suite_command import ROOT

HERE = {*OUTSIDE.values(), "ci.md", "start.md", "images/how-it-works.svg", "reference/python.md"}
REPOSITORY = "https://github.com/OWNER/REPOSITORY"


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("index.md", "docs/start.md", "start.md"),
        ("start.md", "../CONTRIBUTING.md", "contributing.md"),
        ("contributing.md", "docs/start.md", "start.md"),
        ("start.md", "images/how-it-works.svg", "images/how-it-works.svg"),
        ("reference/python.md", "../start.md", "../start.md"),
        ("ci.md", "../action.yml", f"{REPOSITORY}/blob/main/action.yml"),
        ("ci.md", "ci/gitlab-ci.yml", f"{REPOSITORY}/blob/main/docs/ci/gitlab-ci.yml"),
        ("start.md", "nowhere.md", "nowhere.md"),
    ],
)
def test_links(page: str, link: str, expected: str) -> None:
    """Pages are linked as pages, other files in the repository; what is nowhere stays."""
    assert site_link(link, page, HERE, REPOSITORY) == expected


def test_pages_outside_of_docs_exist() -> None:
    """The pages that are not in `docs/` are there."""
    assert [source for source in OUTSIDE if not (ROOT / source).is_file()] == []

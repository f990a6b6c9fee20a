"""A hook of MkDocs: files beside `docs/` become pages, and links work in both places.

README.md is the site's first page. In the sources, links are relative paths as the repository's
viewer wants them. On the site, a link to a file that is there leads to it, and one to any other
file of the repository to the repository.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Pages that are not in `docs/`: path in the repository, path on the site."""

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
_FENCED = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in `docs/`."""
    from mkdocs.structure.files import File

    for source, page in OUTSIDE.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page; code blocks stay as they are."""
    here = {each.src_uri for each in files}
    parts = _FENCED.split(markdown)
    for index in range(0, len(parts), 2):
        parts[index] = _LINK.sub(
            lambda found: site_link(found[1], page.file.src_uri, here, config.repo_url or ""),
            parts[index],
        )
    return "".join(parts)


def site_link(link: str, page: str, here: set[str], repository: str) -> str:
    """Return the link that does on the site what `link` does in the repository.

    A link to a file that does not exist stays as it is, and a strict build complains about it.

    Args:
        link: a relative path.
        page: the page that has the link, as a path on the site.
        here: all files of the site.
        repository: the repository's URL.
    """
    sources = {there: here for here, there in OUTSIDE.items()}
    source = PurePosixPath(sources.get(page, f"docs/{page}"))
    target = normpath(str(source.parent / link))
    there = OUTSIDE.get(target)
    if there is None and target.startswith("docs/"):
        there = target.removeprefix("docs/")
    if there in here:
        return relpath(there, str(PurePosixPath(page).parent))
    if not (ROOT / target).exists():
        return link
    return f"{repository.rstrip('/')}/blob/main/{target}"

"""A hook of MkDocs: files beside `docs/` become pages, and links work in the repository and on the site.

README.md is the site's first page. In the sources, links are relative paths as the repository's viewer wants them. On the
site, a link to a file that is a page leads to the page, and one to any other file of the repository to the repository.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Files of the repository that are pages, though they are not in `docs/`: path in the repository, path on the site."""

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
_FENCED = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in `docs/`."""
    for source, page in OUTSIDE.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page; code blocks stay as they are."""
    parts = _FENCED.split(markdown)
    for index in range(0, len(parts), 2):
        parts[index] = _LINK.sub(
            lambda found: site_link(found[1], page.file.src_uri, config.repo_url or ""),
            parts[index],
        )
    return "".join(parts)


def site_link(link: str, page: str, repository: str) -> str:
    """Return the link of a page (a path on the site) that does on the site what `link` does in the repository.

    A link to a file that does not exist stays as it is, and a strict build complains about it.
    """
    sources = {there: here for here, there in OUTSIDE.items()}
    source = PurePosixPath(sources.get(page, f"docs/{page}"))
    target = normpath(str(source.parent / link))
    there = OUTSIDE.get(target)
    if there is None and target.startswith("docs/") and target.endswith(".md"):
        there = target.removeprefix("docs/")
    if there is not None:
        return relpath(there, str(PurePosixPath(page).parent))
    if not (ROOT / target).exists():
        return link
    return f"{repository.rstrip('/')}/blob/main/{target}"

"""The code blocks of the documentation's pages."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from suite_command import ROOT

LANGUAGES = frozenset({"console", "python", "toml", "yaml", "json", "ini", "text"})
"""What the first word after ``` may be; `text` is for what nobody types: pictures and output."""

_TITLE = re.compile(r'\btitle="([^"]+)"')
_FIRST_LINE = re.compile(r"# ([\w./-]+\.\w+)\n")


@dataclass(frozen=True)
class Block:
    """A code block.

    `title` is the name of the file that readers put it into, None for others. It stands behind the
    language (`title="test_it.py"`), or is the first line, as a comment.
    """

    page: Path
    line: int  # of its first line
    language: str
    title: str | None
    code: str

    @property
    def place(self) -> str:
        """The block's page and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass
class Command:
    """A command of a console block: its words, and the lines that the page shows below it."""

    block: Block
    text: str
    output: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """The command as a shell reads it; a comment at its end is left out."""
        return shlex.split(self.text, comments=True)


def pages() -> list[Path]:
    """Return the pages whose blocks are checked: the site's, and those that packages show."""
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    for pattern in ("docs/**/*.md", "packages/*/README.md", "packages/*/training/README.md"):
        found += sorted(ROOT.glob(pattern))
    return found


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page, also those of its lists and boxes."""
    found = []
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type not in ("fence", "code_block"):
            continue
        assert token.map is not None
        language = token.info.partition(" ")[0]
        title = _TITLE.search(token.info) or _FIRST_LINE.match(token.content)
        found.append(
            Block(page, token.map[0] + 1, language, title[1] if title else None, token.content)
        )
    return found


def commands(block: Block) -> list[Command]:
    """Return the commands of a console block: lines with `$ `, and what continues them."""
    found: list[Command] = []
    continued = False
    for line in block.code.splitlines():
        if continued:
            found[-1].text += "\n" + line
        elif line.startswith("$ "):
            found.append(Command(block, line[2:]))
        elif found:
            found[-1].output.append(line)
        else:
            raise ValueError(f"{block.place}: a console block begins with a command, `$ ...`")
        continued = found[-1].text.endswith("\\")
    return found

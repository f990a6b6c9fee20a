"""Reading the built-in catalog file and the user's."""

import difflib
from pathlib import Path
from typing import Any

import msgspec

from model_fixtures.regular_files import read_regular
from model_fixtures.user_paths import expanded

from .errors import CatalogError
from .gguf_header import LONGEST_CONTEXT
from .models import Domain

# Keys whose value is a path, which is relative to the folder of the catalog file.
FILE_KEYS = frozenset({"file", "projector", "adapter"})
# The server reads the downloads: model_fixtures/server/repository/download_list.py.
TABLES = ("models", "downloads")
MOST_BYTES = 16 * 2**20  # of a catalog file


class StandIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The facts about stand-in weights, from their table in the built-in file.

    `weights` is their name in `model_fixtures.weights` if it differs from the table's own.
    `projector` is a file of that package with which they accept images.
    """

    name: str
    domain: Domain
    architecture: str
    params: str
    quantization: str
    max_context_length: int
    dimensions: int | None = None
    weights: str | None = None
    projector: str | None = None
    tool_use: bool = False
    greedy: bool = False


class CatalogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[models]]` table. Only `key` is required; settings that it leaves out are None."""

    key: str
    path: str | None = None
    domain: Domain | None = None
    name: str | None = None
    required: bool | None = None
    context_length: int | None = None
    weights: str | None = None
    file: Path | None = None
    projector: Path | None = None
    adapter: Path | None = None


class BuiltIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of the built-in file."""

    stand_ins: dict[str, StandIn]
    models: list[CatalogEntry]


def read_built_in() -> tuple[dict[str, StandIn], dict[str, CatalogEntry]]:
    """Return the stand-ins by name and the models by key of the built-in catalog."""
    text = Path(__file__).with_name("catalog.toml").read_bytes()
    built_in = msgspec.toml.decode(text, type=BuiltIn)
    return built_in.stand_ins, {entry.key: entry for entry in built_in.models}


def read_tables(source: Path, name: str) -> list[dict[str, Any]]:
    """Return the `[[name]]` tables of the user's catalog file, unchecked.

    Raises:
        CatalogError: the file cannot be read, or is not a catalog file.
    """
    try:
        tables = msgspec.toml.decode(read_regular(source, MOST_BYTES))
    except OSError as error:
        raise CatalogError(
            f"{source}: cannot be read ({error.strerror});"
            " LMSTUDIO_TEST_CATALOG must name a TOML file"
        ) from None
    except RecursionError:
        raise CatalogError(f"{source}: its values are nested too deep; make them flat") from None
    except (msgspec.DecodeError, ValueError) as error:
        # The TOML reader's message names line and column. Not all of its errors are DecodeErrors:
        # a number with thousands of digits is a plain ValueError.
        what = str(error).partition("\n")[0]
        raise CatalogError(f"{source}: correct the TOML there: {what}") from None
    unknown = [key for key in tables if key not in TABLES]
    if unknown:
        raise CatalogError(
            f"{source}: unknown key {unknown[0]!r}; all settings go in [[models]] tables,"
            " and what can be downloaded in [[downloads]] tables"
        )
    found = tables.get(name, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        raise CatalogError(f"{source}: {name!r} must be written as [[{name}]] tables")
    return found


def read_entries(source: Path) -> dict[str, CatalogEntry]:
    """Return the models of the user's catalog file by key.

    Raises:
        CatalogError: the file cannot be read, or a setting makes no sense.
    """
    entries: dict[str, CatalogEntry] = {}
    for number, table in enumerate(read_tables(source, "models"), start=1):
        entry = _entry(source, number, table)
        if entry.key in entries:
            raise CatalogError(
                f"{source}: two [[models]] tables have the key {entry.key!r}; merge them into one"
            )
        entries[entry.key] = entry
    return entries


def _entry(source: Path, number: int, table: dict[str, Any]) -> CatalogEntry:
    named = table.get("key")
    place = f"{source}: model {named!r}" if named else f"{source}: [[models]] table {number}"
    allowed = CatalogEntry.__struct_fields__
    for key in table:
        if key not in allowed:
            close = difflib.get_close_matches(key, allowed, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(allowed)}"
            raise CatalogError(f"{place}: unknown key {key!r}; {advice}")
    if not named:
        raise CatalogError(f"{place}: 'key' is missing; give the model's key")
    for key in FILE_KEYS & table.keys():
        if not isinstance(table[key], str):
            raise CatalogError(f"{place}: {key!r} must be a path in quotes")
        path = source.parent.absolute() / expanded(table[key])
        if not path.is_file():
            raise CatalogError(
                f"{place}: {key!r} names {path}, which is not a file; correct the path"
            )
        table[key] = path
    try:
        entry = msgspec.convert(table, CatalogEntry)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        key = repr(where.removesuffix("`")) if where else "the table"
        raise CatalogError(f"{place}: {key} is wrong: {what}; correct the value") from None
    if entry.file is not None and entry.weights is not None:
        raise CatalogError(f"{place}: 'file' and 'weights' exclude each other; remove one")
    if entry.context_length is not None and entry.context_length < 1:
        raise CatalogError(f"{place}: 'context_length' must be at least 1")
    if (entry.context_length or 0) > LONGEST_CONTEXT:
        raise CatalogError(f"{place}: 'context_length' must be at most {LONGEST_CONTEXT}")
    return entry

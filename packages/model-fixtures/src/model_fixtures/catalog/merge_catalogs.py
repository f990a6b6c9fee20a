"""Merging the built-in catalog with the user's settings."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from model_fixtures.regular_files import has_sendable_name
from model_fixtures.user_paths import expanded
from model_fixtures.weights import data_file

from .catalog_files import CatalogEntry, StandIn, read_built_in, read_entries
from .errors import CatalogError
from .gguf_header import GgufHeader, GgufHeaderError, read_header
from .models import Catalog, CatalogModel, Domain

CATALOG_VARIABLE = "LMSTUDIO_TEST_CATALOG"
MODELS_VARIABLE = "LMSTUDIO_TEST_MODELS"
# The context that LM Studio loads an LLM with by default.
DEFAULT_CONTEXT_LENGTH = 4096
# A part of a path that cannot lead out of the models folder, on any system.
PATH_PART = re.compile(r"[^.\\:\x00-\x1f\x7f][^\\:\x00-\x1f\x7f]*")
# The stand-in for an adapter whose table names neither file nor weights.
PLAIN = "smollm2"
# The architectures that llama.cpp only uses for embeddings.
EMBEDDING_ARCHITECTURES = frozenset(
    {
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
    }
)
UNKNOWN = GgufHeader(
    architecture=None,
    params=None,
    quantization=None,
    context_length=None,
    embedding_length=None,
    tool_use=False,
)


def read_catalog(environ: Mapping[str, str] | None = None) -> Catalog:
    """Read the built-in catalog and apply the changes that the user's environment asks for.

    LMSTUDIO_TEST_CATALOG names a TOML file whose `[[models]]` tables change entries or add some.
    LMSTUDIO_TEST_MODELS names a folder laid out like LM Studio's; files there replace stand-ins.
    The server also lists the others that are there, but they are no models of the suite. A file or
    weights named in the TOML file take precedence over the folder.

    Args:
        environ: the environment variables; by default those of this process.

    Raises:
        CatalogError: a setting makes no sense.
    """
    stand_ins, built_in = read_built_in()
    environ = os.environ if environ is None else environ
    named = environ.get(CATALOG_VARIABLE)
    source = expanded(named) if named else Path("catalog.toml")
    changes = read_entries(source) if named else {}
    folder = own_models_folder(environ)
    models: list[CatalogModel] = []
    for key in built_in | changes:
        change = changes.get(key, CatalogEntry(key=key))
        place = f"{source}: model {key!r}"
        try:
            entry = _merge(built_in.get(key), change, place, built_in)
            if folder is not None and change.file is None and change.weights is None:
                entry = _from_folder(entry, folder)
            model = _model(entry, stand_ins, place)
        except OSError as error:
            raise CatalogError(
                f"{error.filename}: cannot be read ({error.strerror}); make it readable"
            ) from None
        if (change.context_length or 0) > model.max_context_length:
            raise CatalogError(
                f"{place}: 'context_length' is {change.context_length};"
                f" the weights that answer support at most {model.max_context_length}"
            )
        models.append(model)
    _refuse_shared_paths(models, source)
    return Catalog(models=tuple(models))


def describe_file(file: Path, path: str, name: str) -> CatalogModel:
    """Describe a GGUF that no catalog entry names, from its header alone; `path` is also its key.

    Raises:
        GgufHeaderError: the file is not a sound GGUF.
        OSError: it cannot be read.
    """
    facts = read_header(file)
    embedding = facts.architecture in EMBEDDING_ARCHITECTURES
    domain: Domain = "embedding" if embedding else "llm"
    projector = None if embedding else _projector_beside(file)
    entry = CatalogEntry(key=path, path=path, required=False, file=file, projector=projector)
    return _finish(entry, path, name=name, domain=domain, facts=facts)


def own_models_folder(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder that LMSTUDIO_TEST_MODELS names; None if it is not set.

    Args:
        environ: the environment variables; by default those of this process.

    Raises:
        CatalogError: it is no folder.
    """
    named = (os.environ if environ is None else environ).get(MODELS_VARIABLE)
    if not named:
        return None
    folder = expanded(named).absolute()
    if not folder.is_dir():
        raise CatalogError(
            f"{folder}: is not a folder; {MODELS_VARIABLE} must name one that holds"
            " <publisher>/<repo>/<file>.gguf"
        )
    return folder


def _from_folder(entry: CatalogEntry, folder: Path) -> CatalogEntry:
    found = folder / (entry.path or "")
    if not found.is_file():
        return entry
    return msgspec.structs.replace(entry, file=found, weights=None)


def _merge(
    old: CatalogEntry | None, change: CatalogEntry, place: str, known: Mapping[str, CatalogEntry]
) -> CatalogEntry:
    """Return `old` with the settings that `change` has; `known` are the catalog's entries."""
    if old is None:
        if change.path is None or (change.file is None and change.weights is None):
            raise CatalogError(
                f"{place}: the catalog has no such key; use one of {', '.join(known)},"
                " or give 'path' and 'file' to add a model"
            )
        old = CatalogEntry(key=change.key, required=False)
    given = {
        field: value for field, value in msgspec.structs.asdict(change).items() if value is not None
    }
    if "file" in given:
        given["weights"] = None
    elif "adapter" in given and "weights" not in given:
        given["weights"] = PLAIN
    entry = msgspec.structs.replace(old, **given)
    parts = (entry.path or "").split("/")
    if len(parts) != 3 or not all(parts) or not parts[-1].lower().endswith(".gguf"):
        raise CatalogError(f"{place}: 'path' must have the form publisher/repo/file.gguf")
    if not all(map(PATH_PART.fullmatch, parts)):
        raise CatalogError(
            f"{place}: 'path' has a part that begins with a dot, or a colon, a backslash or a"
            " control character; leave those out"
        )
    return entry


def _model(entry: CatalogEntry, stand_ins: Mapping[str, StandIn], place: str) -> CatalogModel:
    if entry.file is not None:
        return _real_model(entry, entry.file, place)
    return _stand_in_model(entry, stand_ins, place)


def _stand_in_model(
    entry: CatalogEntry, stand_ins: Mapping[str, StandIn], place: str
) -> CatalogModel:
    domain: Domain = entry.domain or "llm"
    stand_in = stand_ins.get(entry.weights or "")
    if stand_in is None or stand_in.domain != domain:
        fitting = [name for name, each in stand_ins.items() if each.domain == domain]
        raise CatalogError(
            f"{place}: 'weights' is {entry.weights!r}; for the domain {domain!r}"
            f" choose {' or '.join(map(repr, fitting))}"
        )
    projector = None if stand_in.projector is None else data_file(stand_in.projector)
    entry = msgspec.structs.replace(
        entry,
        weights=stand_in.weights or entry.weights,
        projector=entry.projector or projector,
    )
    name = entry.name or entry.key
    if name != stand_in.name:
        name = f"{stand_in.name} (stand-in for {name})"
    model = _finish(
        entry,
        place,
        name=name,
        domain=domain,
        facts=GgufHeader(
            architecture=stand_in.architecture,
            params=stand_in.params,
            quantization=stand_in.quantization,
            context_length=stand_in.max_context_length,
            embedding_length=stand_in.dimensions,
            tool_use=stand_in.tool_use,
        ),
    )
    return msgspec.structs.replace(model, greedy=stand_in.greedy)


def _real_model(entry: CatalogEntry, file: Path, place: str) -> CatalogModel:
    """Describe a GGUF of the user's; a damaged one is listed too, and loading it says why."""
    problem: str | None = None
    facts = UNKNOWN
    try:
        facts = read_header(file)
    except GgufHeaderError as error:
        problem = f"{file} {error}: replace the file or point the catalog at another one"
    except OSError as error:
        problem = f"{file} cannot be read ({error.strerror}): make it readable"
    domain: Domain = entry.domain or "llm"
    if entry.projector is None and domain == "llm":
        entry = msgspec.structs.replace(entry, projector=_projector_beside(file))
    return _finish(
        entry, place, name=entry.name or entry.key, domain=domain, facts=facts, problem=problem
    )


def _finish(
    entry: CatalogEntry,
    place: str,
    *,
    name: str,
    domain: Domain,
    facts: GgufHeader,
    problem: str | None = None,
) -> CatalogModel:
    llm = domain == "llm"
    wanted = entry.context_length or DEFAULT_CONTEXT_LENGTH
    most = facts.context_length or wanted
    return CatalogModel(
        key=entry.key,
        path=entry.path or "",
        domain=domain,
        display_name=name,
        architecture=facts.architecture,
        params=facts.params,
        quantization=facts.quantization,
        vision=llm and entry.projector is not None,
        tool_use=llm and (facts.tool_use or entry.adapter is not None),
        max_context_length=most,
        context_length=min(wanted, most),
        required=entry.required is not False,
        dimensions=None if llm else facts.embedding_length,
        weights=entry.weights,
        file=entry.file,
        projector=entry.projector,
        adapter=entry.adapter,
        problem=problem,
    )


def _projector_beside(file: Path) -> Path | None:
    beside = sorted(
        path
        for path in file.parent.iterdir()
        if path.name.lower().startswith("mmproj")
        and path.suffix.lower() == ".gguf"
        and path != file
        and has_sendable_name(path)
        and path.is_file()  # llama.cpp would wait for a FIFO
    )
    return beside[0] if beside else None


def _refuse_shared_paths(models: list[CatalogModel], source: Path) -> None:
    keys: dict[str, str] = {}
    for model in models:
        other = keys.setdefault(model.path.lower(), model.key)
        if other != model.key:
            raise CatalogError(
                f"{source}: model {model.key!r}: 'path' is that of {other!r}; give each its own"
            )

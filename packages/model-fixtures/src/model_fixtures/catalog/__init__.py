"""The models that the suite expects, and which weights answer for each.

Without settings all are stand-ins (see `catalog.toml` and `model_fixtures.weights`). Real GGUF
files come in by LMSTUDIO_TEST_MODELS, a folder laid out like LM Studio's models folder, or by
LMSTUDIO_TEST_CATALOG, a TOML file with tables such as

    [[models]]
    key = "llama-3.2-1b-instruct"
    file = "/data/llama-3.2-1b-instruct-q8_0.gguf"

A table changes the model with its key; all but `key` may be left out: `file`, `projector`,
`adapter` (paths, relative ones from the TOML file's folder), `weights` (the name of a stand-in in
`catalog.toml`), `name`, `context_length` (tokens), `required`, and for a model that the catalog
lacks `path` (`publisher/repo/file.gguf`) and `domain`.
A `projector` (mmproj) lets `file` read images; without one an `mmproj*.gguf` beside it does. An
`adapter` (LoRA) teaches it tools; without `file` or `weights` it is one of plain SmolLM2's.

The file may also have `[[downloads]]` tables: what the embedded server offers for download, see
`model_fixtures.server.repository`.
"""

from model_fixtures.catalog.errors import CatalogError
from model_fixtures.catalog.models import Catalog, CatalogModel, Domain

from .gguf_header import HeaderError
from .merge_catalogs import describe_file, load_catalog
from .model_files import answering_file, needed_weights, size_bytes

__all__ = [
    "Catalog",
    "CatalogError",
    "CatalogModel",
    "Domain",
    "HeaderError",
    "answering_file",
    "describe_file",
    "load_catalog",
    "needed_weights",
    "size_bytes",
]

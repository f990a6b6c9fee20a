"""The models that the suite expects, and the weights that answer for each.

Without settings, all of them are stand-ins (see `catalog.toml` and `model_fixtures.weights`). Two
variables put real GGUF files in their place: LMSTUDIO_TEST_MODELS names a folder laid out like LM
Studio's models folder (the server lists its other files, too), and LMSTUDIO_TEST_CATALOG names a
TOML file with tables such as

    [[models]]
    key = "llama-3.2-1b-instruct"
    file = "/data/llama-3.2-1b-instruct-q8_0.gguf"

A table changes the model with its key. Every setting but `key` may be left out: `file`,
`projector` and `adapter` (paths, relative to the folder of the TOML file), `weights` (the name of a
stand-in in `catalog.toml`), `name`, `context_length` (tokens) and `required`. A model that the
catalog lacks also has `path` (`publisher/repo/file.gguf`) and `domain`.
With a `projector` (mmproj) the model accepts images; by default that is an `mmproj*.gguf` beside
`file`. With an `adapter` (LoRA) it calls tools; without `file` or `weights`, the adapter belongs to
plain SmolLM2.

The file may also have `[[downloads]]` tables, which the embedded server offers for download (see
`model_fixtures.server.repository`).
"""

from .errors import CatalogError
from .gguf_header import GgufHeaderError
from .merge_catalogs import (
    CATALOG_VARIABLE,
    MODELS_VARIABLE,
    describe_file,
    own_models_folder,
    read_catalog,
)
from .model_files import answering_file, needed_weights, size_bytes
from .models import Catalog, CatalogModel, Domain

__all__ = [
    "CATALOG_VARIABLE",
    "MODELS_VARIABLE",
    "Catalog",
    "CatalogError",
    "CatalogModel",
    "Domain",
    "GgufHeaderError",
    "answering_file",
    "describe_file",
    "needed_weights",
    "own_models_folder",
    "read_catalog",
    "size_bytes",
]

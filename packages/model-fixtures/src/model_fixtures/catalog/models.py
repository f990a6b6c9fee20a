"""The models of the catalog, and finding them by the names that clients use."""

import re
from pathlib import Path
from typing import Literal

import msgspec

Domain = Literal["llm", "embedding"]


class CatalogModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the suite: what clients see of it, and which weights answer.

    Either `weights` (the name of stand-in weights) or `file` (a GGUF of the user's) is set.
    `architecture`, `params`, `quantization`, `max_context_length` (tokens), `vision` and `tool_use`
    are those of the weights that answer; None means unknown. The suite loads the model with `key`
    as identifier.
    """

    key: str
    path: str
    """`publisher/repo/file.gguf`, as LM Studio shows it."""
    domain: Domain
    display_name: str
    """If a stand-in answers, it names both models."""
    architecture: str | None
    params: str | None
    quantization: str | None
    vision: bool
    tool_use: bool
    max_context_length: int
    context_length: int
    """The context that the suite loads the model with, in tokens."""
    required: bool
    """Whether the suite expects it to be loaded."""
    dimensions: int | None = None
    """The length of an embedding model's vectors."""
    weights: str | None = None
    file: Path | None = None
    projector: Path | None = None
    """The GGUF with which `file` or the stand-in accepts images."""
    adapter: Path | None = None
    """A LoRA (GGUF) of the user's with which the model calls tools."""
    greedy: bool = False
    """Whether the defaults are no repeat penalty and always the likeliest token."""
    problem: str | None = None
    """Why `file` cannot be loaded, in one line; None if it looks sound."""

    @property
    def stand_in(self) -> bool:
        """Whether the suite's own small weights answer instead of a GGUF of the user's."""
        return self.file is None

    @property
    def trained_tool_format(self) -> bool:
        """Whether the weights were trained on this package's own tool prompts."""
        return self.stand_in and self.tool_use

    @property
    def publisher(self) -> str:
        """The first part of the path."""
        return self.path.partition("/")[0]

    @property
    def repository(self) -> str:
        """The path without the file: `publisher/repo`."""
        return _repository(self.path)

    def is_listed_as(self, key: str, path: str) -> bool:
        """Return whether a host that lists a model under this key and path means this model.

        Hosts put `publisher/` before keys and `@quantization` behind them where several models
        share one; the model is also recognized by its repository.
        """
        return key.partition("@")[0] in (self.key, f"{self.publisher}/{self.key}") or (
            _repository(path).lower() == self.repository.lower() != ""
        )

    def has_name(self, name: str) -> bool:
        """Return whether a name with a publisher means this model, in any case.

        That is the path or a leading part of it, or `publisher/key`.
        """
        return _is_full_name(self, name) or _is_leading_part(self, name)

    def is_at(self, path: str) -> bool:
        """Return whether this is the model's whole path, or its repository."""
        return path in (self.path, self.repository)

    @property
    def quantization_bits(self) -> int | None:
        """The nominal bits of a weight: 4 for Q4_K_M, 16 for BF16."""
        digits = re.search(r"\d+", self.quantization or "")
        return int(digits[0]) if digits else None


class Catalog(msgspec.Struct, frozen=True):
    """All models, in the order in which they are listed."""

    models: tuple[CatalogModel, ...]

    @property
    def required(self) -> tuple[CatalogModel, ...]:
        """The models that the suite expects to be loaded."""
        return tuple(model for model in self.models if model.required)

    def find(self, name: str, domain: Domain | None = None) -> list[CatalogModel]:
        """Return the models that a client may mean by `name`, in catalog order.

        The first of these rules with a match decides: the key; the key in any case; the full path
        or `publisher/key`; a leading part of the path, with its publisher, that ends where a word
        ends (`hugging-quants/llama-3.2-1b-instruct`). The last three ignore case. Each name may
        end in `@` and the quantization of the weights that answer or of the path. Several matches
        mean that the name is ambiguous.
        """
        models = [model for model in self.models if domain in (None, model.domain)]
        base, at, quantization = name.rpartition("@")
        for wanted, among in (
            (name, models),
            (base, [model for model in models if at and _has_quantization(model, quantization)]),
        ):
            for rule in (_is_key, _is_key_in_any_case, _is_full_name, _is_leading_part):
                matches = [model for model in among if rule(model, wanted)]
                if matches:
                    return matches
        return []


def _repository(path: str) -> str:
    """Return the first two parts of a model's path; nothing for a path of one part."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) >= 2 else ""


def _has_quantization(model: CatalogModel, wanted: str) -> bool:
    named = re.escape(wanted.lower())
    in_path = re.search(rf"(?<![a-z0-9]){named}(?![a-z0-9_])", model.path.lower())
    return bool(wanted) and (
        in_path is not None or wanted.lower() == (model.quantization or "").lower()
    )


def _is_key(model: CatalogModel, name: str) -> bool:
    return name == model.key


def _is_key_in_any_case(model: CatalogModel, name: str) -> bool:
    return name.lower() == model.key.lower()


def _is_full_name(model: CatalogModel, name: str) -> bool:
    """Return whether a name is the path, or `publisher/key`, in any case."""
    # LM Studio puts `text-embedding-` before keys; `nomic-ai/nomic-embed-text-v1.5` lacks it.
    bare = model.key.removeprefix("text-embedding-")
    full = (model.path, f"{model.publisher}/{model.key}", f"{model.publisher}/{bare}")
    return name.lower() in (each.lower() for each in full)


def _is_leading_part(model: CatalogModel, name: str) -> bool:
    """Return whether a name is a leading part of the path that ends where a word ends."""
    start, path = name.lower(), model.path.lower()
    if "/" not in start or not path.startswith(start):
        return False
    # 'publisher/llama-3' must not mean 'publisher/llama-30b', nor 'publisher/' all of its models.
    return start[-1].isalnum() and not path[len(start) :][:1].isalnum()

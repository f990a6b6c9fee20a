"""A small catalog, and a host with its models."""

from __future__ import annotations

import pytest
from model_fixtures.catalog import Catalog, CatalogModel, Domain

from ..fake_host import FakeHost, info  # noqa: TID252 (tests are not an importable package)


def model(key: str, path: str, domain: Domain = "llm", **more: object) -> CatalogModel:
    """Return a catalog model; by default the suite loads it with 4096 tokens."""
    settings: dict[str, object] = {
        "display_name": key,
        "architecture": None,
        "params": None,
        "quantization": None,
        "vision": False,
        "tool_use": False,
        "max_context_length": 8192,
        "context_length": 4096,
        "required": True,
        "weights": "smollm2",
    }
    return CatalogModel(key=key, path=path, domain=domain, **{**settings, **more})  # type: ignore[arg-type]


@pytest.fixture
def catalog() -> Catalog:
    """Provide two required LLMs and an embedding model, and an LLM that is not required."""
    return Catalog(
        models=(
            model("embed", "pub/embed-GGUF/embed.gguf", "embedding", context_length=2048),
            model("one", "pub/One-GGUF/one-q4.gguf"),
            model("two", "pub/Two-GGUF/two-q4.gguf"),
            model("jit", "pub/Jit-GGUF/jit.gguf", required=False),
        )
    )


@pytest.fixture
def host(fake_host: FakeHost, catalog: Catalog) -> FakeHost:
    """Provide a host that has downloaded the catalog and another model, and loaded nothing."""
    fake_host.downloaded = [info(each.key, each.path, each.domain) for each in catalog.models]
    fake_host.downloaded.append(info("other", "pub/Other-GGUF/other.gguf"))
    return fake_host

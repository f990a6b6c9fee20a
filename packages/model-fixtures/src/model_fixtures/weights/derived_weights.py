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

CHAT_ADAPTER = "smollm2-135m-chat.lora.gguf"
TOOLS_ADAPTER = "smollm2-135m-tools.lora.gguf"
# The SHA-256 of the adapters in `weights/data`. After training, write the new digest here.
ADAPTERS: Mapping[str, str] = MappingProxyType(
    {
        CHAT_ADAPTER: "ab23f0ab3bb0f150f35292f968ea949cafd4d3d0e53ea0f365a78ebce35ea345",
        TOOLS_ADAPTER: "8193eeca0374fa8e5fb5f74c926f8b80d52885870d0ad40cdda41fcc91d4cd29",
    }
)


def data_file(name: str) -> Path:
    """Return the path of a file in `weights/data`."""
    return Path(__file__).parent / "data" / name


def adapter(name: str) -> Path:
    """Return the path of an adapter in `weights/data`.

    Raises:
        WeightsError: the file is missing or not the expected one.
    """
    path = data_file(name)
    if not path.is_file():
        raise WeightsError(f"{path} is missing: reinstall {DISTRIBUTION}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != ADAPTERS[name]:
        raise WeightsError(
            f"{path} has the digest {digest}: reinstall {DISTRIBUTION}, or after training"
            " write the digest to ADAPTERS in model_fixtures/weights/derived_weights.py"
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


Quantization = Literal["Q4_0", "Q8_0"]
_BYTES: Mapping[Quantization, int] = MappingProxyType({"Q4_0": 91_726_912, "Q8_0": 144_811_072})


# How the recipes of files name a quantization. When its rounding changes, the name must, too.
_ROUNDING: Mapping[Quantization, str] = MappingProxyType(
    {"Q4_0": "q4_0 with the best of six scales", "Q8_0": "q8_0"}
)


# The functions below import gguf and numpy late, since every start of pytest imports this module.
def _stored_as(to: Quantization) -> DerivedWeights:
    def make(base: Path, out: Path) -> None:
        from .merge_and_requantize import requantize

        requantize(base, out, to)

    return DerivedWeights(
        base=Weights.SMOLLM2,
        file=f"SmolLM2-135M-Instruct.{to}.gguf",
        file_bytes=_BYTES[to],
        recipe=_ROUNDING[to],
        make=make,
    )


def _merged(name: str, adapter_file: str, to: Quantization) -> DerivedWeights:
    def make(base: Path, out: Path) -> None:
        from .merge_and_requantize import merge_adapter

        merge_adapter(base, adapter(adapter_file), out, to)

    return DerivedWeights(
        base=Weights.SMOLLM2,
        file=f"SmolLM2-135M-Instruct-{name}.{to}.gguf",
        file_bytes=_BYTES[to],
        recipe=f"{_ROUNDING[to]} with adapter {ADAPTERS[adapter_file]}",
        make=make,
    )


DERIVED: Mapping[str, DerivedWeights] = MappingProxyType(
    {
        Weights.SMOLLM2_CHAT.value: _merged("chat", CHAT_ADAPTER, "Q4_0"),
        Weights.SMOLLM2_Q8_0.value: _stored_as("Q8_0"),
        Weights.SMOLLM2_TOOLS.value: _merged("tools", TOOLS_ADAPTER, "Q8_0"),
    }
)

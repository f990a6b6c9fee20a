"""Weights that are made on the user's machine from others, once: merged or stored in another form.

Files that come with this package, a few MB each, lie in `weights/data` with a card beside them.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec

from .errors import WeightsError
from .weight_sources import SOURCES, Weights

ADAPTER = "smollm2-135m-tools.lora.gguf"
ADAPTER_SHA256 = "8193eeca0374fa8e5fb5f74c926f8b80d52885870d0ad40cdda41fcc91d4cd29"


def data_file(name: str) -> Path:
    """Give the path of a file of `weights/data`."""
    return Path(__file__).parent / "data" / name


def adapter() -> Path:
    """Give the path of the adapter for tool use.

    Raises:
        WeightsError: it is missing or another one.
    """
    path = data_file(ADAPTER)
    if not path.is_file():
        raise WeightsError(f"{path} is missing: install lmstudio-model-fixtures anew")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != ADAPTER_SHA256:
        raise WeightsError(
            f"{path} has the digest {digest}: install lmstudio-model-fixtures anew, or after"
            " training put it into ADAPTER_SHA256 of model_fixtures/weights/derived_weights.py"
        )
    return path


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A GGUF in the cache that is made from another one.

    `recipe` names all that `make` does and uses besides: another one makes old files stale.
    """

    base: Weights
    file: str
    file_bytes: int
    recipe: str
    make: Callable[[Path, Path], None]

    @property
    def origin(self) -> str:
        """What the file is made from, like `Source.origin`."""
        return f"{SOURCES[self.base].origin}; {self.recipe}"


# gguf and numpy are not for every start of pytest.
def _stored_as(to: Literal["Q4_0", "Q8_0"], file_bytes: int) -> Derived:
    def make(base: Path, out: Path) -> None:
        from .rewrite_gguf import requantize

        requantize(base, out, to)

    file = f"SmolLM2-135M-Instruct.{to}.gguf"
    return Derived(
        base=Weights.SMOLLM2, file=file, file_bytes=file_bytes, recipe=to.lower(), make=make
    )


def _with_adapter(base: Path, out: Path) -> None:
    from .rewrite_gguf import merge_adapter

    merge_adapter(base, adapter(), out)


DERIVED: Mapping[str, Derived] = MappingProxyType(
    {
        Weights.SMOLLM2_Q4_0.value: _stored_as("Q4_0", 91_726_912),
        Weights.SMOLLM2_Q8_0.value: _stored_as("Q8_0", 144_811_072),
        Weights.SMOLLM2_TOOLS.value: Derived(
            base=Weights.SMOLLM2,
            file="SmolLM2-135M-Instruct-tools.Q8_0.gguf",
            file_bytes=144_811_072,
            recipe=f"q8_0 with adapter {ADAPTER_SHA256}",
            make=_with_adapter,
        ),
    }
)

"""Weights that come with this package, and those made from them on the user's machine."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import msgspec

from model_fixtures.weights.errors import WeightsError

DATA = Path(__file__).with_name("data")
RECIPE = "merged as Q8_0, first recipe"


class Packaged(msgspec.Struct, frozen=True):
    """A file of this package."""

    path: Path

    @property
    def sha256(self) -> str:
        """Lower-case hex. Raises `OSError`."""
        status = self.path.stat()
        return _sha256(self.path, status.st_size, status.st_mtime_ns)


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """Weights of the cache with an adapter of this package merged in: a file of its own there."""

    base: str
    adapter: Packaged
    file: str
    file_bytes: int

    @property
    def wheel_bytes(self) -> int:
        """What progress counts up to. There is no wheel, so it is the file's size."""
        return self.file_bytes

    def origin(self, base: str) -> str:
        """What the cached file is made from, given what its base is made from. Raises `OSError`."""
        return f"{base}; {RECIPE}; {self.adapter.path.name} {self.adapter.sha256}"

    def make(self, base: Path, output: Path) -> None:
        """Write `output`, which takes some seconds. Raises `WeightsError`, `OSError`."""
        from model_fixtures.weights.merge import merge_adapter

        try:
            merge_adapter(base, self.adapter.path, output)
        except ValueError as problem:
            raise WeightsError(f"{problem}: install lmstudio-model-fixtures anew") from problem


@lru_cache(maxsize=8)
def _sha256(path: Path, _size: int, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


PACKAGED: Mapping[str, Packaged] = MappingProxyType(
    {"smollm2-vision": Packaged(DATA / "smollm2-135m-vision.mmproj.gguf")}
)
MERGED: Mapping[str, Merged] = MappingProxyType(
    {
        "smollm2-tools": Merged(
            base="smollm2",
            adapter=Packaged(DATA / "smollm2-135m-tools.lora.gguf"),
            file="SmolLM2-135M-Instruct-tools.Q8_0.gguf",
            file_bytes=144_811_072,
        )
    }
)

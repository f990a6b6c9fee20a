"""The command line of scripts for which the base model writes texts."""

from __future__ import annotations

import argparse
from pathlib import Path


def base_model_parser(
    prog: str, description: str | None, count: int, counted: str
) -> argparse.ArgumentParser:
    """Return a parser with `--base`, `--out` and `--count`; `counted` says what is counted."""
    parser = argparse.ArgumentParser(prog=f"python -m {prog}", description=description)
    parser.add_argument("--base", type=Path, required=True, help="GGUF file of SmolLM2")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument(
        "--count", type=int, default=count, help=f"number of {counted} (default: %(default)s)"
    )
    return parser

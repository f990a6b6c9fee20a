"""The command line with which a checkpoint is scored in llama.cpp, for tool use and chat."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def score_parser(
    module: str, description: str | None, kinds: Sequence[str], what: str
) -> argparse.ArgumentParser:
    """Return a parser for ``python -m MODULE``; ``what`` names what the evaluation counts."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--model", type=Path, required=True, help="GGUF model, merged or plain")
    parser.add_argument("--adapter", type=Path, help="GGUF adapter for a plain model")
    parser.add_argument(
        "--count", type=int, default=200, help=f"{what} of each kind (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        default="final",
        help="any text; use 'valid' to choose checkpoints (default: %(default)s)",
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        metavar="KIND",
        choices=kinds,
        default=list(kinds),
        help=f"kinds of {what} (default: {' '.join(kinds)})",
    )
    parser.add_argument("--out", type=Path, help="also write scores and failures as JSON")
    return parser

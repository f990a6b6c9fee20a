"""Where the server keeps what outlives it, laid out like LM Studio's home."""

from __future__ import annotations

from pathlib import Path

from model_fixtures.user_paths import cache_folder, expanded


def home_folder(named: str | None = None) -> Path:
    """Return the folder that was named, else the one in the cache. It need not exist."""
    return expanded(named).absolute() if named else cache_folder() / "home"


def models_folder(home: Path) -> Path:
    """Return the folder of downloaded models, `<publisher>/<repo>/<file>.gguf` in it."""
    return home / "models"

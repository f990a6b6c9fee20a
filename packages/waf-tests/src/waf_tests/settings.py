"""What the commands and the tests of a real host take from the environment and from `.env`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values, find_dotenv

from .secret import Secret

HOST_VARIABLE = "LMSTUDIO_CLOUDFLARE_HOST"
KEY_VARIABLE = "LMSTUDIO_X_API_KEY"
TOKEN_VARIABLE = "LMSTUDIO_API_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True)
class Settings:
    """A real host behind Cloudflare and what opens it; None for what is not set or empty."""

    host: str | None
    key: Secret | None
    token: Secret | None


def read_settings(environment: Mapping[str, str], env_file: Path | None) -> Settings:
    """Read the variables; those of the environment come before those of the file.

    Nothing is written into the process environment: clients that are made later do not get a key
    that is meant for the real host.
    """
    from_file = dotenv_values(env_file, interpolate=False) if env_file else {}

    def value(name: str) -> str | None:
        return environment.get(name) or from_file.get(name) or None

    key, token = value(KEY_VARIABLE), value(TOKEN_VARIABLE)
    return Settings(
        host=value(HOST_VARIABLE),
        key=Secret(key) if key else None,
        token=Secret(token) if token else None,
    )


def find_settings() -> Settings:
    """Read the process environment and the nearest `.env`, from the working directory upwards."""
    found = find_dotenv(usecwd=True)
    return read_settings(os.environ, Path(found) if found else None)


def host_with_scheme(host: str) -> str:
    """Return the host as a client takes it: a bare name behind Cloudflare means HTTPS."""
    if "://" in host or ":" in host.rpartition("]")[2]:
        return host
    return f"https://{host}"

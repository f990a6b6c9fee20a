"""What the commands and the tests of a real host take from the environment and from `.env`."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import find_dotenv
from dotenv.parser import parse_stream

from .secret import Secret

HOST_VARIABLE = "LMSTUDIO_CLOUDFLARE_HOST"
KEY_VARIABLE = "LMSTUDIO_X_API_KEY"
TOKEN_VARIABLE = "LMSTUDIO_API_TOKEN"  # noqa: S105 - the name of a variable
ACCESS_ID_VARIABLE = "LMSTUDIO_CF_ACCESS_CLIENT_ID"
ACCESS_SECRET_VARIABLE = "LMSTUDIO_CF_ACCESS_CLIENT_SECRET"  # noqa: S105 - the name of a variable

_ACCESS_HEADERS = {
    ACCESS_ID_VARIABLE: "CF-Access-Client-Id",
    ACCESS_SECRET_VARIABLE: "CF-Access-Client-Secret",
}


class SettingsError(Exception):
    """The settings cannot be read; one line that says where and what to do."""


@dataclass(frozen=True)
class Settings:
    """A real host behind Cloudflare and what opens it; None for what is not set or empty.

    `access`: the headers with a service token for Cloudflare Access; empty without one.
    """

    host: str | None
    key: Secret | None
    token: Secret | None
    access: Mapping[str, Secret] = field(default_factory=dict)


def read_settings(environment: Mapping[str, str], env_file: Path | None) -> Settings:
    """Read the variables; those of the environment come before those of the file.

    Nothing is written into the process environment: clients that are made later do not get a key
    that is meant for the real host. Raises SettingsError for a file that cannot be read, and for
    half a service token.
    """
    __tracebackhide__ = True  # test reports print locals, and these are keys
    from_file = _read_file(env_file) if env_file else {}

    def value(name: str) -> str | None:
        return environment.get(name) or from_file.get(name) or None

    def secret(name: str) -> Secret | None:
        found = value(name)
        return Secret(found) if found else None

    access = {header: secret(name) for name, header in _ACCESS_HEADERS.items()}
    given = {header: half for header, half in access.items() if half}
    if given and len(given) < len(access):
        raise SettingsError(
            f"a service token has two halves: set both {ACCESS_ID_VARIABLE} and "
            f"{ACCESS_SECRET_VARIABLE}, or none"
        )
    return Settings(
        host=value(HOST_VARIABLE),
        key=secret(KEY_VARIABLE),
        token=secret(TOKEN_VARIABLE),
        access=given,
    )


def find_settings() -> Settings:
    """Read the process environment and the nearest `.env`, from the working directory upwards."""
    try:
        found = find_dotenv(usecwd=True)
    except OSError as error:  # the working directory is gone
        raise SettingsError(f".env cannot be looked for: {error.strerror}") from None
    return read_settings(os.environ, Path(found) if found else None)


def host_with_scheme(host: str) -> str:
    """Return the host as a client takes it: a bare name behind Cloudflare means HTTPS."""
    if "://" in host or ":" in host.rpartition("]")[2]:
        return host
    return f"https://{host}"


def _read_file(path: Path) -> dict[str, str | None]:
    """Return the variables of an env file. Its lines are never repeated: a key may be in them."""
    __tracebackhide__ = True  # test reports print locals, and these are keys
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")  # some editors write a mark before the first name
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text:
        looks = " (it looks like UTF-16)" if b"\0" in data else ""
        raise SettingsError(f"{path} is not UTF-8 text{looks}; save it as UTF-8")
    bindings = list(parse_stream(io.StringIO(text)))
    broken = next((each.original.line for each in bindings if each.error), None)
    if broken is not None:
        raise SettingsError(f"{path}, line {broken}, cannot be read; write NAME=value")
    return {each.key: each.value for each in bindings if each.key is not None}

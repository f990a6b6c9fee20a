"""What the commands and the tests of a real host take from the environment and from `.env`."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dotenv.parser import parse_stream

from .secret import Secret

HOST_VARIABLE = "LMSTUDIO_CLOUDFLARE_HOST"
KEY_VARIABLE = "LMSTUDIO_X_API_KEY"
TOKEN_VARIABLE = "LMSTUDIO_API_TOKEN"  # noqa: S105 - the name of a variable
ACCESS_ID_VARIABLE = "LMSTUDIO_CF_ACCESS_CLIENT_ID"
ACCESS_SECRET_VARIABLE = "LMSTUDIO_CF_ACCESS_CLIENT_SECRET"  # noqa: S105 - the name of a variable

# Each variable and the header that its value is sent in.
ACCESS_VARIABLES = {
    ACCESS_ID_VARIABLE: "CF-Access-Client-Id",
    ACCESS_SECRET_VARIABLE: "CF-Access-Client-Secret",
}


class SettingsError(Exception):
    """The settings cannot be read; one line that says where and what to do."""


class UnreadableFileError(SettingsError):
    """An env file cannot be read."""


@dataclass(frozen=True)
class Settings:
    """A real host behind Cloudflare and what opens it; None for what is not set or empty.

    `access`: the headers with a service token for Cloudflare Access; empty without one.
    `key_file`: the file that a key is from, None for one from the environment.
    `notes`: one line for each file that the user may expect to be read, and that was not.
    """

    host: str | None
    key: Secret | None
    token: Secret | None
    access: Mapping[str, Secret] = field(default_factory=dict)
    key_file: Path | None = None
    notes: tuple[str, ...] = ()


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

    access = {header: secret(name) for name, header in ACCESS_VARIABLES.items()}
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
        key_file=None if environment.get(KEY_VARIABLE) else env_file,
    )


def find_settings(needed: Sequence[str] = (HOST_VARIABLE, KEY_VARIABLE)) -> Settings:
    """Read the process environment and the nearest `.env`, from the working directory upwards.

    A file that cannot be read is left out, with a note, if the environment has all variables that
    are `needed`. Raises SettingsError as `read_settings` does otherwise.
    """
    try:
        folder = Path.cwd()
    except OSError as error:  # it is gone
        raise SettingsError(f".env cannot be looked for: {error.strerror}") from None
    notes: list[str] = []
    env_file = _nearest_env_file(folder, notes)
    try:
        settings = read_settings(os.environ, env_file)
    except UnreadableFileError as error:
        if not all(os.environ.get(name) for name in needed):
            raise
        settings = read_settings(os.environ, None)
        notes.append(f"{error}; it is left out, since what is needed is set elsewhere")
    return replace(settings, notes=tuple(notes))


def _nearest_env_file(folder: Path, notes: list[str]) -> Path | None:
    """Return the first `.env` that is a file, from this folder upwards."""
    for each in (folder, *folder.parents):
        path = each / ".env"
        if path.is_file() or path.is_fifo():
            return path
        if path.is_dir():
            notes.append(f"{path} is a folder, not a file: nothing is read from it")
    return None


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
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")  # some editors write a mark before the first name
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text:
        looks = " (it looks like UTF-16)" if b"\0" in data else ""
        raise UnreadableFileError(f"{path} is not UTF-8 text{looks}; save it as UTF-8")
    bindings = list(parse_stream(io.StringIO(text)))
    broken = next((each.original.line for each in bindings if each.error), None)
    if broken is not None:
        raise UnreadableFileError(f"{path}, line {broken}, cannot be read; write NAME=value")
    return {each.key: each.value for each in bindings if each.key is not None}

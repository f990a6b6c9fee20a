"""Translate pip's settings for indexes, certificates and proxies into uv's environment variables.

Hatch installs with uv, which ignores pip's settings. Where packages come only from a mirror, often
only pip is set up for it. Settings of uv's own take precedence.
"""

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.request import url2pathname

UV_INDEXES = (
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_CONFIG_FILE",
)


def uv_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that uv needs and `environ` lacks.

    Indexes are not among them if uv has indexes of its own.
    """
    pip = pip_settings(environ)
    found = {
        "SSL_CERT_FILE": pip.get("cert", ""),
        "SSL_CLIENT_CERT": pip.get("client-cert", ""),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("timeout", pip.get("default-timeout", "")),
    }
    if not any(name.lower() in {"https_proxy", "all_proxy"} for name in environ):
        found |= {"HTTPS_PROXY": pip.get("proxy", ""), "HTTP_PROXY": pip.get("proxy", "")}
    if not any(name in environ for name in UV_INDEXES) and not uv_configuration(environ).exists():
        extra = " ".join(reachable(pip.get("extra-index-url", "")))
        found |= {
            "UV_DEFAULT_INDEX": pip.get("index-url", ""),
            "UV_INDEX": extra,
            "UV_INDEX_STRATEGY": "unsafe-best-match"
            if extra
            else "",  # like pip, which treats all indexes alike
            "UV_FIND_LINKS": ",".join(reachable(pip.get("find-links", ""))),
        }
    return {name: value for name, value in found.items() if value and name not in environ}


def pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings by their long option names, from its files and from `environ`.

    Variables take precedence over files, and later files over earlier ones.
    """
    settings: dict[str, str] = {}
    for file in configuration_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip itself reports what is wrong with the file
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return settings


def configuration_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield pip's configuration files, least important first, as pip's documentation lists them."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - never raises
    if sys.platform == "win32":
        yield Path(environ.get("PROGRAMDATA", "C:/ProgramData"), "pip", "pip.ini")
        yield home / "pip" / "pip.ini"
        yield Path(environ.get("APPDATA", home), "pip", "pip.ini")
    else:
        if sys.platform == "darwin":
            yield Path("/Library/Application Support/pip/pip.conf")
        for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
            yield Path(folder, "pip", "pip.conf")
        yield Path("/etc/pip.conf")
        yield home / ".pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / "Library" / "Application Support" / "pip" / "pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    yield Path(sys.prefix, "pip.ini" if sys.platform == "win32" else "pip.conf")
    if named:
        yield Path(named)


def uv_configuration(environ: Mapping[str, str]) -> Path:
    """Return the path of the user's uv.toml."""
    if sys.platform == "win32":
        return Path(environ.get("APPDATA", ""), "uv", "uv.toml")
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - never raises
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "uv", "uv.toml")


def reachable(locations: str) -> list[str]:
    """Return a setting's indexes or folders without missing local ones.

    Pip skips missing ones, but uv stops at them.
    """
    return [location for location in locations.split() if is_remote_or_exists(location)]


def is_remote_or_exists(location: str) -> bool:
    """Return whether a URL or a path is remote, or local and existing."""
    if location.startswith("file://"):
        return Path(url2pathname(location.removeprefix("file://"))).exists()
    return "://" in location or Path(location).exists()

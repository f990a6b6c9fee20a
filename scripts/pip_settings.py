"""What the user told pip about indexes, certificates and proxies, in the variables that uv reads.

Hatch installs with uv, which ignores pip's settings. Where packages come only through a mirror, pip
is often all that knows of it. Settings that uv has of its own always win.
"""

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

UV_INDEXES = (
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_CONFIG_FILE",
)


def uv_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables for uv that `environ` lacks; no indexes where uv has been given its own."""
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
            else "",  # as pip: all indexes are equal
            "UV_FIND_LINKS": ",".join(reachable(pip.get("find-links", ""))),
        }
    return {name: value for name, value in found.items() if value and name not in environ}


def pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Pip's settings by the name of their long option; the more important source wins."""
    settings: dict[str, str] = {}
    for file in configuration_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip says what is wrong with it
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return settings


def configuration_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Pip's configuration files, least important first (pip's documentation, "Configuration")."""
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
    """Return the user's own uv.toml."""
    if sys.platform == "win32":
        return Path(environ.get("APPDATA", ""), "uv", "uv.toml")
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - never raises
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "uv", "uv.toml")


def reachable(locations: str) -> list[str]:
    """Indexes or folders of a setting, without missing local ones: pip skips them, uv stops."""
    paths = {location: Path(location.removeprefix("file://")) for location in locations.split()}
    return [
        location
        for location, path in paths.items()
        if ("://" in location and not location.startswith("file://")) or path.exists()
    ]

"""The settings of the fixtures: an option, a key of the ini file, and most with a variable.

The option decides, else the environment variable, else the ini file.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import pytest

from model_fixtures.default_ports import REST_PORT


class Setting(NamedTuple):
    """A setting `NAME`: the option `--lmstudio-NAME`, and the ini key `lmstudio_NAME`."""

    name: str
    kind: str  # "text", "path" or "flag"
    help: str
    metavar: str | None = None
    variable: str | None = None

    @property
    def option(self) -> str:
        """The name of the option."""
        return f"--lmstudio-{self.name}"

    @property
    def key(self) -> str:
        """The key of the ini file."""
        return f"lmstudio_{self.name.replace('-', '_')}"


HOST = Setting(
    "host",
    "text",
    f"host, host:port ({REST_PORT} if not given), or 'embedded'; default: a host that answers on "
    "the default ports, else the embedded server",
    "HOST",
    "LMSTUDIO_API_HOST",
)
TOKEN = Setting(
    "token",
    "text",
    "API token that the embedded server asks clients for; default: it asks for none",
    "TOKEN",
)
CATALOG = Setting(
    "catalog",
    "path",
    "TOML file that changes the test models or adds some",
    "FILE",
    "LMSTUDIO_TEST_CATALOG",
)
MODELS_FOLDER = Setting(
    "models-folder",
    "path",
    "folder laid out like LM Studio's models: GGUF files in it answer in place of the stand-ins",
    "FOLDER",
    "LMSTUDIO_TEST_MODELS",
)
THREADS = Setting("threads", "text", "CPU threads of each loaded model; default: 1", "N")
ANSWER_UNKNOWN = Setting(
    "answer-unknown",
    "flag",
    "have the embedded server of this run answer unknown calls and bad parameters with an "
    "error; without this it sends only a warning, as LM Studio does, and the caller waits "
    "until its own time-out",
)
WIRE_LOG = Setting(
    "wire-log",
    "path",
    "write all frames of each test, whole, with the server's log lines of that time, to a "
    "file in this folder; without this only failed tests show them, the longest ones shortened",
    "FOLDER",
)
SETTINGS = (HOST, TOKEN, CATALOG, MODELS_FOLDER, THREADS, ANSWER_UNKNOWN, WIRE_LOG)


def add_settings(parser: pytest.Parser) -> None:
    """Add the options and the keys of the ini file."""
    group = parser.getgroup("lmstudio", "LM Studio hosts and models")
    for each in SETTINGS:
        said = each.help + (f" (variable: {each.variable})" if each.variable else "")
        if each.kind == "flag":
            group.addoption(each.option, action="store_true", help=said)
            parser.addini(each.key, said, type="bool", default=False)
        else:
            group.addoption(each.option, metavar=each.metavar, help=said)
            parser.addini(each.key, said, default="")


def given(config: pytest.Config, setting: Setting) -> str | None:
    """Return the value of a text or a path, None if it is not set by option, variable or ini.

    Paths are absolute: in the ini file they begin at its folder, elsewhere at the current one.
    """
    return _given(config, setting)[0]


def source_of(config: pytest.Config, setting: Setting) -> str:
    """Return for messages where the value of a setting is from."""
    return _given(config, setting)[1]


def is_on(config: pytest.Config, setting: Setting) -> bool:
    """Return whether a flag is set."""
    return bool(config.getoption(setting.option) or config.getini(setting.key))


def _given(config: pytest.Config, setting: Setting) -> tuple[str | None, str]:
    path = setting.kind == "path"
    value = config.getoption(setting.option)
    if value is not None:
        return (os.path.abspath(value) if path else str(value)), setting.option  # noqa: PTH100
    variable = setting.variable
    value = os.environ.get(variable, "").strip() if variable else ""
    if variable and value:
        # ~ is expanded where the variable is read.
        return value, variable
    value = str(config.getini(setting.key)).strip()
    if not value:
        return None, ""
    if path:
        folder = config.rootpath if config.inipath is None else config.inipath.parent
        value = str(folder / os.path.expanduser(value))  # noqa: PTH111
    return value, f"the ini key {setting.key}"

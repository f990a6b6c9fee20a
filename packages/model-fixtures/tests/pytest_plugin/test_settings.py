"""Settings by option, environment variable and ini key."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_fixtures.for_apps.server_options import ServerOptions
from model_fixtures.pytest_plugin.host_of_run import options_of
from model_fixtures.pytest_plugin.settings import CATALOG, HOST, SETTINGS, given, source_of

TOKEN = "sk-lm-abcdefgh:abcdefghijklmnopqrst"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the settings of this run out of the environment."""
    for each in SETTINGS:
        if each.variable:
            monkeypatch.delenv(each.variable, raising=False)


def config_with(folder: Path, ini: str, *options: str) -> pytest.Config:
    """Return the configuration of a run that has these lines in its ini file, and options."""
    file = folder / "pytest.ini"
    file.write_text(f"[pytest]\n{ini}\n", encoding="utf-8")
    # xdist and the suite have no part in it.
    arguments = ["-c", str(file), "-p", "no:xdist", f"--rootdir={folder}", *options]
    return pytest.Config.fromdictargs({}, arguments)


def test_nothing_is_set(tmp_path: Path) -> None:
    """Without settings, everything has its default."""
    config = config_with(tmp_path, "")
    assert [given(config, each) for each in SETTINGS if each.kind != "flag"] == [None] * 6
    assert options_of(config) == ServerOptions()


def test_the_option_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option decides, else the variable, else the ini file; messages can name the source."""
    config = config_with(tmp_path, "lmstudio_host = ini:1")
    assert (given(config, HOST), source_of(config, HOST)) == ("ini:1", "the ini key lmstudio_host")
    monkeypatch.setenv("LMSTUDIO_API_HOST", "variable:1")
    assert (given(config, HOST), source_of(config, HOST)) == ("variable:1", "LMSTUDIO_API_HOST")
    config = config_with(tmp_path, "lmstudio_host = ini:1", "--lmstudio-host", "option:1")
    assert (given(config, HOST), source_of(config, HOST)) == ("option:1", "--lmstudio-host")


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths of the ini file begin at its folder, those of options at the current one."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert given(config_with(tmp_path, "lmstudio_catalog = a.toml"), CATALOG) == str(
        tmp_path / "a.toml"
    )
    assert given(config_with(tmp_path, "", "--lmstudio-catalog", "a.toml"), CATALOG) == str(
        elsewhere / "a.toml"
    )


def test_settings_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All settings of the server are in its options; variables are left to the server."""
    ini = f"lmstudio_token = {TOKEN}\nlmstudio_threads = 2\nlmstudio_answer_unknown = true"
    monkeypatch.setenv("LMSTUDIO_TEST_MODELS", "~/models")
    config = config_with(tmp_path, f"{ini}\nlmstudio_catalog = a.toml")
    assert options_of(config) == ServerOptions(
        token=TOKEN, threads=2, answer_unknown=True, catalog=str(tmp_path / "a.toml")
    )
    assert options_of(config).environ()["LMSTUDIO_TEST_MODELS"] == "~/models"

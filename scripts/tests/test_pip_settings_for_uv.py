"""The translation of pip's settings into uv's variables."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pip_settings_for_uv
import pytest


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the path of pip's only configuration file, which is not written yet."""

    def files(environ: Mapping[str, str]) -> Iterator[Path]:
        yield tmp_path / "pip.conf"

    monkeypatch.setattr(pip_settings_for_uv, "configuration_files", files)
    uv_toml = tmp_path / "uv.toml"
    monkeypatch.setattr(pip_settings_for_uv, "uv_configuration", lambda environ: uv_toml)
    return tmp_path / "pip.conf"


def test_a_mirror(configuration: Path) -> None:
    """A mirror with its certificate and time limit, all in pip.conf, reaches uv."""
    configuration.write_text(
        "[global]\nindex-url = https://mirror/simple\ncert = /ca.pem\n"
        "[install]\ntrusted-host = mirror\ntimeout = 60\n",
        encoding="utf-8",
    )
    assert pip_settings_for_uv.uv_settings({}) == {
        "SSL_CERT_FILE": "/ca.pem",
        "UV_DEFAULT_INDEX": "https://mirror/simple",
        "UV_HTTP_TIMEOUT": "60",
        "UV_INSECURE_HOST": "mirror",
    }


def test_environment_wins_over_file(configuration: Path) -> None:
    """PIP_INDEX_URL beats index-url in pip.conf, as it does for pip."""
    configuration.write_text("[global]\nindex-url = https://a/simple\n", encoding="utf-8")
    environ = {"PIP_INDEX_URL": "https://b/simple"}
    assert pip_settings_for_uv.uv_settings(environ) == {"UV_DEFAULT_INDEX": "https://b/simple"}


def test_all_indexes_count_alike(configuration: Path, tmp_path: Path) -> None:
    """Extra indexes and folders are searched as pip does, without local ones that are missing."""
    configuration.write_text(
        f"[global]\nextra-index-url = https://extra/simple file://{tmp_path} file:///missing\n"
        f"find-links =\n    {tmp_path}\n    /missing\n",
        encoding="utf-8",
    )
    assert pip_settings_for_uv.uv_settings({}) == {
        "UV_FIND_LINKS": str(tmp_path),
        "UV_INDEX": f"https://extra/simple file://{tmp_path}",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_a_folder_with_a_space(configuration: Path, tmp_path: Path) -> None:
    """A local index whose URL is percent-encoded is found: its folder has the decoded name."""
    folder = tmp_path / "my wheels"
    folder.mkdir()
    configuration.write_text(f"[global]\nextra-index-url = {folder.as_uri()}\n", encoding="utf-8")
    assert pip_settings_for_uv.uv_settings({})["UV_INDEX"] == folder.as_uri()


@pytest.mark.usefixtures("configuration")
def test_proxy() -> None:
    """Pip's proxy serves uv too, unless a proxy is set for everything."""
    proxy = {"PIP_PROXY": "http://proxy:3128"}
    assert pip_settings_for_uv.uv_settings(proxy) == {
        "HTTPS_PROXY": "http://proxy:3128",
        "HTTP_PROXY": "http://proxy:3128",
    }
    assert pip_settings_for_uv.uv_settings({**proxy, "https_proxy": "http://other"}) == {}


@pytest.mark.parametrize("own", ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_CONFIG_FILE", "uv.toml"])
def test_settings_of_uv_win(configuration: Path, own: str) -> None:
    """Where uv has indexes of its own, pip's are left out."""
    configuration.write_text("[global]\nindex-url = https://mirror/simple\n", encoding="utf-8")
    environ = {own: "x"}
    if own == "uv.toml":
        (configuration.parent / own).touch()
        environ = {}
    assert pip_settings_for_uv.uv_settings(environ) == {}


def test_a_broken_file_is_left_to_pip(configuration: Path) -> None:
    """A pip.conf that does not parse is skipped here: pip reports it better."""
    configuration.write_text("no section\n", encoding="utf-8")
    assert pip_settings_for_uv.uv_settings({}) == {}


def test_no_configuration_files() -> None:
    """PIP_CONFIG_FILE=/dev/null switches all files off, as it does for pip."""
    assert list(pip_settings_for_uv.configuration_files({"PIP_CONFIG_FILE": "/dev/null"})) == []

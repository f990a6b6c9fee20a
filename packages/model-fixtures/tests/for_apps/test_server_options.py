"""What a server for tests can be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_fixtures.for_apps.errors import ServerOptionsError
from model_fixtures.for_apps.server_options import ServerOptions

TOKEN = "sk-lm-abcdefgh:abcdefghijklmnopqrst"


def test_defaults_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without options, the server gets none, and this process's catalog."""
    monkeypatch.setenv("LMSTUDIO_TEST_CATALOG", "mine.toml")
    options = ServerOptions()
    assert options.arguments() == []
    assert options.environ()["LMSTUDIO_TEST_CATALOG"] == "mine.toml"


def test_options_become_arguments_and_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads and the like are arguments; catalog and folder are variables with whole paths."""
    monkeypatch.chdir(tmp_path)
    options = ServerOptions(
        catalog="some.toml", models_folder=tmp_path, threads=2, answer_unknown=True
    )
    assert options.arguments() == ["--threads", "2", "--answer-unknown"]
    assert options.environ()["LMSTUDIO_TEST_CATALOG"] == str(tmp_path / "some.toml")
    assert options.environ()["LMSTUDIO_TEST_MODELS"] == str(tmp_path)


def test_repr_hides_the_token() -> None:
    """A report that shows the options does not show the token."""
    assert repr(ServerOptions(token=TOKEN, threads=2)) == "ServerOptions(token='***', threads=2)"


def test_values_that_make_no_sense_are_refused() -> None:
    """A malformed token is refused without being repeated, and so are no threads."""
    with pytest.raises(ServerOptionsError) as caught:
        ServerOptions(token="my-own-secret")
    assert "sk-lm-" in str(caught.value)
    assert "my-own-secret" not in str(caught.value)
    with pytest.raises(ServerOptionsError, match="threads is 0"):
        ServerOptions(threads=0)

"""The plugin runner's options and functions, with plugins in the test's own process."""

import asyncio
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lmstudio.json_api import ClientBase
from lmstudio.plugin import LMStudioPluginRuntimeError, run_plugin, run_plugin_async
from lmstudio.plugin.cli import main
from sdk_tests.plugin_process import plugin_process, write_plugin
from sdk_tests.scenarios import ScenarioServer
from sdk_tests.scripted_host import ScriptedHost, scripted_host

UNSTABLE = "the plugin API is not yet stable"
CREDENTIALS = {
    "LMS_PLUGIN_CLIENT_IDENTIFIER": "an-identifier",
    "LMS_PLUGIN_CLIENT_PASSKEY": "a-passkey",
}
CHANGE_NOTHING = "async def preprocess_prompt(ctl, message):\n    return None\n"

RUNNERS = pytest.mark.parametrize(
    "run",
    [run_plugin, lambda *given, **options: asyncio.run(run_plugin_async(*given, **options))],
    ids=["run_plugin", "run_plugin_async"],
)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedHost]:
    """Provide a host at the default port, which ends a plugin's hooks at once, and credentials."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with scripted_host() as host:
        port = int(host.address.rpartition(":")[2])
        monkeypatch.setattr(ClientBase, "_DEFAULT_API_PORTS", (port,))
        host.packets["setPromptPreprocessor"] = []
        yield host


@pytest.fixture
def importing(tmp_path: Path) -> Iterator[Path]:
    """Provide a plugin that imports a module of its own."""
    folder = write_plugin(tmp_path / "importing", "from my_own_hooks import preprocess_prompt\n")
    (folder / "src" / "my_own_hooks.py").write_text(CHANGE_NOTHING, encoding="utf-8")
    yield folder
    sys.modules.pop("my_own_hooks", None)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The command's help says what it is for, and what each option does."""
    with pytest.raises(SystemExit):
        main(["--help"])
    words = " ".join(capsys.readouterr().out.split())
    for text in (
        "LM Studio plugin runner for Python plugins",
        "PLUGIN_PATH Directory name of plugin to run",
        "--dev Run in development mode",
        "--debug Enable debug logging",
    ):
        assert text in words


@RUNNERS
def test_plugin_folder(
    host: ScriptedHost, tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Callable[..., None]
) -> None:
    """The plugin of a folder runs with the credentials of the environment, and announces itself."""
    folder = write_plugin(tmp_path / "plain", CHANGE_NOTHING)
    with pytest.warns(FutureWarning, match=UNSTABLE):
        run(folder)
    (identity,) = host.identities
    assert identity == {
        "authVersion": 1,
        "clientIdentifier": CREDENTIALS["LMS_PLUGIN_CLIENT_IDENTIFIER"],
        "clientPasskey": CREDENTIALS["LMS_PLUGIN_CLIENT_PASSKEY"],
    }
    assert [(each.namespace, each.endpoint) for each in host.received] == [
        ("plugins", "setPromptPreprocessor"),
        ("plugins", "pluginInitCompleted"),
    ]
    assert capsys.readouterr().out == "Plugin 'plain' running, press Ctrl-C to terminate...\n"


@RUNNERS
@pytest.mark.filterwarnings(f"ignore:.*{UNSTABLE}:FutureWarning")
def test_local_imports(host: ScriptedHost, importing: Path, run: Callable[..., None]) -> None:
    """A plugin can import modules of its own folder only if it is told so."""
    with pytest.raises(ModuleNotFoundError, match="my_own_hooks"):
        run(importing)
    run(importing, allow_local_imports=True)
    assert "pluginInitCompleted" in [each.endpoint for each in host.received]


@pytest.mark.parametrize("missing", CREDENTIALS)
def test_missing_credentials(
    host: ScriptedHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """A plugin without either of its credentials is refused, and both are named."""
    monkeypatch.delenv(missing)
    with pytest.raises(LMStudioPluginRuntimeError) as failure:
        run_plugin(write_plugin(tmp_path / "plain", CHANGE_NOTHING))
    assert str(failure.value) == (
        f"ERROR: {' and '.join(CREDENTIALS)} must both be set in the environment"
    )


def test_application_mode(host: ScriptedHost, importing: Path) -> None:
    """The command without --dev runs a plugin that imports its own modules, and does not warn."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert main([str(importing)]) == 0
    assert [str(each.message) for each in shown if UNSTABLE in str(each.message)] == []
    assert "pluginInitCompleted" in [each.endpoint for each in host.received]


@pytest.mark.parametrize(
    ("options", "level"), [([], logging.INFO), (["--debug"], logging.DEBUG)], ids=["plain", "debug"]
)
@pytest.mark.filterwarnings(f"ignore:.*{UNSTABLE}:FutureWarning")
def test_log_level(
    host: ScriptedHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    level: int,
) -> None:
    """The command logs what happens, and with --debug also what does not."""
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.WARNING)
    with warnings.catch_warnings():
        main([*options, str(write_plugin(tmp_path / "plain", CHANGE_NOTHING))])
    assert logging.root.level == level
    logging.root.manager._clear_cache()  # type: ignore[attr-defined]


@pytest.mark.embedded
@pytest.mark.slow
def test_debugging_in_development(scenario_host: ScenarioServer, tmp_path: Path) -> None:
    """In development mode --debug reaches the plugin's process, and the warning is shown."""
    folder = write_plugin(tmp_path / "debugged", CHANGE_NOTHING)
    with plugin_process(scenario_host.address, folder, "--dev", "--debug") as plugin:
        plugin.wait_for("Plugin does not define the 'list_provided_tools' hook")
        plugin.wait_for("Plugin 'debugged' running")
        output = "".join(plugin.lines)
    assert UNSTABLE in output

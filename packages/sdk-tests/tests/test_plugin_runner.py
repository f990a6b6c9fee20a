"""The plugin runner, `python -m lmstudio.plugin`: how it starts and how it ends."""

import os
from pathlib import Path

import pytest
from lmstudio.plugin import LMStudioPluginInitError
from lmstudio.plugin.cli import main
from sdk_tests.concurrency_sync import eventually
from sdk_tests.expected_items import next_item
from sdk_tests.plugin_process import PluginProcess, plugin_process, write_plugin
from sdk_tests.plugin_turns import events_of_kind, started_turn, turn
from sdk_tests.scenarios import ScenarioServer
from sdk_tests.sdk_releases import known_bug, since

pytestmark = since("1.5.0")

needs_interrupts = pytest.mark.skipif(
    os.name == "nt", reason="on Windows a process cannot be interrupted alone"
)

CHANGE_NOTHING = """\
async def preprocess_prompt(ctl, message):
    return None
"""

OFFER_NOTHING = """\
async def list_provided_tools(ctl):
    return []
"""

HANG = """\
import asyncio

async def preprocess_prompt(ctl, message):
    await ctl.notify_done("hanging")
    print("hanging", flush=True)
    await asyncio.Event().wait()
"""

# Neither an interrupt nor the end of its connections ends the process of this plugin.
NEVER_ENDING = f"""\
import signal
import threading
import time

signal.signal(signal.SIGINT, signal.SIG_IGN)
threading.Thread(target=time.sleep, args=(600,)).start()
{CHANGE_NOTHING}
"""


def registered(host: ScenarioServer, name: str) -> bool:
    """Return whether a plugin is registered."""
    plugins = host.request("GET", "/control/plugins")["plugins"]
    return f"tests/{name}" in [plugin["identifier"] for plugin in plugins]


@needs_interrupts
@pytest.mark.embedded
@pytest.mark.slow
def test_interrupt_ends_runner_and_plugin(scenario_host: ScenarioServer, tmp_path: Path) -> None:
    """An interrupt ends the runner with status 0, and the plugin is no longer registered."""
    folder = write_plugin(tmp_path / "interrupted", CHANGE_NOTHING)
    with plugin_process(scenario_host.address, folder) as plugin:
        plugin.wait_for("Plugin 'interrupted' running, press Ctrl-C to terminate...")
        assert registered(scenario_host, "interrupted")
        plugin.interrupt()
        assert plugin.wait() == 0
    eventually(lambda: not registered(scenario_host, "interrupted"))


def ends_quietly(plugin: PluginProcess) -> bool:
    """Interrupt a plugin without a runner, and return whether it reports nothing but its end."""
    before = len(plugin.lines)
    plugin.interrupt_all()
    plugin.wait()
    *lines, end = plugin.lines[before:]
    reported = [line for line in lines if not line.startswith("INFO:")]
    return not reported and end == "Plugin execution terminated by console interrupt\n"


# A terminal's Ctrl-C reaches the runner and the plugin, in any order. Here the runner comes first.
@needs_interrupts
@pytest.mark.embedded
@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [CHANGE_NOTHING, OFFER_NOTHING, CHANGE_NOTHING + OFFER_NOTHING],
    ids=["preprocessor", "tools", "both"],
)
def test_plugin_ends_by_itself_after_its_runner(
    scenario_host: ScenarioServer, tmp_path: Path, source: str
) -> None:
    """A plugin whose registration has ended reports no lost connection when it is interrupted."""
    folder = write_plugin(tmp_path / "alone", source)
    with plugin_process(scenario_host.address, folder) as plugin:
        plugin.wait_for("Plugin 'alone' running")
        plugin.kill_the_runner()
        eventually(lambda: not registered(scenario_host, "alone"))
        assert ends_quietly(plugin), plugin.lines


@needs_interrupts
@pytest.mark.embedded
@pytest.mark.slow
def test_end_of_the_runner_during_a_turn(scenario_host: ScenarioServer, tmp_path: Path) -> None:
    """A turn that waits for a plugin's hook ends with an error, and the plugin ends by itself."""
    folder = write_plugin(tmp_path / "busy", HANG)
    with plugin_process(scenario_host.address, folder) as plugin:
        plugin.wait_for("Plugin 'busy' running")
        with started_turn(scenario_host.address, "Hi", plugins=["tests/busy"]) as events:
            assert next_item(events, "an update of the status")["event"] == "update"
            plugin.wait_for("hanging")
            plugin.kill_the_runner()
            (last,) = events
        assert last["error"]["title"] == "The plugin tests/busy has left"
        assert ends_quietly(plugin), plugin.lines


@needs_interrupts
@pytest.mark.embedded
@pytest.mark.slow
@known_bug(
    "The runner is meant to kill an interrupted plugin after two seconds, but it waits for"
    " TimeoutError where subprocess raises TimeoutExpired: a plugin that hangs outlives it."
)
def test_plugin_that_does_not_end_is_killed(scenario_host: ScenarioServer, tmp_path: Path) -> None:
    """A plugin that does not end after an interrupt must be killed before the runner ends."""
    folder = write_plugin(tmp_path / "hanging", NEVER_ENDING)
    with plugin_process(scenario_host.address, folder, stop_seconds=0.2) as plugin:
        plugin.wait_for("Plugin 'hanging' running")
        plugin.interrupt()
        assert not plugin.outlives_the_runner()


@pytest.mark.embedded
@pytest.mark.slow
def test_plugin_without_settings(scenario_host: ScenarioServer, tmp_path: Path) -> None:
    """A plugin with one hook and no settings runs with only that hook."""
    folder = write_plugin(tmp_path / "plain", CHANGE_NOTHING)
    with plugin_process(scenario_host.address, folder) as plugin:
        plugin.wait_for("Plugin 'plain' running")
        events = turn(scenario_host.address, "Hi", plugins=["tests/plain"])
    assert [event["event"] for event in events] == ["preprocessed", "done"]
    (done,) = events_of_kind(events, "done")
    texts = [part["text"] for message in done["messages"][:1] for part in message["content"]]
    assert texts == ["Hi"]


@pytest.mark.embedded
@pytest.mark.slow
def test_plugin_with_all_announcements(scenario_host: ScenarioServer, tmp_path: Path) -> None:
    """A plugin announces settings of both kinds and both hooks before it is ready."""
    source = Path(__file__).parent / "plugin_sources" / "helper.py"
    folder = write_plugin(tmp_path / "rich", source.read_text(encoding="utf-8"))
    with plugin_process(scenario_host.address, folder) as plugin:
        plugin.wait_for("Plugin 'rich' running")
        announced = {
            "settings": "Plugin defines 'ConfigSchema', sending to server...",
            "global settings": "Plugin defines 'GlobalConfigSchema', sending to server...",
            "preprocessor": "Plugin defines the 'preprocess_prompt' hook",
            "tools": "Plugin defines the 'list_provided_tools' hook",
        }
        output = "".join(plugin.lines)
    assert [name for name, text in announced.items() if text not in output] == []


@pytest.mark.embedded
@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("", "No plugin hooks defined in 'ended', expected at least one of:\n"),
        ("raise LookupError('lost')", "LookupError: lost\n"),
        ("import nothing_of_that_name", "ModuleNotFoundError: "),
        ("class ConfigSchema: pass\n", "ConfigSchema: Expected "),
    ],
    ids=["no-hooks", "exception", "import", "schema"],
)
def test_plugin_that_cannot_run(
    scenario_host: ScenarioServer, tmp_path: Path, source: str, output: str
) -> None:
    """The runner reports a plugin that ends by itself, ends too, and unregisters the plugin."""
    folder = write_plugin(tmp_path / "ended", source)
    with plugin_process(scenario_host.address, folder) as plugin:
        plugin.wait_for("Child process terminated unexpectedly")
        plugin.wait()
        assert any(output in line for line in plugin.lines)
    eventually(lambda: not registered(scenario_host, "ended"))


@pytest.mark.embedded
@pytest.mark.slow
def test_plugin_with_a_module_of_its_own(scenario_host: ScenarioServer, tmp_path: Path) -> None:
    """A plugin can import modules from its own folder."""
    folder = write_plugin(tmp_path / "importing", "from hooks import preprocess_prompt\n")
    (folder / "src" / "hooks.py").write_text(CHANGE_NOTHING, encoding="utf-8")
    with plugin_process(scenario_host.address, folder) as plugin:
        plugin.wait_for("Plugin 'importing' running")


@pytest.mark.slow
def test_application_mode_needs_credentials(tmp_path: Path) -> None:
    """The runner without --dev names the environment variables for missing credentials."""
    folder = write_plugin(tmp_path / "alone", CHANGE_NOTHING)
    with plugin_process("127.0.0.1:1", folder, "--debug") as plugin:
        assert plugin.wait() == 1
        output = "".join(plugin.lines)
    assert (
        "ERROR: LMS_PLUGIN_CLIENT_IDENTIFIER and LMS_PLUGIN_CLIENT_PASSKEY must both be set"
        in output
    )


@pytest.mark.parametrize("options", [[], ["--dev"]], ids=["plain", "dev"])
def test_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    """The runner prints its usage and the path, and returns status 1, if the folder is missing."""
    missing = str(tmp_path / "missing")
    assert main([*options, missing]) == 1
    usage, problem = capsys.readouterr().out.splitlines()
    assert usage.startswith("usage: ")
    assert usage.endswith(" [-h] [--dev] [--debug] PLUGIN_PATH")
    assert problem == f"ERROR: Failed to find plugin folder at {missing!r}"


@pytest.mark.parametrize("argument", ["--help", "--nonsense"])
def test_usage(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help and the error for an unknown option show the runner's usage."""
    with pytest.raises(SystemExit) as end:
        main([argument])
    output = capsys.readouterr()
    assert end.value.code == (0 if argument == "--help" else 2)
    assert "-m lmstudio.plugin" in output.out + output.err


@pytest.mark.filterwarnings("ignore:.*the plugin API is not yet stable:FutureWarning")
@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"type": "preset"}, "Invalid manifest type: preset"),
        ({"runner": "node"}, r'Invalid manifest runner: node \(expected "python"\)'),
    ],
    ids=["type", "runner"],
)
def test_manifest_of_another_kind(tmp_path: Path, manifest: dict[str, str], message: str) -> None:
    """A manifest of another type or runner is refused with an error that names it."""
    folder = write_plugin(tmp_path / "odd", CHANGE_NOTHING, **manifest)
    with pytest.raises(LMStudioPluginInitError, match=message):
        main(["--dev", str(folder)])


@pytest.mark.filterwarnings("ignore:.*the plugin API is not yet stable:FutureWarning")
def test_missing_manifest(tmp_path: Path) -> None:
    """A folder without a manifest raises FileNotFoundError for manifest.json."""
    with pytest.raises(FileNotFoundError, match=r"manifest\.json"):
        main(["--dev", str(tmp_path)])

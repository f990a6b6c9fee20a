"""A Python plugin in development, which the SDK's own runner runs in a separate process."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_fixtures.wire_log import follow

from .wire_watch import WATCH

PATIENCE = 60
"""Seconds to wait for a line of output or for the end of a process."""

# The runner looks for a host at the default ports only, where another one may be running. Both the
# runner's process and the plugin's process import this before anything else.
_SITE = """\
import os
import signal
import threading

from lmstudio.json_api import ClientBase
from lmstudio.plugin import _dev_runner
from model_fixtures.wire_log import record_to_file

# A test run in a shell's background ignores interrupts, and so do the processes that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
ClientBase._DEFAULT_API_PORTS = (int(os.environ["SDK_TESTS_HOST_PORT"]),)
# Seconds between two checks whether the plugin has ended, and seconds to end after an interrupt.
_dev_runner._PLUGIN_STATUS_POLL_INTERVAL = 0.1
_dev_runner._PLUGIN_STOP_TIMEOUT = float(os.environ["SDK_TESTS_STOP_SECONDS"])
record_to_file(os.environ["SDK_TESTS_WIRE_LOG"])


def end_with_the_tests():
    os.read(0, 1)  # returns only at the end of the input, also when the tests are killed
    os._exit(1)


threading.Thread(target=end_with_the_tests, daemon=True).start()
"""


class PluginProcess:
    """The runner `python -m lmstudio.plugin`, which `plugin_process` starts."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._arriving: queue.Queue[str | None] = queue.Queue()
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, name="plugin-output", daemon=True)
        self._reader.start()

    def wait_for(self, text: str) -> str:
        """Wait for a line of output that contains the text, and return that line."""
        seen = 0
        while seen < len(self.lines) or self._next() is not None:
            if text in self.lines[seen]:
                return self.lines[seen]
            seen += 1
        raise AssertionError(f"the plugin ended and never wrote {text!r}: {''.join(self.lines)}")

    def interrupt(self) -> None:
        """Interrupt the runner, which then interrupts the plugin.

        Ctrl-C in a terminal reaches both processes and so interrupts the plugin twice. About once
        in a hundred times the second interrupt hits asyncio between two of its steps, and the
        plugin hangs. On Windows this raises ValueError.
        """
        self._process.send_signal(signal.SIGINT)

    def kill_the_runner(self) -> None:
        """Kill the runner alone; the plugin goes on."""
        self._process.kill()

    def interrupt_all(self) -> None:
        """Interrupt the runner and the plugin, or the plugin alone if the runner has ended."""
        self._signal_group(signal.SIGINT)

    def wait(self) -> int:
        """Wait until the runner and the plugin have ended, and return the runner's exit status."""
        while self._next() is not None:  # the output ends with the last process that holds it open
            pass
        return self._process.wait(PATIENCE)

    def outlives_the_runner(self) -> bool:
        """Wait for the end of the runner alone, and return whether the plugin is still running."""
        self._process.wait(PATIENCE)
        return self._signal_group(0)

    def end(self) -> None:
        """End the runner and the plugin if they are still running, as a killed test run does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._reader.join(PATIENCE)
        outlives = self._reader.is_alive()
        if outlives:
            self._kill()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self._process.stdout.close()
        assert not outlives, "the plugin was still running after its tests and has been killed"

    def _signal_group(self, number: int) -> bool:
        """Send a signal to runner and plugin; return whether any of them was running."""
        if sys.platform == "win32":
            raise NotImplementedError("Windows has no signals to groups of processes")
        else:  # noqa: RET506 (mypy skips the branches of other platforms)
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                return False
            return True

    def _kill(self) -> None:
        if sys.platform == "win32":
            kill = ["taskkill", "/F", "/T", "/PID", str(self._process.pid)]
            subprocess.run(kill, capture_output=True, check=False)
        else:
            self._signal_group(signal.SIGKILL)

    def _next(self) -> str | None:
        line = self._arriving.get(timeout=PATIENCE)
        if line is None:
            self._arriving.put(None)  # for the next call
        else:
            self.lines.append(line)
        return line

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._arriving.put(line)
        self._arriving.put(None)


def write_plugin(folder: Path, source: str, **manifest: object) -> Path:
    """Write a plugin's files and return their folder."""
    fields = {"type": "plugin", "runner": "python", "owner": "tests", "name": folder.name}
    (folder / "src").mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({**fields, **manifest}), encoding="utf-8")
    (folder / "src" / "plugin.py").write_text(source, encoding="utf-8")
    return folder


@contextmanager
def plugin_process(
    address: str, folder: Path, *options: str, stop_seconds: float = PATIENCE
) -> Iterator[PluginProcess]:
    """Run a plugin against the host "name:port", in development mode unless options say otherwise.

    `stop_seconds` is how long the runner waits for an interrupted plugin to end.
    """
    site = folder / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    log = site / "wire.jsonl"
    WATCH.add_log(log)
    follow(log)
    environ = {
        **os.environ,
        "NO_PROXY": "localhost,127.0.0.1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "SDK_TESTS_WIRE_LOG": str(log),
        "SDK_TESTS_HOST_PORT": address.rpartition(":")[2],
        "SDK_TESTS_STOP_SECONDS": str(stop_seconds),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "lmstudio.plugin", *(options or ("--dev",)), str(folder)],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a separate process group, which shows what is still running
    )
    plugin = PluginProcess(process)
    try:
        yield plugin
    finally:
        plugin.end()

"""A headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from websockets.sync.client import connect

PATIENCE = 120  # seconds until a browser counts as hanging
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
PROGRAM = next(filter(None, map(shutil.which, _PROGRAMS)), None)
MISSING = f"none of {', '.join(_PROGRAMS)} is installed: on Debian, `apt-get install chromium`"


class Browser:
    """The browser, with one page; `folder` is for what it writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    def __enter__(self) -> Browser:
        assert PROGRAM is not None, MISSING
        with ExitStack() as stack:
            # A container has no sandbox for it, and the page is our own.
            process = stack.enter_context(
                subprocess.Popen(
                    [
                        PROGRAM,
                        *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                        *("--remote-debugging-port=0", f"--user-data-dir={self._folder}"),
                        "about:blank",
                    ],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            stack.callback(process.terminate)
            address = self._address(process)
            self._socket = stack.enter_context(connect(address, max_size=None, proxy=None))
            self._session: str | None = None
            target = self.command("Target.createTarget", url="about:blank")["targetId"]
            attached = self.command("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _address(self, process: subprocess.Popen[bytes]) -> str:
        """Return the address of the browser once it has started."""
        told = self._folder / "DevToolsActivePort"
        end = time.monotonic() + PATIENCE
        while not told.exists() or "\n" not in told.read_text(encoding="utf-8"):
            assert process.poll() is None, "the browser has ended"
            assert time.monotonic() < end, "the browser does not start"
            time.sleep(0.05)
        port, path = told.read_text(encoding="utf-8").split()
        return f"ws://127.0.0.1:{port}{path}"

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events in between are of no interest."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(PATIENCE))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                found: dict[str, Any] = answer["result"]
                return found

    def open(self, page: Path, *, width: int, scheme: str) -> None:
        """Open a file in a window of a width, with the colour scheme "light" or "dark"."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])
        self.command("Page.navigate", url=page.as_uri())
        end = time.monotonic() + PATIENCE
        while self.value("document.readyState + location.href") != f"complete{page.as_uri()}":
            assert time.monotonic() < end, "the page does not load"
            time.sleep(0.05)

    def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

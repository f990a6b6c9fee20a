"""Records what becomes of each test, and writes it to the file that `--lmstudio-results` names.

The process that runs a test adds what only it knows to the test's reports, which xdist passes on:
the docstrings, and what failed, with keys masked. The main process gathers the reports.
"""

from __future__ import annotations

import inspect
import platform
import time
from collections.abc import Generator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from model_fixtures.run_results import (
    Failure,
    Outcome,
    Run,
    Test,
    worst,
    write_results,
)
from model_fixtures.wire_log import Masker

from . import PROVIDER, RESULTS, WIRE_LOG, is_worker
from .sdk_description import describe_sdk

_KEY = "lmstudio_result"  # of what is added to a report


def register(config: pytest.Config, given: str) -> None:
    """Record this run for a file; UsageError if the path is of no use."""
    # Tests may change the current folder.
    path = Path(given).absolute()
    folder = path.parent if path.suffix == ".json" else path
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(
            f"{RESULTS}: cannot make the folder {folder} ({error.strerror}): name another"
        ) from None
    if path.suffix == ".json" and path.is_dir():
        raise pytest.UsageError(f"{RESULTS}: {path} is a folder: name a file, or a folder")
    config.pluginmanager.register(ReportNotes(), "model_fixtures.report_notes")
    if not is_worker(config):
        config.pluginmanager.register(ResultsRecorder(config, path), "model_fixtures.results")


class ReportNotes:
    """Adds to reports what the main process can't know."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add docstrings, and the masked text of a failure or a reason."""
        report = yield
        notes: dict[str, Any] = {}
        if report.when == "setup":
            notes["doc"] = _first_paragraph(getattr(item, "obj", None))
            notes["file_doc"] = _first_paragraph(getattr(item, "module", None))
        if not report.passed:
            log = item.config.stash.get(WIRE_LOG, None)
            masker = Masker(() if log is None else log.secrets())
            if report.failed:
                notes["text"] = _clean(report.longreprtext, masker)
                notes["sections"] = [
                    [_clean(title, masker), _clean(text, masker)] for title, text in report.sections
                ]
            notes["reason"] = _clean(_reason(report), masker)
        setattr(report, _KEY, notes)
        return report


class ResultsRecorder:
    """Gathers reports in the main process, and writes them at the run's end."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config = config
        self._path = path
        self._begun = time.time()
        self._reports: dict[str, list[pytest.TestReport]] = {}
        self._broken_files: list[pytest.CollectReport] = []
        self._last_line = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the report of a test's setup, call or teardown."""
        self._reports.setdefault(report.nodeid, []).append(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take the report of a file that can't be collected."""
        if report.failed:
            self._broken_files.append(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the file, also after Ctrl-C."""
        stopped = session.shouldfail or session.shouldstop  # such as by -x
        run = self._run(bool(stopped) or exitstatus == pytest.ExitCode.INTERRUPTED)
        path = self._path
        try:
            if path.suffix != ".json":
                path = _free_path(path, run)
            write_results(path, [run])
        except OSError as error:
            self._last_line = f"{RESULTS}: {path} could not be written ({error.strerror})"
        else:
            self._last_line = f"results of {len(run.tests)} tests: {path}"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the results are."""
        if self._last_line:
            terminalreporter.write_line(f"lmstudio: {self._last_line}")

    def _run(self, stopped: bool) -> Run:
        provider = self._config.stash.get(PROVIDER, None)
        host = "" if provider is None else _clean(provider.description, Masker())
        sdk = describe_sdk() or ""
        release = sdk.partition(" ")[0]
        return Run(
            name=self._suite_name() or _name(release, sdk, host),
            release=release,
            sdk=sdk,
            host=host,
            python=platform.python_version(),
            system=platform.system(),
            started=datetime.fromtimestamp(self._begun, timezone.utc).isoformat(timespec="seconds"),
            seconds=round(time.time() - self._begun, 3),
            notes=("The run was stopped before its end.",) if stopped else (),
            tests=(
                *(_test(test, reports) for test, reports in self._reports.items()),
                *{each.nodeid: _broken(each) for each in self._broken_files}.values(),
            ),
        )

    def _suite_name(self) -> str:
        """Return the name that the user has given to the suite of the JUnit file, or ""."""
        if not self._config.pluginmanager.hasplugin("junitxml"):
            return ""
        name = str(self._config.getini("junit_suite_name"))
        return "" if name == "pytest" else name  # its default


def _name(release: str, sdk: str, host: str) -> str:
    """Return a name for a run that tells apart releases, working trees and hosts."""
    name = f"lmstudio {release}" if release else "no SDK"
    tree = " (working tree)" if "(working tree " in sdk else ""
    where = f" on {host.partition(' (')[0]}" if host else ""
    return f"{name}{tree}{where}"


def _test(test: str, reports: list[pytest.TestReport]) -> Test:
    notes: list[dict[str, Any]] = [getattr(report, _KEY, {}) for report in reports]
    properties = max((report.user_properties for report in reports), key=len)
    return Test(
        id=test,
        outcome=worst(map(_outcome, reports)),
        seconds=round(sum(report.duration for report in reports), 4),
        doc=next((each["doc"] for each in notes if "doc" in each), ""),
        file_doc=next((each["file_doc"] for each in notes if "file_doc" in each), ""),
        reason=next((each["reason"] for each in notes if each.get("reason")), ""),
        properties=tuple((str(name), str(value)) for name, value in properties),
        failures=tuple(
            Failure(
                report.when,
                # The report of a worker that has crashed was made by xdist.
                each.get("text") or _clean(report.longreprtext, Masker()),
                tuple((title, text) for title, text in each.get("sections", ())),
            )
            for report, each in zip(reports, notes, strict=True)
            if report.failed
        ),
    )


def _broken(report: pytest.CollectReport) -> Test:
    text = _clean(report.longreprtext, Masker())
    doc = "The file's tests can be collected."
    return Test(report.nodeid, "error", 0.0, doc=doc, failures=(Failure("collect", text),))


def _outcome(report: pytest.TestReport) -> Outcome:
    expected = hasattr(report, "wasxfail")
    if report.failed:
        return "error" if report.when in ("setup", "teardown") else "failed"
    if report.skipped:
        return "xfailed" if expected else "skipped"
    return "xpassed" if expected else "passed"


def _reason(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return ""


def _first_paragraph(documented: object) -> str:
    text = "" if documented is None else inspect.getdoc(documented) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _clean(text: str, masker: Masker) -> str:
    """Return text without keys, and without halves of characters, which have no bytes."""
    return masker.mask(text).encode("utf-8", "backslashreplace").decode("utf-8")


def _free_path(folder: Path, run: Run) -> Path:
    """Return a path that no other run has: a file is never written over another run's."""
    moment = run.started.partition("+")[0].replace("-", "").replace(":", "")
    name = "".join(char if char.isalnum() or char in ".+" else "-" for char in run.name)
    number = 1
    while True:
        more = f"-{number}" if number > 1 else ""
        path = folder / f"{name}-{moment}{more}.json"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path

"""Verdicts on mutants: kept as JSON lines while a run goes on, and counted at its end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mutation_operators import Mutant

KILLED = ("killed", "timeout")


class ResultsError(Exception):
    """A file of verdicts or of equivalents is no such file; the message is one line."""


@dataclass(frozen=True)
class Verdict:
    """What the tests said about one mutant."""

    key: str
    module: str
    scope: str
    line: int
    operator: str
    outcome: str  # "killed", "timeout", "survived" or "equivalent"
    seconds: float
    by: str  # the test that failed, the reason of an equivalent, or nothing
    diff: str
    options: str = ""  # pytest's: a mutant that survived with some may die with others

    def holds_with(self, options: str) -> bool:
        """Return whether the verdict is known to hold with these options of pytest."""
        return self.outcome in KILLED or self.options == options


@dataclass(frozen=True)
class Equivalent:
    """A mutant that behaves as the original does, and why."""

    module: str
    scope: str
    original: str
    replacement: str
    reason: str

    def describes(self, mutant: Mutant) -> bool:
        """Return whether this is the mutant; where in its function it stands does not matter."""
        return (mutant.module, mutant.scope, _flat(mutant.original), _flat(mutant.replacement)) == (
            self.module,
            self.scope,
            _flat(self.original),
            _flat(self.replacement),
        )


def equivalents(entries: Iterable[Mapping[str, str]]) -> list[Equivalent]:
    """Return the equivalents of a table; ResultsError for an entry without reason."""
    found = []
    for entry in entries:
        try:
            each = Equivalent(**entry)
        except TypeError:
            names = ", ".join(Equivalent.__annotations__)
            raise ResultsError(f"an equivalent has exactly {names}, not {sorted(entry)}") from None
        if not each.reason.strip():
            raise ResultsError(
                f"say why {each.module} {each.scope} {each.original!r} is equivalent"
            )
        found.append(each)
    return found


class VerdictFile:
    """A file with one verdict a line; a last line that was cut off counts for nothing."""

    def __init__(self, path: Path, source: str) -> None:
        """Take the path, and a text that tells one source of the package from another."""
        self.path = path
        self._source = source

    def read(self) -> dict[str, Verdict]:
        """Return the verdicts on this source by the mutants' keys; later lines count."""
        found: dict[str, Verdict] = {}
        lines = self.path.read_text("utf-8").splitlines() if self.path.is_file() else []
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if entry.pop("source") == self._source:
                    found[entry["key"]] = Verdict(**entry)
            except (ValueError, KeyError, TypeError, AttributeError):
                if number < len(lines):
                    raise ResultsError(
                        f"{self.path}:{number} is no verdict: delete the line or name another file"
                    ) from None
        return found

    def add(self, verdict: Verdict) -> None:
        """Add a verdict at the end."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = self.path.read_bytes() if self.path.is_file() else b""
        if text and not text.endswith(b"\n"):  # the rest of an interrupted line
            self.path.write_bytes(text[: text.rfind(b"\n") + 1])
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"source": self._source, **asdict(verdict)}) + "\n")


def latest_verdicts(path: Path) -> list[Verdict]:
    """Return the verdicts on the source that a file of verdicts was written about last.

    Raises:
        ResultsError: it is no such file, or has no verdict.
        OSError: it can't be read.
    """
    lines = path.read_text("utf-8").splitlines()
    for line in reversed(lines[-2:]):  # the last may be cut off
        try:
            source = json.loads(line)["source"]
        except (ValueError, KeyError, TypeError):
            continue
        return list(VerdictFile(path, source).read().values())
    raise ResultsError(f"{path} has no verdicts: `hatch run mutants:run` writes them")


def score_table(verdicts: Iterable[Verdict]) -> str:
    """Return the score of each module and of all, in per cent of what is not equivalent."""
    by_module: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_module.setdefault(verdict.module, []).append(verdict)
    every = [verdict for each in by_module.values() for verdict in each]
    rows = [(name, by_module[name]) for name in sorted(by_module)]
    width = max(len(name) for name in ("module", "all", *by_module))
    lines = [f"{'module':{width}}  mutants  killed  survived  equivalent  score"]
    for name, each in [*rows, ("all", every)]:
        killed, survived, same = (
            sum(verdict.outcome in outcomes for verdict in each)
            for outcomes in (KILLED, ("survived",), ("equivalent",))
        )
        counted = killed + survived
        score = f"{100 * killed / counted:.1f} %" if counted else "-"
        lines.append(
            f"{name:{width}}  {len(each):7}  {killed:6}  {survived:8}  {same:10}  {score:>7}"
        )
    return "\n".join(lines)


def _flat(text: str) -> str:
    return " ".join(text.split())

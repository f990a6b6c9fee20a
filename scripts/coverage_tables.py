"""How much of the SDK's modules was executed, as numbers and as a table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coverage_data import release_and_module


@dataclass(frozen=True)
class Total:
    """How much of some files was executed."""

    lines: int
    lines_run: int
    branches: int
    branches_run: int

    @property
    def percent_of_lines(self) -> float:
        """The executed lines in percent."""
        return 100 * self.lines_run / self.lines if self.lines else 100.0

    @property
    def percent_of_branches(self) -> float:
        """The executed branches in percent."""
        return 100 * self.branches_run / self.branches if self.branches else 100.0

    def __add__(self, other: "Total") -> "Total":
        """Return both together."""
        return Total(
            self.lines + other.lines,
            self.lines_run + other.lines_run,
            self.branches + other.branches,
            self.branches_run + other.branches_run,
        )


NOTHING = Total(0, 0, 0, 0)


def totals(content: dict[str, Any]) -> dict[str, dict[str, Total]]:
    """Return what was executed, by release and module, from what `report` returned."""
    found: dict[str, dict[str, Total]] = {}
    for name, about in content["files"].items():
        release, module = release_and_module(name)
        summary = about["summary"]
        found.setdefault(release, {})[module] = Total(
            summary["num_statements"],
            summary["covered_lines"],
            summary["num_branches"],
            summary["covered_branches"],
        )
    return found


def table(found: Mapping[str, Mapping[str, Total]]) -> Iterable[str]:
    """Yield the lines of a table: percent of lines and of branches by module and release."""
    modules = sorted({module for of in found.values() for module in of})
    width = max(map(len, [*modules, "all releases together"]))
    yield " " * width + "".join(f"  {release:>15}" for release in found)
    yield "% of lines, branches".ljust(width) + "  lines  branches" * len(found)
    for module in modules:
        yield module.ljust(width) + "".join(_cell(of.get(module)) for of in found.values())
    yield "total".ljust(width) + "".join(_cell(sum(of.values(), NOTHING)) for of in found.values())
    if len(found) > 1:
        yield "all releases together".ljust(width) + _cell(total_of(found))


def _cell(total: Total | None) -> str:
    if total is None:
        return " " * 17
    return f"  {total.percent_of_lines:5.1f}     {total.percent_of_branches:5.1f}"


def total_of(found: Mapping[str, Mapping[str, Total]]) -> Total:
    """Return what was executed of all modules of all releases."""
    return sum((total for of in found.values() for total in of.values()), NOTHING)

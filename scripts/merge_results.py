"""Merge what several machines or shards have written about their runs into one folder.

    hatch run +sdk=1.6.0b1 test:merge results --into merged --parts 4

Folders are searched for files of each kind in KINDS: JUnit files, recorded results, and the
coverage data that `hatch run test:coverage --shard 2/4` writes beside copies of the SDK's source.
Another kind of result is an entry more in this table.
"""

import argparse
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage_data
import msgspec
from coverage_tables import table, totals
from junit_results import JunitError, node_id, parse, suites
from model_fixtures.run_results import ResultsError, Run, has_results, read_results, write_results

COUNTS = ("tests", "failures", "errors", "skipped")


class MergeError(Exception):
    """Results can't be merged; the message is one line that says why."""


@dataclass(frozen=True)
class Kind:
    """A kind of result.

    Attributes:
        pattern: matches the files of this kind in a folder and below.
        is_one: tells whether a file that matches is of this kind.
        merge: writes the merged files into a folder and returns a line about them. It gets how
            many parts there must be, or None. It may raise MergeError.
    """

    pattern: str
    merge: Callable[[Sequence[Path], Path, int | None], str]
    is_one: Callable[[Path], bool] = lambda _: True


def main(arguments: list[str]) -> int:
    """Merge; return 0, or 1 after one line that says why it was not possible."""
    parser = argparse.ArgumentParser(
        prog="hatch run test:merge", description="Merge the results of several runs into one."
    )
    parser.add_argument(
        "paths", metavar="PATH", type=Path, nargs="+", help="file with results, or folder of such"
    )
    parser.add_argument(
        "--into",
        metavar="FOLDER",
        type=Path,
        default=Path("merged"),
        help="folder for what is merged (default: %(default)s)",
    )
    parser.add_argument(
        "--parts",
        metavar="N",
        type=int,
        help="fail unless each suite has so many parts, so that no lost shard goes unnoticed",
    )
    chosen = parser.parse_args(arguments)
    try:
        chosen.into.mkdir(parents=True, exist_ok=True)
        lines = list(merge(chosen.paths, chosen.into, chosen.parts))
    except (
        MergeError,
        JunitError,
        ResultsError,
        coverage_data.CoverageError,
        OSError,
    ) as error:
        print(f"test:merge: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def merge(paths: Sequence[Path], into: Path, parts: int | None) -> Iterator[str]:
    """Merge the results of each kind, and yield a line about it.

    Raises:
        MergeError: there are no results, or they do not fit together.
        JunitError, ResultsError: a file can't be read.
        CoverageError: coverage data can't be read.
    """
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise MergeError(f"{missing[0]} does not exist: name files or folders with results")
    nothing = True
    for kind in KINDS:
        files = [file for file in found(paths, kind.pattern) if into not in file.parents]
        files = list(filter(kind.is_one, files))
        if files:
            nothing = False
            yield kind.merge(files, into, parts)
    if nothing:
        names = ", ".join(str(path) for path in paths)
        raise MergeError(f"there are no results in {names}: run pytest with --junitxml")


def found(paths: Sequence[Path], pattern: str) -> list[Path]:
    """Return the files of these folders that match a pattern, and those named themselves, once."""
    files = []
    for path in paths:
        files += sorted(path.rglob(pattern)) if path.is_dir() else [path] * path.match(pattern)
    return list(dict.fromkeys(files))


def check_parts(whole: str, shards: Sequence[object], parts: int | None) -> None:
    """Raise a MergeError if there must be another number of shards."""
    if parts is not None and len(shards) != parts:
        raise MergeError(f"{whole} has {len(shards)} parts instead of {parts}")


def check_once(whole: str, ran: Iterable[str]) -> None:
    """Raise a MergeError if a test has run in two shards."""
    twice = [test for test, times in Counter(ran).items() if times > 1]
    if twice:
        raise MergeError(
            f"{len(twice)} tests of {whole} have run twice, such as {twice[0]}: name each run once,"
            " or give runs different names (-o junit_suite_name=NAME)"
        )


def merge_junit(files: Sequence[Path], into: Path, parts: int | None) -> str:
    """Write `junit.xml` with one suite for each name that the files' suites have.

    Shards of a run have the same name; runs of different releases or systems have different ones.
    """
    merged: dict[str, list[ET.Element]] = {}
    for file in files:
        for suite in suites(parse(file)):
            merged.setdefault(suite.get("name", ""), []).append(suite)
    root = ET.Element("testsuites", name="pytest tests")
    for name, shards in sorted(merged.items()):
        check_parts(f"the suite {name}", shards, parts)
        root.append(joined(name, shards))
    ET.indent(root)
    ET.ElementTree(root).write(into / "junit.xml", encoding="utf-8", xml_declaration=True)
    total = {count: sum(int(suite.get(count, "0")) for suite in root) for count in COUNTS}
    numbers = ", ".join(f"{number} {count}" for count, number in total.items())
    return f"{into / 'junit.xml'}: {len(files)} files, {len(merged)} suites, {numbers}"


def joined(name: str, shards: Sequence[ET.Element]) -> ET.Element:
    """Return one suite with the test cases of all shards.

    Raises:
        MergeError: a test is in two of them.
    """
    # A test that failed and whose teardown failed, too, is two test cases of one shard.
    ran = (test for shard in shards for test in {node_id(case) for case in cases(shard)})
    check_once(f"the suite {name}", ran)
    suite = ET.Element("testsuite", name=name)
    for count in COUNTS:
        suite.set(count, str(sum(int(shard.get(count, "0")) for shard in shards)))
    suite.set("time", f"{sum(float(shard.get('time', '0')) for shard in shards):.3f}")
    suite.set("timestamp", min(shard.get("timestamp", "") for shard in shards))
    for shard in shards:
        suite.extend(cases(shard))
    return suite


def cases(suite: ET.Element) -> list[ET.Element]:
    """Return the test cases of a suite."""
    return suite.findall("testcase")


def merge_coverage(files: Sequence[Path], into: Path, parts: int | None) -> str:
    """Write the folder `coverage` with the data of each release, and reports about all of them."""
    folder = into.resolve() / "coverage"
    folder.mkdir(exist_ok=True)
    by_release: dict[str, list[Path]] = {}
    for file in files:
        by_release.setdefault(coverage_data.release_of(file), []).append(file.resolve())
    merged = []
    for release, shards in sorted(by_release.items()):
        check_parts(f"the coverage of lmstudio {release}", shards, parts)
        source = coverage_data.source_of(shards[0].parent, release)
        if not source.is_dir():
            raise MergeError(f"{source} is missing: keep it beside {shards[0].name}")
        coverage_data.keep_source(source, folder, release)
        merged.append(coverage_data.combine_parts(shards, folder, release))
    content = coverage_data.report(merged, folder)
    return "\n".join([*table(totals(content)), f"{folder}: {len(files)} files"])


def merge_runs(files: Sequence[Path], into: Path, parts: int | None) -> str:
    """Write `results.json`, for `test:report`, with one run for each name of the files' runs.

    As with JUnit files, shards of a run have the same name.
    """
    merged: dict[str, list[Run]] = {}
    for file in files:
        for run in read_results(file):
            merged.setdefault(run.name, []).append(run)
    for name, shards in merged.items():
        check_parts(f"the run {name}", shards, parts)
    runs = [joined_run(shards) for _, shards in sorted(merged.items())]
    write_results(into / "results.json", runs)
    tests = sum(len(run.tests) for run in runs)
    return f"{into / 'results.json'}: {len(files)} files, {len(runs)} runs, {tests} tests"


def joined_run(shards: Sequence[Run]) -> Run:
    """Return one run with the tests of all shards.

    Raises:
        MergeError: a test is in two of them, or they are runs of different releases.
    """
    first = min(shards, key=lambda run: run.started)
    releases = sorted({run.release for run in shards})
    if len(releases) > 1:
        raise MergeError(
            f"the run {first.name} has the SDK {' and '.join(releases)}: give runs different names"
            " (-o junit_suite_name=NAME)"
        )
    check_once(f"the run {first.name}", (test.id for run in shards for test in run.tests))
    return msgspec.structs.replace(
        first,
        seconds=round(sum(run.seconds for run in shards), 3),
        notes=tuple(dict.fromkeys(note for run in shards for note in run.notes)),
        tests=tuple(test for run in shards for test in run.tests),
    )


KINDS = (
    Kind("*.xml", merge_junit, is_one=lambda path: path.name != coverage_data.XML),
    Kind(coverage_data.data_file(Path(), "*").name, merge_coverage),
    Kind("*.json", merge_runs, is_one=has_results),
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""List the endpoints in the source of the installed SDK, and the tests that reach them.

    python scripts/list_sdk_endpoints.py            one test for each endpoint, from
                                                    sdk_tests.endpoint_test_table
    python scripts/list_sdk_endpoints.py FOLDER     all tests of each endpoint, from a run of the
                                                    suite with SDK_TESTS_RECORD=FOLDER

The exit code is 1 if an endpoint has no test, as a new endpoint of a new SDK release.
"""

import argparse
import ast
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sdk_tests.endpoint_test_table import EXERCISED_BY

SCHEMA = re.compile(
    r"^(?:class )?Pseudo(?:Diagnostics|Embedding|Files|Llm|Plugins|Repository|System)"
    r"(Rpc|Channel)(\w+)\(",
    re.MULTILINE,
)


def sdk_folder() -> Path:
    """Return the folder of the installed SDK."""
    spec = importlib.util.find_spec("lmstudio")
    if spec is None or spec.origin is None:
        sys.exit(
            "list_endpoints.py: lmstudio is not installed here; use an environment that has it"
        )
    return Path(spec.origin).parent


def named_endpoints(folder: Path) -> dict[str, set[str]]:
    """Return the source files that name an endpoint, by the endpoint's name.

    The endpoints of channels are the values of `_API_ENDPOINT`. Those of calls are the first
    arguments of `remote_call`. If such an argument is no literal, as in the plugin runner, all
    literals in the file count that are calls in the SDK's schema.
    """
    schema = (folder / "_sdk_models" / "__init__.py").read_text(encoding="utf-8")
    calls = {
        match[2][:1].lower() + match[2][1:]
        for match in SCHEMA.finditer(schema)
        if match[1] == "Rpc"
    }
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        if "_sdk_models" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for endpoint in _named(tree, calls):
            found.setdefault(endpoint, set()).add(path.relative_to(folder).as_posix())
    return dict(sorted(found.items()))


def _named(tree: ast.Module, calls: set[str]) -> Iterator[str]:
    computed = False
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Name(id="_API_ENDPOINT")], value=ast.Constant(value=str(endpoint))
            ) if endpoint:
                yield endpoint
            case ast.Call(
                func=ast.Attribute(attr="remote_call"),
                args=[ast.Constant(value=str(endpoint)), *_],
            ):
                yield endpoint
            case ast.Call(func=ast.Attribute(attr="remote_call")):
                computed = True
    if computed:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in calls:
                yield str(node.value)


def recorded(folder: Path) -> dict[str, set[str]]:
    """Return the tests that reached an endpoint in a recorded run, by the endpoint's name."""
    tests: dict[str, set[str]] = {}
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            for endpoint in record["endpoints"]:
                tests.setdefault(endpoint, set()).add(record["test"])
    return tests


def rows(named: Mapping[str, set[str]], tests: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield a line for each endpoint."""
    for endpoint, files in named.items():
        reached = sorted(tests.get(endpoint, ())) or ["NO TEST"]
        more = "" if len(reached) == 1 else f" and {len(reached) - 1} more"
        yield f"{endpoint:27} {reached[0]}{more}   ({', '.join(sorted(files))})"


def main(arguments: list[str]) -> int:
    """Print the list; return 1 if an endpoint has no test, else 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        type=Path,
        nargs="?",
        help="records of a run of the suite with SDK_TESTS_RECORD=FOLDER (default: list one test"
        " for each endpoint, from sdk_tests.endpoint_test_table)",
    )
    folder = parser.parse_args(arguments).folder
    named = named_endpoints(sdk_folder())
    if folder is not None:
        tests = recorded(folder)
    else:
        tests = {endpoint: {test} for endpoint, test in EXERCISED_BY.items()}
    print("\n".join(rows(named, tests)))
    return 1 if set(named) - set(tests) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Write each package's tests/sync/test_XYZ_sync.py from its tests/async/test_XYZ_async.py.

    hatch run sync:generate    write missing and outdated files, remove files without a source
    hatch run sync:check       fail, and list the files that `generate` would change

`unasync` replaces the keywords. WORDS and PATTERNS below apply to comments and strings too. A
conftest.py is treated like a test file. Where the two APIs really differ, the async file has a
comment, either on a line before a statement or at the end of a statement:

    # sync: skip               leave the statement (for example a whole test) out
    # sync: use CODE           replace the statement by CODE

Helper modules that need an event loop exist in both forms: an import of
sdk_tests.concurrency_async becomes one of sdk_tests.concurrency_sync.
"""

import argparse
import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import unasync

ROOT = Path(__file__).resolve().parent.parent

WORDS = {
    # Classes of the SDK whose sync name does not begin with "Sync" (PATTERNS replaces the others)
    "AsyncAvailableModel": "AvailableModel",
    "AsyncClient": "Client",
    "AsyncDownloadedEmbeddingModel": "DownloadedEmbeddingModel",
    "AsyncDownloadedLlm": "DownloadedLlm",
    "AsyncEmbeddingModel": "EmbeddingModel",
    "AsyncLLM": "LLM",
    "AsyncModelDownloadOption": "ModelDownloadOption",
    "AsyncPredictionStream": "PredictionStream",
    # Names of Python and its standard library
    "AsyncIterator": "Iterator",
    "__aenter__": "__enter__",
    "aclose": "close",
}

PATTERNS: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    # Pytest's marks
    (r"^[ \t]*@pytest\.mark\.anyio\n", ""),
    (r"^pytestmark = (\[\s*)?pytest\.mark\.anyio,?(?(1)\s*\])\n", ""),
    (r"\bpytest\.mark\.anyio,\s*", ""),
    (r",\s*pytest\.mark\.anyio\b", ""),
    # Types
    (r"\bAwaitable\[([^\[\]]+)\]", r"\1"),
    (r"\bCoroutine\[Any, Any, ([^\[\]]+)\]", r"\1"),
    # Prose
    (r"\b([Aa])n (?=`?(?:async|Async(?:Client|Downloaded|Model|Prediction)))", r"\1 "),
    (r"\bawait (?=[\w.]+\()", ""),
    (r"\basynchronous", "synchronous"),
    (r"\bAsynchronous", "Synchronous"),
    # Names: the tables, then AsyncModelHandle, _AsyncSession, test_x_async, async_api
    (rf"\b(?:{'|'.join(WORDS)})\b", lambda match: WORDS[match[0]]),
    (r"(?<![A-Za-z0-9])Async(?![a-z0-9])", "Sync"),
    (r"(?<![A-Za-z0-9])async(?![A-Za-z0-9])", "sync"),
]

HEADER = """\
# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# {}
# Change that, then: hatch run sync:generate
"""

MARK = re.compile(r"# sync: (skip|use (?P<code>.+?))\s*$")


class SyncError(Exception):
    """An async test can't be converted; the message is one line with its file and what to do."""


def to_sync(source: str, name: str) -> str:
    """Return the sync twin of an async test's source, not yet formatted.

    `name` is the file's name in error messages.

    Raises:
        SyncError: the source can't be converted.
    """
    try:
        refuse_hidden_awaits(ast.parse(source), name)
    except SyntaxError as error:
        raise SyncError(f"{name}:{error.lineno}: {error.msg}") from None
    text = apply_marks(source, name)
    refuse_broken(text, name)
    text = drop_keywords(text)
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    refuse_broken(text, name)
    return text


def apply_marks(source: str, name: str) -> str:
    """Leave out or replace the statements that carry a `# sync:` comment."""
    lines = source.splitlines()
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    for number in range(len(lines), 0, -1):  # from the end, so that line numbers stay valid
        line = lines[number - 1]
        if not (mark := MARK.search(line)):
            continue
        if line.strip().startswith("#"):
            first = number + 1
            while first <= len(lines) and re.fullmatch(r"\s*(#.*)?", lines[first - 1]):
                first += 1
            found = [each for each in statements if first_line(each) == first]
        else:
            found = [each for each in statements if first_line(each) <= number <= last_line(each)]
            found = found[-1:]  # the innermost
        if not found:
            raise SyncError(f"{name}:{number}: no statement belongs to '{mark[0]}'")
        indent = " " * found[0].col_offset
        code = [indent + mark["code"]] if mark["code"] else []
        lines[min(number, first_line(found[0])) - 1 : last_line(found[0])] = code
    return "\n".join(lines) + "\n"


def first_line(node: ast.stmt) -> int:
    """Return the first line of a statement with its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def last_line(node: ast.stmt) -> int:
    """Return the last line of a statement."""
    return node.end_lineno or node.lineno


def refuse_hidden_awaits(tree: ast.Module, name: str) -> None:
    """Raise `SyncError` for an `await` in an f-string.

    Python 3.11 and 3.12 tokenize f-strings differently, so unasync would convert it differently.
    """
    for string in [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]:
        if any(isinstance(node, ast.Await) for node in ast.walk(string)):
            raise SyncError(f"{name}:{string.lineno}: await in an f-string: name the value first")


def refuse_broken(text: str, name: str) -> None:
    """Raise `SyncError` if the text does not compile, for example because a block is empty."""
    try:
        compile(text, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = text.splitlines()[(error.lineno or 1) - 1].strip()
        raise SyncError(f"{name}: its sync twin is no Python: {error.msg}: {line}") from None


def drop_keywords(source: str) -> str:
    """Return the source without async and await, as `unasync` converts it."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before", "test.py"), Path(folder, "after", "test.py")
        before.parent.mkdir()
        before.write_text(source, encoding="utf-8")
        rule = unasync.Rule(str(before.parent), str(after.parent), WORDS)
        unasync.unasync_files([str(before)], [rule])
        return after.read_text(encoding="utf-8")


def twin_of(source: Path) -> Path:
    """Return the path of the sync file for an async file."""
    if source.name != "conftest.py" and not re.fullmatch(r"test_\w+_async\.py", source.name):
        raise SyncError(f"{source}: must be named test_XYZ_async.py (or moved out of tests/async)")
    return source.parent.parent / "sync" / source.name.replace("_async.py", "_sync.py")


def render(source: Path, root: Path) -> str:
    """Return the content of the sync file, formatted as by `hatch fmt`."""
    name = source.relative_to(root).as_posix()
    twin = twin_of(source)
    code = HEADER.format(name) + to_sync(source.read_text(encoding="utf-8"), name)
    for arguments in (["check", "--fix", "--exit-zero", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(twin), "-"]
        ran = subprocess.run(
            command, input=code, capture_output=True, text=True, encoding="utf-8", check=False
        )
        if ran.returncode:
            raise SyncError(f"{name}: ruff {arguments[0]}: {ran.stderr.strip()}")
        code = ran.stdout
    return code


def changes(root: Path) -> Iterator[tuple[Path, str | None, str]]:
    """Yield the path, the right content and the reason for each sync file that must change.

    The content is None if there must be no file.
    """
    for folder in sorted(root.glob("packages/*/tests")):
        sources = {twin_of(source): source for source in sorted(folder.glob("async/*.py"))}
        for twin, source in sources.items():
            right = render(source, root)
            if not twin.is_file():
                yield twin, right, "missing"
            elif twin.read_text(encoding="utf-8") != right:
                yield twin, right, "stale or edited by hand"
        for orphan in sorted(set(folder.glob("sync/*.py")) - set(sources)):
            yield orphan, None, "orphaned: it has no async source"


def unused_words(root: Path) -> list[str]:
    """Return the words in WORDS that no async test contains."""
    sources = sorted(root.glob("packages/*/tests/async/*.py"))
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    return sorted(set(WORDS) - set(re.findall(r"\w+", text)))


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write or check the sync tests.

    Return 0 if all are now right, 1 if --check found a difference, 2 if a test can't be converted.
    """
    parser = argparse.ArgumentParser(
        prog="hatch run sync:generate", description="Write the sync tests from the async ones."
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="change nothing; list what would change, and fail if there is anything",
    )
    check = parser.parse_args(arguments).check
    found = 0
    try:
        for path, right, reason in changes(root):
            found += 1
            print(f"{path.relative_to(root).as_posix()}: {reason}")
            if check:
                continue
            if right is not None:
                path.parent.mkdir(exist_ok=True)
                path.write_text(right, encoding="utf-8", newline="\n")
            elif path.read_text(encoding="utf-8").startswith("# DO NOT EDIT."):
                path.unlink()
            else:
                raise SyncError(f"{path}: written by hand, so not removed; move it to tests/")
    except SyncError as error:
        print(f"generate_sync_tests.py: {error}", file=sys.stderr)
        return 2
    if check and found:
        print("Run `hatch run sync:generate` and commit what it writes.", file=sys.stderr)
        return 1
    if check and (unused := unused_words(root)):
        print(
            f"Remove from WORDS in {Path(__file__).name}: no async test has {', '.join(unused)}.",
            file=sys.stderr,
        )
        return 1
    print("Sync tests written." if found else "All sync tests are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

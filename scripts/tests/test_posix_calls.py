"""Windows imports every file, and no test there calls what only POSIX has.

mypy finds such calls outside of tests (`hatch run types:check --platform win32`). It leaves tests
out, since it does not see why one is skipped, so this looks at their source.
"""

import ast
from collections.abc import Iterator

import suite_command

MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}
NAMES = {
    "os.WNOWAIT", "os.fork", "os.geteuid", "os.getpgid", "os.getuid", "os.killpg", "os.mkfifo",
    "os.nice", "os.setsid", "os.uname", "os.wait4", "os.waitid",
    "signal.SIGALRM", "signal.SIGCONT", "signal.SIGHUP", "signal.SIGKILL", "signal.SIGPIPE",
    "signal.SIGSTOP", "signal.SIGUSR1", "signal.alarm", "signal.pthread_kill",
    "signal.setitimer", "socket.AF_UNIX",
}  # fmt: skip
# What shows that a test, or what it uses, is not run on Windows.
GUARDS = ("skipif", "sys.platform", "os.name", "hasattr", "pytest.skip", "importorskip")
FILES = sorted(
    path
    for pattern in ("packages/*/tests/**/*.py", "scripts/tests/*.py")
    for path in suite_command.ROOT.glob(pattern)
    if path.parent.name != "sync"  # made from those in `async`
)


def posix_uses(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and name of what only POSIX has."""
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and ast.unparse(each) in NAMES:
            yield each.lineno, ast.unparse(each)
        elif isinstance(each, ast.Import):
            yield from ((each.lineno, name.name) for name in each.names if name.name in MODULES)
        elif isinstance(each, ast.ImportFrom) and each.module in MODULES:
            yield each.lineno, str(each.module)


def on_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what runs when the file is imported: no bodies of functions, but their decorators."""
    waiting: list[ast.AST] = [node for node in tree.body if not guards(node)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from node.decorator_list
            yield node.args
        elif isinstance(node, ast.ClassDef):
            yield from node.decorator_list
            waiting += node.body
        else:
            yield node


def guards(node: ast.AST) -> bool:
    """Return whether a statement asks for the system before it does anything."""
    return isinstance(node, ast.If) and any(word in ast.unparse(node.test) for word in GUARDS)


def unguarded(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what functions use that only POSIX has, where nothing keeps Windows from it.

    A helper counts as kept from Windows if every function of the file that names it is.
    """
    marks = [ast.unparse(node) for node in tree.body if "pytestmark" in ast.unparse(node)]
    if any(guard in mark for mark in marks for guard in GUARDS):
        return
    functions = [
        node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    posix = {node.name: list(posix_uses(node)) for node in functions}
    guarding = [*GUARDS, *guarding_names(tree)]
    safe = {node.name for node in functions if any(word in ast.unparse(node) for word in guarding)}
    named = {node.name: names(node) for node in functions}
    for _ in range(3):  # helpers of helpers
        for name in posix.keys() - safe:
            users = {other for other in named if other != name and name in named[other]}
            if users and users <= safe:
                safe.add(name)
    for name in posix.keys() - safe:
        yield from posix[name]


def guarding_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names of marks that a file makes for its tests, such as `needs_signals`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and "mark.skipif" in ast.unparse(node.value):
            yield ast.unparse(node.targets[0])


def names(node: ast.AST) -> set[str]:
    """Return the names in a function: what it calls, its fixtures, and texts that name fixtures."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.arg):
            found.add(each.arg)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found.add(each.value)
    return found


def test_windows_can_import_and_run() -> None:
    """A test file needs POSIX neither when it is imported nor in a test that Windows runs."""
    words = {*MODULES, *(name.partition(".")[2] for name in NAMES)}
    wrong = {}
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        if any(word in source for word in words):
            tree = ast.parse(source)
            imported = [use for node in on_import(tree) for use in posix_uses(node)]
            if found := [*imported, *unguarded(tree)]:
                wrong[path.relative_to(suite_command.ROOT).as_posix()] = found
    assert wrong == {}


def test_uses_are_found() -> None:
    """The search finds a decorator, a body and a module, and passes over what is skipped."""
    tree = ast.parse(
        "import fcntl\n"
        "@pytest.mark.parametrize('number', [signal.SIGKILL])\n"
        "def test_a(number): os.fork()\n"
        "@pytest.mark.skipif(os.name == 'nt', reason='')\n"
        "def test_b(): helper()\n"
        "def helper(): os.mkfifo('x')\n"
    )
    imported = [use for node in on_import(tree) for use in posix_uses(node)]
    assert sorted(imported) == [(1, "fcntl"), (2, "signal.SIGKILL")]
    assert set(unguarded(tree)) == {(2, "signal.SIGKILL"), (3, "os.fork")}

"""What `local:changed` takes for a change, and what for a reason to run all tests."""

from pathlib import Path

import pytest
from changed_tests.function_blocks import blocks_of
from changed_tests.source_changes import Changes, compare, read_source

SOURCE = '''\
"""A module."""

import functools

LIMIT = 3


class Chat:
    """A chat."""

    size: int = 0

    def append(self, text, times=1):
        """Append."""
        # A comment.
        for _ in range(times):
            self.size += len(text)
        return self.size

    @property
    def empty(self):
        def inner():
            return self.size == 0

        return inner()


if LIMIT > 2:

    def limit(): return LIMIT

    async def wait(
        a,
        b=(1,
           2),
    ):
        await a
        return b


def numbers():
    return [1, 2]
'''


def changes(old: str, new: str, run_at_import: tuple[str, ...] = ()) -> Changes:
    """Return what has changed when a text that SOURCE has once is replaced."""
    assert SOURCE.count(old) == 1
    other = SOURCE.replace(old, new)
    return compare({"chat.py": SOURCE}, {"chat.py": other}, run_at_import)


def test_bodies() -> None:
    """A body begins behind the docstring, and functions inside of it belong to it."""
    bodies = blocks_of(SOURCE).bodies
    places = {name: (body.first, body.last) for name, body in bodies.items()}
    assert places == {
        "Chat.append": (16, 18),
        "Chat.empty": (22, 25),
        "wait": (37, 38),
        "numbers": (42, 42),
    }


def test_two_of_one_name() -> None:
    """Functions of one name in one scope are told apart."""
    twice = "@property\ndef f():\n    return 1\n\n@f.setter\ndef f():\n    pass\n"
    assert list(blocks_of(twice).bodies) == ["f", "f#2"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        # A comment.\n", ""),
        ("range(times):", "range(\n            times\n        ):"),
        ("LIMIT = 3", "LIMIT = (3)  # so it is"),
    ],
)
def test_layout(old: str, new: str) -> None:
    """Comments and layout are no change."""
    assert not changes(old, new)


@pytest.mark.parametrize(
    ("old", "new", "function", "lines"),
    [
        ("self.size += len(text)", "self.size += 1", "Chat.append", {1}),
        ("        return self.size\n", "", "Chat.append", {2}),
        ("        return self.size\n", "        print()\n        return 1\n", "Chat.append", {2}),
        ("len(text)\n", "len(text)\n            x = 1\n", "Chat.append", {1, 2}),
        ("return self.size == 0", "return not self.size", "Chat.empty", {1}),
        ("        await a\n", "", "wait", {0}),
    ],
)  # fmt: skip
def test_changed_function(old: str, new: str, function: str, lines: set[int]) -> None:
    """A change in a body is one of its function, and says which lines of the former body it is."""
    found = changes(old, new)
    assert found.lines == {f"chat.py {function}": lines}
    assert not found.in_full
    assert not found.problem


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("LIMIT = 3", "LIMIT = 4", "chat.py, line 5: module level runs at import"),
        ("size: int = 0", "size: int = 1", "chat.py, line 11: class Chat runs at import"),
        ("class Chat:", "class Chat(dict):", "chat.py, line 8: class Chat runs at import"),
        ("times=1", "times=2", "line 13: signature, decorators or docstring of Chat.append runs"),
        ('"""Append."""', '"""Append it."""', "line 13: signature, decorators or docstring of"),
        ("    @property\n", "", "line 20: signature, decorators or docstring of Chat.empty"),
        ("def limit(): return LIMIT", "def limit(): return 4", "line 28: module level runs"),
        ("    return [1, 2]", "    yield [1, 2]", "signature, decorators or docstring of numbers"),
        ("def numbers():", "def more():\n    pass\n\n\ndef numbers():", "chat.py more is new"),
        ("\n\ndef numbers():\n    return [1, 2]\n", "", "chat.py numbers is gone"),
    ],
)  # fmt: skip
def test_in_full(old: str, new: str, reason: str) -> None:
    """What runs at import, and a new or removed function, is a reason to run all tests."""
    found = changes(old, new)
    (given,) = found.in_full
    assert reason in given
    assert found.suspects == {"chat.py"}


def test_function_that_runs_at_import() -> None:
    """A function that the import calls is a reason to run all tests, too."""
    found = changes("[1, 2]", "[1]", ("chat.py numbers",))
    assert found.in_full == ["chat.py numbers runs at import"]
    assert found.lines == {"chat.py numbers": {0}}


def test_data_models() -> None:
    """A change in generated schemas names them as data models."""
    module = "_sdk_models/__init__.py"
    found = compare({module: "x: int\n"}, {module: "x: str\n"}, ())
    assert found.in_full == [f"{module} are data models: many functions work with them"]


def test_files(tmp_path: Path) -> None:
    """New and removed modules and other files are reasons; compiled ones and line ends are not."""
    (tmp_path / "a.py").write_bytes(b"x = 1\r\n")
    (tmp_path / "py.typed").touch()
    (tmp_path / "__pycache__").mkdir()
    old = read_source(tmp_path)
    (tmp_path / "__pycache__" / "a.pyc").touch()
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    assert not compare(old, read_source(tmp_path), ())
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    (tmp_path / "py.typed").write_text("partial", "utf-8")
    found = compare(old, read_source(tmp_path), ())
    assert found.in_full == ["a.py is gone", "b.py is new", "py.typed is no module, and changed"]


@pytest.mark.parametrize("text", ["def f(:\n", "x = 1\n  y = 2\n"])
def test_broken_source(text: str) -> None:
    """A source that cannot run is a problem with its line."""
    found = compare({"a.py": "x = 1\n"}, {"a.py": text}, ())
    assert found.problem.startswith("a.py, line ")

"""Which sync files are written, found wrong and removed."""

import shutil
import subprocess
import sys
from pathlib import Path

import generate_sync_tests
import pytest

SOURCE = '''"""Async."""

import anyio
import pytest
from lmstudio import AsyncClient


@pytest.mark.anyio
async def test_names_async() -> None:
    """The client names every model that the server has loaded, in the order in which it lists."""
    async with AsyncClient() as client:
        assert [model.identifier for model in await client.list_loaded_models()] == ["the first"]


# sync: skip
@pytest.mark.anyio
async def test_tasks_async() -> None:
    """Only the async client has tasks."""
    await anyio.lowlevel.checkpoint()
'''

TWIN = '''# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/p/tests/async/test_names_async.py
# Change that, then: hatch run sync:generate
"""Sync."""

from lmstudio import Client


def test_names_sync() -> None:
    """The client names every model that the server has loaded, in the order in which it lists."""
    with Client() as client:
        assert [model.identifier for model in client.list_loaded_models()] == ["the first"]
'''

PATH = "packages/p/tests/sync/test_names_sync.py"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a checkout with one async test in one package, and this project's ruff rules."""
    monkeypatch.setattr(generate_sync_tests, "WORDS", {"AsyncClient": "Client"})
    shutil.copy(generate_sync_tests.ROOT / "pyproject.toml", tmp_path)
    folder = tmp_path / "packages" / "p" / "tests" / "async"
    folder.mkdir(parents=True)
    (folder / "test_names_async.py").write_text(SOURCE)
    return tmp_path


def test_generate_writes_the_twin(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing twin is written with its header, the imports it needs and ruff's layout."""
    assert generate_sync_tests.main([], tree) == 0
    assert (tree / PATH).read_text() == TWIN
    assert capsys.readouterr().out == f"{PATH}: missing\nSync tests written.\n"


def test_generate_writes_once(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run changes nothing and says so."""
    generate_sync_tests.main([], tree)
    before = (tree / PATH).stat().st_mtime_ns
    capsys.readouterr()
    assert generate_sync_tests.main([], tree) == 0
    assert (tree / PATH).stat().st_mtime_ns == before
    assert capsys.readouterr().out == "All sync tests are up to date.\n"


def test_ruff_agrees_with_the_twin(tree: Path) -> None:
    """Ruff, as `hatch fmt` runs it, neither reformats a written twin nor complains about it."""
    generate_sync_tests.main([], tree)
    for command in (["format", "--check"], ["check"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, tree / PATH], cwd=tree, check=True)


def test_check_accepts_what_generate_writes(tree: Path) -> None:
    """`--check` is content right after `generate`, and changes nothing."""
    generate_sync_tests.main([], tree)
    assert generate_sync_tests.main(["--check"], tree) == 0
    assert (tree / PATH).read_text() == TWIN


@pytest.mark.parametrize("change", ["missing", "stale", "edited"])
def test_check_names_a_wrong_twin(
    tree: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` fails over a missing, stale or edited twin, names it, and leaves it as it is."""
    twin = tree / PATH
    generate_sync_tests.main([], tree)
    if change == "missing":
        twin.unlink()
    elif change == "stale":
        source = twin.parent.parent / "async" / "test_names_async.py"
        source.write_text(source.read_text().replace("the first", "the second"))
    else:
        twin.write_text(TWIN.replace("the first", "the second"))
    left = twin.read_text() if twin.exists() else None
    capsys.readouterr()
    assert generate_sync_tests.main(["--check"], tree) == 1
    reason = "missing" if change == "missing" else "stale or edited by hand"
    output = capsys.readouterr()
    assert output.out == f"{PATH}: {reason}\n"
    assert output.err == "Run `hatch run sync:generate` and commit what it writes.\n"
    assert (twin.read_text() if twin.exists() else None) == left


def test_orphans_are_named_and_removed(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A twin whose source is gone fails `--check`, and `generate` removes it."""
    generate_sync_tests.main([], tree)
    (tree / "packages/p/tests/async/test_names_async.py").unlink()
    capsys.readouterr()
    assert generate_sync_tests.main(["--check"], tree) == 1
    assert capsys.readouterr().out == f"{PATH}: orphaned: it has no async source\n"
    assert generate_sync_tests.main([], tree) == 0
    assert not (tree / PATH).exists()


def test_hand_written_files_are_not_removed(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in tests/sync without the header is kept, and the user told where it belongs."""
    generate_sync_tests.main([], tree)
    mine = tree / "packages/p/tests/sync/test_mine_sync.py"
    mine.write_text("x = 1\n")
    assert generate_sync_tests.main([], tree) == 2
    assert mine.read_text() == "x = 1\n"
    assert "written by hand, so not removed; move it to tests/" in capsys.readouterr().err


def test_misnamed_sources_are_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An async test file whose name has no sync form is an error, not a test without a twin."""
    (tree / "packages/p/tests/async/test_names.py").write_text("x = 1\n")
    assert generate_sync_tests.main(["--check"], tree) == 2
    assert "must be named test_XYZ_async.py" in capsys.readouterr().err


def test_conftest_is_converted(tree: Path) -> None:
    """tests/async/conftest.py becomes tests/sync/conftest.py."""
    conftest = tree / "packages/p/tests/async/conftest.py"
    conftest.write_text(
        '"""Async."""\n\nfrom lmstudio import AsyncClient\n\nCLIENT = AsyncClient\n'
    )
    generate_sync_tests.main([], tree)
    written = (tree / "packages/p/tests/sync/conftest.py").read_text()
    assert written.endswith('"""Sync."""\n\nfrom lmstudio import Client\n\nCLIENT = Client\n')


def test_unused_words_fail_the_check(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` names the words of the table that no async test has."""
    generate_sync_tests.main([], tree)
    monkeypatch.setitem(generate_sync_tests.WORDS, "AsyncNothing", "Nothing")
    capsys.readouterr()
    assert generate_sync_tests.main(["--check"], tree) == 1
    complaint = "Remove from WORDS in generate_sync_tests.py: no async test has AsyncNothing.\n"
    assert capsys.readouterr().err == complaint

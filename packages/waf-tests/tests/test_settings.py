"""Settings that cannot be read are one line, in every command that reads them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from waf_tests.secret import Secret
from waf_tests.settings import SettingsError, read_settings
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.secret_scan import leaks

KEY = Secret("key-in-the-file")
LINE = f"LMSTUDIO_X_API_KEY={KEY.reveal()}\n"

COMMANDS = [
    ("check", "--host", "127.0.0.1:1"),
    ("rule", "--host", "lm.example.com", "--show-key"),
    ("serve", "--host", "127.0.0.1:1"),
]
BAD_FILES = [
    (f"# schlüssel\n{LINE}".encode("latin-1"), " is not UTF-8 text; save it as UTF-8"),
    (f"LMSTUDIO_X_API_KEY={KEY.reveal()}ü\n".encode("latin-1"), " is not UTF-8 text; save it"),
    (LINE.encode("utf-16"), " is not UTF-8 text (it looks like UTF-16); save it as UTF-8"),
    (LINE.encode("utf-16-le"), " is not UTF-8 text (it looks like UTF-16); save it as UTF-8"),
    (LINE.encode("utf-32"), " is not UTF-8 text (it looks like UTF-16); save it as UTF-8"),
    (b"A=1\n" + LINE.encode().replace(b"=", b" "), ", line 2, cannot be read; write NAME=value"),
    (LINE.encode().replace(b"=", b"='"), ", line 1, cannot be read; write NAME=value"),
    (b"A=1\n\n=" + KEY.reveal().encode(), ", line 2, cannot be read; write NAME=value"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(("data", "words"), BAD_FILES)
def test_bad_file(
    command: tuple[str, ...], data: bytes, words: str, run: Run, tmp_path: Path
) -> None:
    """A .env that cannot be read is one line with its path, and nothing of what is in it."""
    (tmp_path / ".env").write_bytes(data)
    line = one_line(run(*command))
    assert line.startswith(f"{command[0]}: {tmp_path / '.env'}{words}")
    assert leaks(line.encode(), [KEY]) == []


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        (("check", "--host", "127.0.0.1:1"), {"LMSTUDIO_X_API_KEY": "k"}),
        (("check",), {"LMSTUDIO_X_API_KEY": "k", "LMSTUDIO_CLOUDFLARE_HOST": "127.0.0.1:1"}),
        (("rule", "--host", "lm.example.com", "--show-key"), {"LMSTUDIO_X_API_KEY": "k"}),
        (("rule",), {"LMSTUDIO_CLOUDFLARE_HOST": "lm.example.com"}),
        (("serve", "--host", "127.0.0.1:1"), {"LMSTUDIO_X_API_KEY": "k"}),
    ],
)
def test_bad_file_that_is_not_needed(
    command: tuple[str, ...], variables: dict[str, str], run: Run, tmp_path: Path
) -> None:
    """A .env that cannot be read is only noted when options and environment have what is needed."""
    (tmp_path / ".env").write_text("what is this\n")
    noted, *further = run(*command, **variables).stderr.splitlines()
    assert noted == (
        f"{command[0]}: {tmp_path / '.env'}, line 1, cannot be read; write NAME=value; it is left "
        "out, since what is needed is set elsewhere"
    )
    (tmp_path / ".env").unlink()
    assert further == run(*command, **variables).stderr.splitlines()


def test_rule_without_anything_from_the_file(run: Run, tmp_path: Path) -> None:
    """A rule for a host that is given needs nothing of .env, and does not read it."""
    (tmp_path / ".env").write_text("what is this\n")
    result = run("rule", "--host", "lm.example.com")
    assert result.exit_code == 0
    assert ".env" not in result.stderr


def test_half_a_service_token_in_a_file(run: Run, tmp_path: Path) -> None:
    """A file that can be read is not left out for what is in it."""
    (tmp_path / ".env").write_text("LMSTUDIO_CF_ACCESS_CLIENT_ID=id\n")
    line = one_line(run("check", "--host", "127.0.0.1:1", LMSTUDIO_X_API_KEY="k"))
    assert line.startswith("check: a service token has two halves: ")


def test_folder_in_the_files_place(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder named .env is noted, and a file in a folder above it is read."""
    (tmp_path / ".env").write_text("LMSTUDIO_CLOUDFLARE_HOST=lm.example.com\n")
    (tmp_path / "inner" / ".env").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "inner")
    result = run("rule")
    assert result.exit_code == 0
    assert '"lm.example.com"' in result.stdout
    folder = tmp_path / "inner" / ".env"
    assert result.stderr.splitlines()[0] == (
        f"rule: {folder} is a folder, not a file: nothing is read from it"
    )


def test_unreadable_file(tmp_path: Path) -> None:
    """A file that the system does not let read is one line with the system's reason."""
    with pytest.raises(SettingsError, match=r"cannot be read: (Is a directory|Permission denied)"):
        read_settings({}, tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_file_without_permission(run: Run, tmp_path: Path) -> None:
    """The same for a file of somebody else, in a command."""
    (tmp_path / ".env").write_text(LINE)
    (tmp_path / ".env").chmod(0)
    if os.access(tmp_path / ".env", os.R_OK):
        pytest.skip("this user may read everything")
    assert one_line(run("check")) == f"check: {tmp_path / '.env'} cannot be read: Permission denied"


def test_mark_before_the_first_name(tmp_path: Path) -> None:
    """The mark that Windows' editors write before UTF-8 is no part of the first name."""
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbf" + LINE.encode())
    assert read_settings({}, tmp_path / ".env").key == KEY


def test_good_file(tmp_path: Path) -> None:
    """Comments, quotes, export, names without value and dollar signs are what they were."""
    (tmp_path / ".env").write_text(
        "# a comment\nexport LMSTUDIO_X_API_KEY='a b'  # another\nOTHER\n"
        'LMSTUDIO_CLOUDFLARE_HOST="h"\nLMSTUDIO_API_TOKEN=$HOME\n'
    )
    settings = read_settings({}, tmp_path / ".env")
    assert settings.host == "h"
    assert settings.key == Secret("a b")
    assert settings.token == Secret("$HOME")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps its current directory")
def test_no_directory(run: Run, tmp_path: Path) -> None:
    """A working directory that is gone is one line."""
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")  # the fixture `run` goes back
    (tmp_path / "gone").rmdir()
    assert one_line(run("check")).startswith("check: .env cannot be looked for: ")


@pytest.mark.parametrize(
    "variable",
    [
        "LMSTUDIO_X_API_KEY",
        "LMSTUDIO_API_TOKEN",
        "LMSTUDIO_CLOUDFLARE_HOST",
        "LMSTUDIO_CF_ACCESS_CLIENT_SECRET",
    ],
)
def test_value_that_is_no_utf_8(variable: str, run: Run, origin: RecordingOrigin) -> None:
    """A byte that is no UTF-8 in a variable is one line, without the value."""
    variables = {
        "LMSTUDIO_CLOUDFLARE_HOST": origin.address,
        "LMSTUDIO_X_API_KEY": "k",
        "LMSTUDIO_CF_ACCESS_CLIENT_ID": "id",
        "LMSTUDIO_CF_ACCESS_CLIENT_SECRET": "s",
        variable: os.fsdecode(KEY.reveal().encode() + b"\xff"),
    }
    line = one_line(run("check", **variables))
    assert line.isascii()
    assert "unexpected" not in line
    assert leaks(line.encode(), [KEY]) == []


def test_secret_that_is_no_utf_8() -> None:
    """Such a secret can be compared, and is shown as no other is."""
    odd = Secret(os.fsdecode(b"k\xff"))
    assert odd == Secret(os.fsdecode(b"k\xff"))
    assert odd != Secret("k")

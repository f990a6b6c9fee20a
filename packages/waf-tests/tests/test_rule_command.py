"""The command rule, as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from octorules_wirefilter import parse_expression
from waf_tests.secret import Secret
from waf_tests.testing.run_in_process import Run, one_line
from waf_tests.testing.secret_scan import leaks

KEY = Secret("key-of-the-rule")


def test_rule(run: Run) -> None:
    """rule prints one expression that Cloudflare's engine accepts, without the key."""
    result = run("rule", "--host", "lm.example.com", LMSTUDIO_X_API_KEY=KEY.reveal())
    assert result.exit_code == 0
    (expression,) = result.stdout.splitlines()
    assert "error" not in parse_expression(expression)
    assert '"lm.example.com"' in expression
    assert leaks(result.output.encode(), [KEY]) == []
    assert "--show-key" in result.stderr


def test_rule_with_key(run: Run) -> None:
    """--show-key writes the key into the expression, ready to deploy."""
    result = run("rule", "--host", "lm.example.com", "--show-key", LMSTUDIO_X_API_KEY=KEY.reveal())
    assert KEY.reveal() in parse_expression(result.stdout.strip())["string_literals"]
    assert result.stderr == ""


def test_rule_without_a_key_to_show(run: Run) -> None:
    """--show-key without a key says which variable to set."""
    line = one_line(run("rule", "--host", "lm.example.com", "--show-key"))
    assert line == "rule: --show-key: set LMSTUDIO_X_API_KEY (see .env.example)"


def test_rule_bad_host(run: Run) -> None:
    """A host with a path, of another scheme or without a name is refused in one line."""
    line = one_line(run("rule", "--host", "https://lm.example.com/path"))
    assert line == (
        "rule: --host: only host and port, without a path, not 'https://lm.example.com/path'"
    )
    assert one_line(run("rule", "--host", "ftp://h")).startswith("rule: --host: the scheme 'ftp'")
    line = one_line(run("rule", "--host", "[::1]"))
    assert line == "rule: a host name is needed, without scheme, port or path"


@pytest.mark.parametrize("host", ["https://LM.example.com:8443", "lm.example.com:443"])
def test_rule_host_as_in_the_env_file(host: str, run: Run) -> None:
    """--host takes the forms that the variable takes."""
    result = run("rule", "--host", host)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == run("rule", "--host", "lm.example.com").stdout


def test_rule_from_env_file(run: Run, tmp_path: Path) -> None:
    """Without --host, rule takes the host's name from .env, also out of a URL; --host is first."""
    lines = {
        "lm.example.com": '"lm.example.com"',
        "https://LM.example.com:8443": '"lm.example.com"',
    }
    for value, literal in lines.items():
        (tmp_path / ".env").write_text(f"LMSTUDIO_CLOUDFLARE_HOST={value}\n")
        result = run("rule")
        assert result.exit_code == 0, result.stderr
        assert literal in result.stdout
        assert '"other.example"' in run("rule", "--host", "other.example").stdout


def test_rule_no_host(run: Run) -> None:
    """Without a host rule says which variable to set; one that is none is named with its fault."""
    assert one_line(run("rule")) == (
        "rule: no host: set LMSTUDIO_CLOUDFLARE_HOST (see .env.example) or give --host"
    )
    line = one_line(run("rule", LMSTUDIO_CLOUDFLARE_HOST="ftp://lm.example.com"))
    assert line.startswith("rule: LMSTUDIO_CLOUDFLARE_HOST: ")


BAD_KEYS = [f"{KEY.reveal()}\n", f"{KEY.reveal()} ", f"schl\xfcssel-{KEY.reveal()}", "k" * 1001]


@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize(
    ("command", "options"),
    [("rule", ("--host", "lm.example.com", "--show-key")), ("serve", ("--host", "127.0.0.1:9"))],
)
def test_bad_keys_refused(command: str, options: tuple[str, ...], key: str, run: Run) -> None:
    """rule and serve refuse a key that no client can send, in one line that does not show it."""
    # No host is there: a serve that took the key would end with words about that.
    result = run(command, *options, LMSTUDIO_X_API_KEY=key)
    assert one_line(result).startswith(f"{command}: LMSTUDIO_X_API_KEY must be ")
    assert leaks(result.output.encode(), [KEY, Secret(key)]) == []

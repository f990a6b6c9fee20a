"""Shards of the suite."""

import argparse
import json
import subprocess
from pathlib import Path

import pytest
import run_shard
import suite_command

OF = 4


@pytest.mark.parametrize("text", ["0/4", "5/4", "2", "2/", "a/b", "-1/4", "1/0", "2/4/4"])
def test_no_shard(text: str) -> None:
    """What names no shard is refused with an example."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"is no shard: write 2/4 for the second"):
        run_shard.shard(text)


def test_shard() -> None:
    """`2/4` is the second of four."""
    assert run_shard.shard("2/4") == (2, 4)


def collected(options: list[str], root: Path) -> list[str]:
    """Return the node ids that pytest collects, in order; Hatch's environment has a shuffler."""
    listing = ["--collect-only", "-q", "-n", "0", "-p", "no:randomly"]
    command = [*suite_command.pytest_command(), *listing, *options]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    return [line for line in run.stdout.splitlines() if "::" in line]


def test_no_random_order(capsys: pytest.CaptureFixture[str]) -> None:
    """A random order is refused: machines would divide different ones, and tests would be lost."""
    with pytest.raises(SystemExit):
        run_shard.main(["1/2", "--random-order-seed=7"])
    assert capsys.readouterr().err.endswith("each machine would divide another order\n")


@pytest.mark.slow
def test_shards_are_the_suite() -> None:
    """Each test of the suite is in exactly one of four shards, and no shard is empty."""
    suite = collected([], suite_command.ROOT)
    assert len(suite) > 1000
    assert len(set(suite)) == len(suite)
    shards = [
        collected(run_shard.split_options(number, OF), suite_command.ROOT)
        for number in range(1, OF + 1)
    ]
    assert min(map(len, shards)) > 0
    assert sorted(test for shard in shards for test in shard) == sorted(suite)
    for shard in map(dict.fromkeys, shards):
        assert list(shard) == [test for test in suite if test in shard]  # files stay together


@pytest.mark.slow
def test_shards_take_equally_long(tmp_path: Path) -> None:
    """Shards are made by the stored times: one long test weighs as much as many short ones."""
    tests = "".join(f"def test_{number}(): pass\n" for number in range(9))
    (tmp_path / "test_x.py").write_text(tests, encoding="utf-8")
    times = {f"test_x.py::test_{number}": 8 if number == 4 else 1 for number in range(9)}
    durations = tmp_path / "durations.json"
    durations.write_text(json.dumps(times), encoding="utf-8")
    options = ["-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path)]
    shards = [
        collected(
            [*run_shard.split_options(number, 2), f"--durations-path={durations}", *options],
            tmp_path,
        )
        for number in (1, 2)
    ]
    assert sorted(map(len, shards)) == [1, 8]

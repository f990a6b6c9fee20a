"""Each endpoint that the SDK's source names has a test, and that test is there."""

import ast
from pathlib import Path

import pytest
from list_sdk_endpoints import main, named_endpoints, recorded, sdk_folder
from sdk_tests.endpoint_test_table import EXERCISED_BY

PACKAGE = Path(__file__).resolve().parents[2] / "packages" / "sdk-tests"


def test_no_endpoint_is_without_test(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the installed SDK can call has a test in the table."""
    named = set(named_endpoints(sdk_folder()))
    assert sorted(named - set(EXERCISED_BY)) == []
    assert sorted(set(EXERCISED_BY) - named) == []
    assert main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(named)


@pytest.mark.parametrize("endpoint", sorted(EXERCISED_BY))
def test_named_test_exists(endpoint: str) -> None:
    """The table names existing tests; the suite fails those that do not reach their endpoint."""
    path, _, name = EXERCISED_BY[endpoint].partition("::")
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    functions = [
        node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert name in functions


def test_endpoints_are_found_in_the_source(tmp_path: Path) -> None:
    """Channels, calls by literal and calls from a table are found; the schema is not searched."""
    models = tmp_path / "_sdk_models"
    models.mkdir()
    (models / "__init__.py").write_text(
        'class PseudoLlmRpcTokenize():\n    x = "unloadModel"\nclass PseudoPluginsRpcSetName():\n',
        encoding="utf-8",
    )
    (tmp_path / "channels.py").write_text('class A:\n    _API_ENDPOINT = "predict"\n')
    (tmp_path / "calls.py").write_text('def f(s):\n    s.remote_call("listLoaded", "tokenize")\n')
    (tmp_path / "tables.py").write_text(
        'T = {"a": "setName", "b": "other"}\ndef f(s, x):\n    s.remote_call(x)\n'
    )
    assert named_endpoints(tmp_path) == {
        "listLoaded": {"calls.py"},
        "predict": {"channels.py"},
        "setName": {"tables.py"},
    }


def test_recorded_run(tmp_path: Path) -> None:
    """The records of all workers are merged."""
    (tmp_path / "1.jsonl").write_text('{"test": "a", "endpoints": ["x", "y"]}\n')
    (tmp_path / "2.jsonl").write_text('{"test": "b", "endpoints": ["x"]}\n')
    assert recorded(tmp_path) == {"x": {"a", "b"}, "y": {"a"}}

"""Presets in files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from model_fixtures.server import presets as module
from model_fixtures.server.presets import Presets
from model_fixtures.server.protocol.errors import ServerError


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    """Provide two presets of the user's and two broken files."""
    for name, temperature in (("Code Review", 0.1), ("Story Teller", 1.2)):
        slug = name.lower().replace(" ", "-")
        content = {
            "identifier": f"@local:{slug}",
            "name": name,
            "changed": False,
            "operation": {"fields": [{"key": "llm.prediction.temperature", "value": temperature}]},
            "load": {"fields": []},
        }
        (tmp_path / f"{slug}.preset.json").write_text(json.dumps(content))
    (tmp_path / "broken.preset.json").write_text("{")
    (tmp_path / "latin.preset.json").write_bytes(b'{"identifier": "caf\xe9"}')
    return Presets(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["@local:code-review", "Code Review", "code review", "code-review", "CODE_REVIEW", "review"],
)
def test_found_by_exact_and_fuzzy_name(presets: Presets, name: str) -> None:
    """A preset is found by its identifier or name in any spelling, or by a part of its name."""
    assert presets.settings(name).number("llm.prediction.temperature", 0) == 0.1


@pytest.mark.parametrize("name", ["nobody", "e", ""])
def test_none_or_several(presets: Presets, name: str) -> None:
    """The error for a name that no preset has, or several have, lists the presets."""
    with pytest.raises(ServerError) as caught:
        presets.settings(name)
    assert caught.value.display_data == {
        "code": "generic.presetNotFound",
        "specifiedFuzzyPresetIdentifier": name,
        "availablePresetsSample": [
            {"identifier": "@local:code-review", "name": "Code Review"},
            {"identifier": "@local:story-teller", "name": "Story Teller"},
        ],
        "totalAvailablePresets": 2,
    }


def test_new_files_count_at_once(presets: Presets, tmp_path: Path) -> None:
    """A preset that is written while the server runs is found."""
    content = {"identifier": "@local:new", "name": "New", "operation": {"fields": []}}
    (tmp_path / "new.preset.json").write_text(json.dumps(content))
    assert list(presets.settings("new").keys()) == []


def test_missing_folder(tmp_path: Path) -> None:
    """Without the folder there are no presets, and no error."""
    assert Presets(tmp_path / "nowhere").all() == []


@pytest.mark.difference("odd-files")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_odd_files_are_left_out_with_one_line(
    presets: Presets,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A FIFO, a large file, deep nesting: one line each, however often the presets are read."""
    monkeypatch.setattr(module, "MOST_BYTES", 200_001)
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "large\n.json").write_bytes(b" " * 200_002)
    (tmp_path / "deep.json").write_bytes(b'{"name":' + b"[" * 100_000 + b"]" * 100_000)
    surrogate = {"identifier": "\ud800", "name": "", "operation": {"fields": []}}
    (tmp_path / "surrogate.json").write_text(json.dumps(surrogate))
    for _ in range(2):
        assert [preset.name for preset in presets.all()] == ["Code Review", "Story Teller"]
    lines = [message.partition(": ") for message in caplog.messages]
    assert {name: why for name, _, why in lines} | {
        "preset 'fifo.json' is left out": "it is not a regular file",
        "preset 'large\\n.json' is left out": "it has more than 200001 bytes",
    } == {name: why for name, _, why in lines}
    assert sorted(name for name, _, _ in lines) == [
        f"preset {name!r} is left out"
        for name in (
            "broken.preset.json",
            "deep.json",
            "fifo.json",
            "large\n.json",
            "latin.preset.json",
            "surrogate.json",
        )
    ]

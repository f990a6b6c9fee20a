"""Key-value configuration: layers, lenient types, checkboxes."""

from __future__ import annotations

import msgspec
import pytest
from model_fixtures.server.protocol.kv_config import Settings, Stack, checkbox, to_wire
from model_fixtures.wire_client.override_stack import override_stack


def settings(*layers: dict[str, object]) -> Settings:
    """Return settings from layers of plain fields, base first."""
    raw = {"layers": [one for layer in layers for one in override_stack(layer)["layers"]]}
    return Settings.from_stack(msgspec.convert(raw, Stack))


def test_later_layers_win_key_by_key() -> None:
    """Each key comes from the last layer that has it; values are replaced whole."""
    merged = settings({"a": 1, "b": {"x": 1}}, {"b": {"y": 2}})
    assert merged.number("a", 0) == 1
    assert merged.mapping("b") == {"y": 2}


def test_field_without_value_counts_as_not_set() -> None:
    """A field whose value is missing doesn't hide a lower layer's."""
    raw = {"layers": [{"layerName": "instance", "config": {"fields": [{"key": "a"}]}}]}
    assert Settings.from_stack(msgspec.convert(raw, Stack)).integer("a", 7) == 7


@pytest.mark.parametrize("value", ["4", True, None, [4], {"value": 4}, 4.5])
def test_wrong_type_is_skipped(value: object) -> None:
    """A value of the wrong type counts as not set; it is no error."""
    assert settings({"n": value}).integer("n", 7) == 7


def test_integral_floats_are_integers() -> None:
    """The SDK sends 40.0 where 40 is meant."""
    assert settings({"n": 40.0}).integer("n", 7) == 40


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"checked": True, "value": 0.5}, 0.5),
        ({"checked": False, "value": 0.5}, None),
        ({"checked": True, "value": False}, None),  # how the SDK switches an option off
        ({"checked": True}, None),
        (0.5, 9),
        ({"value": 0.5}, 9),
    ],
)
def test_checkbox(value: object, expected: float | None) -> None:
    """A checked option returns its number, an unchecked one None, anything else the default."""
    assert settings({"c": value}).checked("c", 9) == expected


def test_empty_strings_are_no_stop_strings() -> None:
    """A list of strings leaves out what is empty or no string."""
    assert settings({"s": ["a", "", 5, "b"]}).texts("s") == ["a", "b"]


def test_wire_form() -> None:
    """A flat config is a list of fields; an option that is off keeps a value of its type."""
    assert to_wire({"a": 1, "b": checkbox(None, 1000)}) == {
        "fields": [
            {"key": "a", "value": 1},
            {"key": "b", "value": {"checked": False, "value": 1000}},
        ]
    }

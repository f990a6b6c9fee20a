"""Plugin configuration schemas."""

from typing import Any

import pytest
from lmstudio._sdk_models import SerializedKVConfigSettings
from lmstudio.plugin import BaseConfigSchema, LMStudioPluginInitError, config_field
from sdk_tests.sdk_releases import since

pytestmark = since("1.5.0")


class Settings(BaseConfigSchema):
    """A schema with one field of each kind."""

    loud: bool = config_field(label="Loud", hint="Shout", default=True)
    count: int = config_field(label="Count", hint="How many", default=3)
    share: float = config_field(label="Share", hint="How much", default=0.5)
    word: str = config_field(label="Word", hint="Which one", default="hey")


class MoreSettings(Settings):
    """A schema that adds a field to another schema."""

    extra: str = config_field(label="Extra", hint="One more", default="")


class NoSettings(BaseConfigSchema):
    """A schema without fields."""


def wire_field(name: str, label: str, hint: str, default: Any, kind: str, **more: Any) -> Any:
    """Return the wire form of a schema's field."""
    return {
        "shortKey": name,
        "fullKey": name,
        "typeKey": kind,
        "typeParams": {"displayName": label, "hint": hint, **more},
        "defaultValue": default,
    }


WIRE = [
    wire_field("loud", "Loud", "Shout", True, "boolean"),
    wire_field("count", "Count", "How many", 3, "numeric", int=True),
    wire_field("share", "Share", "How much", 0.5, "numeric", int=False),
    wire_field("word", "Word", "Which one", "hey", "string"),
]


def wire(schema: type[BaseConfigSchema]) -> Any:
    """Return the fields of a schema as a plugin registers them."""
    schematics = schema._to_kv_config_schematics()
    return None if schematics is None else schematics.to_dict()["fields"]


def test_fields_on_the_wire() -> None:
    """Each kind of field is sent in its exact wire form, in the order of definition."""
    assert wire(Settings) == WIRE


def test_inherited_fields_come_first() -> None:
    """A derived schema has the inherited fields first and leaves its base unchanged."""
    own = wire_field("extra", "Extra", "One more", "", "string")
    assert wire(MoreSettings) == [*WIRE, own]
    assert wire(Settings) == WIRE


def test_schema_without_fields() -> None:
    """A schema without fields registers nothing."""
    assert wire(NoSettings) is None


def test_fields_are_attributes_with_defaults() -> None:
    """A schema's instance has the defaults as plain values, and accepts others by keyword."""
    assert Settings() == Settings(loud=True, count=3, share=0.5, word="hey")
    assert Settings(count=5).count == 5


def test_host_values_replace_defaults() -> None:
    """Values that the host sends replace the defaults, and the other defaults remain."""
    values: Any = {"fields": [{"key": "count", "value": 9}]}
    config = Settings._parse(SerializedKVConfigSettings.from_dict(values))
    assert config == Settings(count=9)


def test_unsupported_default_is_refused() -> None:
    """A default of an unsupported type is refused with an error that names the type."""
    with pytest.raises(
        LMStudioPluginInitError,
        match=r"^Unsupported type for plugin config field: <class 'list'>$",
    ):
        config_field(label="List", hint="Of things", default=[])


def test_field_outside_of_a_schema_is_refused() -> None:
    """A field in a class that is not a schema is refused when the class is defined."""
    # Python before 3.12 wraps errors of __set_name__ in a RuntimeError.
    with pytest.raises((LMStudioPluginInitError, RuntimeError)) as failure:

        class _Plain:
            word: str = config_field(label="Word", hint="Which one", default="hey")

    error = failure.value
    cause = error if isinstance(error, LMStudioPluginInitError) else error.__cause__
    assert isinstance(cause, LMStudioPluginInitError)
    assert str(cause) == "Plugin config fields must be defined on BaseConfigSchema instances"

"""One output format in every form that the SDK accepts as `response_format`."""

from typing import Any

from lmstudio import BaseModel
from lmstudio._sdk_models import (
    LlmStructuredPredictionSetting,
    LlmStructuredPredictionSettingDict,
)
from lmstudio.json_api import ResponseSchema

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "answer": {"type": "boolean"},
        "digit": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "required": ["answer", "digit"],
}


class Reply(BaseModel):
    """The SDK's own way; it can't bound the digit."""

    answer: bool
    digit: int


class PydanticLikeReply:
    """Any class with the method that pydantic's models have."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """Return the JSON schema."""
        return SCHEMA


SETTING: LlmStructuredPredictionSettingDict = {"type": "json", "jsonSchema": SCHEMA}

FORMS: dict[str, ResponseSchema] = {
    "base-model": Reply,
    "pydantic-like": PydanticLikeReply,
    "schema": SCHEMA,
    "setting": SETTING,
    "setting-struct": LlmStructuredPredictionSetting(type="json", json_schema=SCHEMA),
}

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
    """The output format as a model of the SDK's kind, which cannot limit the digit."""

    answer: bool
    digit: int


class PydanticLikeReply:
    """The output format as a class with the schema method of pydantic's models."""

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

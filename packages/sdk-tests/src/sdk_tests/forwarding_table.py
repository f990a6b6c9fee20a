"""Every public callable of the SDK, each of its keywords, and what shows that it arrives.

Names are those of the synchronous API and hold for both: "LLM.respond" is also AsyncLLM.respond,
and "SessionLlm.model" is `client.llm.model`. tests/test_forwarding.py fails for what is missing.
"""

from collections.abc import Mapping
from typing import Any

from lmstudio import BaseModel, FileHandle
from lmstudio.json_api import ModelTypesLlm

from .forwarding_evidence import Called, ElsewhereTested, Evidence, Sent
from .sample_tools import add
from .sdk_releases import SDK_1_6

Row = Mapping[str, Evidence | ElsewhereTested]
"""The keywords of a callable."""


class Answer(BaseModel):
    """A response format."""

    text: str


IMAGE = b"\x89PNG"
"""An image, as far as a host is concerned that does not look into it."""

_CHAT_TEXT = "history.messages.0.content.0.text"
_FRAGMENT = "LlmPredictionFragment"
_MESSAGES = [("AssistantResponse",), ("ToolResultMessage",), ("AssistantResponse",)]
_TOKEN = ElsewhereTested("test_api_tokens.py::test_argument_wins_over_environment")

_PREDICTION: Row = {
    "response_format": Sent(
        Answer,
        "predict",
        setting="llm.prediction.structured",
        arrives={"type": "json", "jsonSchema": Answer.model_json_schema()},
    ),
    "config": Sent({"temperature": 0.25}, "predict", "", 0.25, "llm.prediction.temperature"),
    "preset": Sent("my preset", "predict", "fuzzyPresetIdentifier"),
    "on_message": Called([("AssistantResponse",)]),
    "on_first_token": Called([()]),
    "on_prediction_fragment": Called([(_FRAGMENT,)]),
    "on_prompt_processing_progress": Called([(0.0,), (0.5,), (1.0,)]),
}
_COMPLETION: Row = {"prompt": Sent("Once", "predict", _CHAT_TEXT), **_PREDICTION}
_RESPONSE: Row = {"history": Sent("Hi", "predict", _CHAT_TEXT), **_PREDICTION}
_TOOLS = "llm.prediction.tools"
_ACT: Row = {  # on a host whose first prediction calls `add` and a tool that does not exist
    "chat": Sent("Hi", "predict", _CHAT_TEXT),
    "tools": Sent([add], "predict", "tools.0.function.name", "add", _TOOLS),
    "max_prediction_rounds": Sent(2, "predict", "type", None, _TOOLS, index=1),
    "max_parallel_tool_calls": ElsewhereTested("test_act_async.py::test_parallel_calls"),
    "config": Sent({"temperature": 0.25}, "predict", "", 0.25, "llm.prediction.temperature"),
    "preset": Sent("my preset", "predict", "fuzzyPresetIdentifier"),
    "on_message": Called(_MESSAGES),
    "on_first_token": Called([(0,), (1,)]),
    "on_prediction_fragment": Called([(_FRAGMENT, 0), (_FRAGMENT, 1)]),
    "on_round_start": Called([(0,), (1,)]),
    "on_round_end": Called([(0,), (1,)]),
    "on_prediction_completed": Called([("PredictionRoundResult",), ("PredictionRoundResult",)]),
    "on_prompt_processing_progress": Called([(0.0, 0), (1.0, 0), (0.0, 1), (0.5, 1), (1.0, 1)]),
    "handle_invalid_tool_request": Called([("LMStudioPredictionError", "ToolCallRequest")]),
}


def _loading(endpoint: str, ttl: str) -> Row:
    length = "load.contextLength"
    return {
        "ttl": Sent(7, endpoint, ttl, 7000),
        "config": Sent({"contextLength": 512}, endpoint, "", 512, f"llm.{length}"),
        "on_load_progress": Called([(0.0,), (0.5,), (1.0,)]),
    }


def _of_embedding_models(row: Row) -> Row:
    config = row["config"]
    assert isinstance(config, Sent)
    setting = config.setting.replace("llm", "embedding")
    return {**row, "config": Sent(config.given, config.endpoint, "", config.arrives, setting)}


_LOAD = _loading("loadModel", "ttlMs")
_GET = _loading("getOrLoad", "loadTtlMs")
_GET_BY_KEY: Row = {"model_key": Sent("my-key", "getOrLoad", "identifier"), **_GET}
_LOAD_BY_KEY: Row = {
    "model_key": Sent("my-key", "loadModel", "modelKey"),
    "instance_identifier": Sent("my-name", "loadModel", "identifier"),
    **_LOAD,
}
_LOAD_DOWNLOADED: Row = {
    "instance_identifier": Sent("my-name", "loadModel", "identifier"),
    **_LOAD,
}
_SESSION: dict[str, Row] = {
    "close": {},  # in the synchronous API only
    "connect": {},
    "disconnect": {},
    "remote_call": {
        "endpoint": Sent("echo", "echo", "", {"identifier": "my-name"}),
        "params": Sent(
            ModelTypesLlm.REQUEST_UNLOAD(identifier="my-name"), "echo", "identifier", "my-name"
        ),
        "notice_prefix": ElsewhereTested("test_forwarding.py::test_notice_prefix"),
    },
}
_MODEL_SESSION: dict[str, Row] = {
    "close": {},  # in the synchronous API only
    **_SESSION,
    "get_model_info": {
        "model_specifier": Sent("my-name", "getModelInfo", "specifier.query.identifier")
    },
    "list_downloaded": {},
    "list_loaded": {},
    "unload": {"model_identifier": Sent("my-name", "unloadModel", "identifier")},
}
_HANDLE: dict[str, Row] = {
    "count_tokens": {"input": Sent("Hi", "countTokens", "inputString")},
    "get_context_length": {},
    "get_info": {},
    "get_load_config": {},
    "tokenize": {"input": Sent("Hi", "tokenize", "inputString")},
    "unload": {},
}
_UPLOAD: Row = {
    "src": Sent(IMAGE, "uploadFileBase64", "contentBase64", "iVBORw=="),
    "name": Sent("my.png", "uploadFileBase64", "name"),
}
_NAMESPACE: Row = {"namespace": ElsewhereTested("test_forwarding.py::test_namespace")}


def _chat(keyword: str, given: Any, path: str, arrives: Any, index: int = 0) -> Row:
    return {keyword: Sent(given, "predict", f"history.messages.{index}.{path}", arrives)}


_HANDLE_OF_A_FILE = FileHandle(name="my.png", identifier="file-1", size_bytes=3, file_type="image")
_TEXT = "content.0.text"
_RESULT = {"toolCallId": "call-1", "content": "3"}
_REQUEST = {
    "type": "toolCallRequest",
    "toolCallRequest": {"type": "function", "name": "add", "id": "call-1"},
}

_CLASSES: dict[str, dict[str, Row]] = {
    "AvailableModel": {"get_download_options": {}},
    "ModelDownloadOption": {
        "download": {
            "on_progress": Called([("DownloadProgressUpdate",)]),
            "on_finalize": Called([()]),
        }
    },
    "DownloadedLlm": {"load_new_instance": _LOAD_DOWNLOADED, "model": _GET},
    "DownloadedEmbeddingModel": {
        "load_new_instance": _of_embedding_models(_LOAD_DOWNLOADED),
        "model": _of_embedding_models(_GET),
    },
    "LLM": {
        **_HANDLE,
        "act": _ACT,
        "apply_prompt_template": {
            "history": Sent("Hi", "applyPromptTemplate", _CHAT_TEXT),
            "opts": Sent({"omitBosToken": True}, "applyPromptTemplate", "opts"),
        },
        "complete": _COMPLETION,
        "complete_stream": _COMPLETION,
        "respond": _RESPONSE,
        "respond_stream": _RESPONSE,
    },
    "EmbeddingModel": {**_HANDLE, "embed": {"input": Sent("Hi", "embedString", "inputString")}},
    "PredictionStream": {
        name: {} for name in ("cancel", "close", "result", "start", "wait_for_result")
    },
    "SessionLlm": {**_MODEL_SESSION, "model": _GET_BY_KEY, "load_new_instance": _LOAD_BY_KEY},
    "SessionEmbedding": {
        **_MODEL_SESSION,
        "model": _of_embedding_models(_GET_BY_KEY),
        "load_new_instance": _of_embedding_models(_LOAD_BY_KEY),
    },
    "SessionFiles": {**_SESSION, "prepare_image": _UPLOAD},
    "SessionRepository": {
        **_SESSION,
        "search_models": {
            "search_term": Sent("small", "searchModels", "opts.searchTerm"),
            "limit": Sent(3, "searchModels", "opts.limit"),
            "compatibility_types": Sent(["gguf"], "searchModels", "opts.compatibilityTypes"),
        },
    },
    "SessionSystem": {**_SESSION, "list_downloaded_models": {}},
    "Client": {
        "Client": {
            "api_host": ElsewhereTested("test_probe.py::test_greeting_is_recognised"),
            **({"api_token": _TOKEN} if SDK_1_6 else {}),
        },
        "close": {},
        "find_default_local_api_host": {},
        "is_valid_api_host": {
            "api_host": ElsewhereTested("test_probe.py::test_greeting_is_recognised")
        },
        "list_downloaded_models": _NAMESPACE,
        "list_loaded_models": _NAMESPACE,
        "prepare_image": _UPLOAD,
    },
    "Chat": {
        "Chat": _chat("initial_prompt", "Be brief.", _TEXT, "Be brief."),
        "add_assistant_response": {
            **_chat("response", "Yes", _TEXT, "Yes"),
            **_chat("tool_call_requests", [_REQUEST], "content.1.toolCallRequest.name", "add"),
        },
        "add_entry": {
            **_chat("role", "system", "role", "system"),
            **_chat("content", "Be brief.", _TEXT, "Be brief."),
        },
        "add_system_prompt": _chat("prompt", "Be brief.", _TEXT, "Be brief."),
        "add_tool_result": _chat("result", _RESULT, "content.0.content", "3"),
        "add_tool_results": _chat("results", [_RESULT], "content.0.content", "3"),
        "add_user_message": {
            **_chat("content", "Hi", _TEXT, "Hi"),
            **_chat("images", [_HANDLE_OF_A_FILE], "content.1.identifier", "file-1"),
        },
        "append": _chat("message", {"role": "user", "content": "Hi"}, _TEXT, "Hi"),
        "copy": {},
        "from_history": _chat("history", "Hi", _TEXT, "Hi"),
    },
}

_FUNCTIONS: dict[str, Row] = {
    "configure_default_client": {
        "api_host": ElsewhereTested("test_default_client.py::test_default_client_is_made_once"),
        **(
            {
                "api_token": ElsewhereTested(
                    "test_api_tokens.py::test_default_client_uses_the_configured_token"
                )
            }
            if SDK_1_6
            else {}
        ),
    },
    "embedding_model": {
        name: evidence
        for name, evidence in _of_embedding_models(_GET_BY_KEY).items()
        if name != "on_load_progress"
    },
    "get_default_client": {
        "api_host": ElsewhereTested("test_default_client.py::test_host_argument_configures")
    },
    "get_sync_api_timeout": {},
    "list_downloaded_models": _NAMESPACE,
    "list_loaded_models": _NAMESPACE,
    "llm": {name: _GET_BY_KEY[name] for name in ("model_key", "ttl", "config")},
    "prepare_image": _UPLOAD,
    "set_sync_api_timeout": {
        "timeout": ElsewhereTested("test_sync_timeouts.py::test_changed_default_is_used")
    },
}

_EXPLICIT = "test_tool_definitions.py::test_explicit_definition_matches_the_function"
_OVERRIDES = "test_tool_definitions.py::test_from_callable_overrides_name_and_description"
_TOOL_DEFINITIONS: dict[str, Row] = {
    "ToolFunctionDef": {
        name: ElsewhereTested(_EXPLICIT)
        for name in ("name", "description", "parameters", "implementation")
    },
    "ToolFunctionDef.from_callable": {
        name: ElsewhereTested(_OVERRIDES) for name in ("f", "name", "description")
    },
}

_PLUGIN: dict[str, Row] = {
    "PromptPreprocessorController.notify_done": {
        "message": ElsewhereTested("test_plugin_contexts.py::test_status_in_one_go")
    },
    "PromptPreprocessorController.notify_start": {
        "message": ElsewhereTested("test_plugin_contexts.py::test_status_block")
    },
    "ToolCallContext.notify_status": {
        "message": ElsewhereTested("test_plugin_contexts.py::test_tool_reports")
    },
    "ToolCallContext.notify_warning": {
        "message": ElsewhereTested("test_plugin_contexts.py::test_tool_reports")
    },
    "config_field": {
        name: ElsewhereTested("test_plugin_config.py::test_fields_on_the_wire")
        for name in ("label", "hint", "default")
    },
    "get_tool_call_context": {},
    "get_tool_call_context_async": {},
    **{
        name: {
            "plugin_dir": ElsewhereTested("test_plugin_options.py::test_plugin_folder"),
            "allow_local_imports": ElsewhereTested("test_plugin_options.py::test_local_imports"),
        }
        for name in ("run_plugin", "run_plugin_async")
    },
}

TABLE: dict[str, Row] = {
    **_FUNCTIONS,
    **_PLUGIN,
    **_TOOL_DEFINITIONS,
    **{
        owner if name == owner else f"{owner}.{name}": row
        for owner, rows in _CLASSES.items()
        for name, row in rows.items()
    },
}

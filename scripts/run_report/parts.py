"""Which part of the SDK a file of tests is about."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

FIREWALL = "Behind a firewall"
OTHER = "Other tests"

# In the order of the page: titles, what they mean, and files of packages/sdk-tests/tests without
# `test_` and without `_async` and `_sync`. scripts/tests/test_report_behaviours.py misses no file.
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Connecting": (
        "Finding a host, opening and closing clients, API tokens, and hosts that break or go away.",
        (
            *("probe", "default_client", "convenience_api", "sessions", "lazy_sessions"),
            *("faults_connecting", "lost_connections", "silent_hosts", "sync_timeouts"),
            *("background_thread", "api_tokens", "api_token_host", "exit_handlers"),
        ),
    ),
    "Calls and channels": (
        "The messages that the SDK exchanges with a host, many of them at a time.",
        ("channel_endpoints", "channel_messages", "multiplexing", "concurrency", "faults_calls"),
    ),
    "Models": (
        "Listing, downloading, loading and unloading models, and asking what they are.",
        (
            *("loading", "kv_config_load", "jit_loading", "loaded_models", "downloaded_models"),
            *("model_info", "model_specifiers", "unknown_models", "catalog_objects"),
            *("repository", "faults_loading"),
        ),
    ),
    "Chats": (
        "Building the history of a conversation.",
        ("chat_history", "chat_copies", "chat_tool_messages"),
    ),
    "Predictions": (
        "Answers of a model, whole or as a stream, and the settings for them.",
        (
            *("chat_response", "completion", "prediction_endpoints", "prediction_results"),
            *("prediction_stats", "callbacks", "cancellation", "abandoned_streams"),
            *("faults_streams", "sampling", "presets", "kv_config_prediction"),
        ),
    ),
    "Structured output": (
        "Answers that follow a JSON schema or a grammar.",
        ("response_formats", "schemas", "structured_output"),
    ),
    "Tools": (
        "Functions that a model may call, and the loop act() that runs them.",
        ("act", "act_endings", "act_rounds", "tool_calls", "tool_definitions", "tool_use"),
    ),
    "Embeddings and tokens": (
        "Vectors of texts, and how texts become tokens.",
        ("embedding", "tokens"),
    ),
    "Files and images": (
        "What a chat can have attached.",
        ("files", "images", "vision"),
    ),
    "Plugins": (
        "Plugins for LM Studio that are written with the SDK.",
        ("plugin_config", "plugin_contexts", "plugin_options", "plugin_runner", "plugins"),
    ),
    "Errors and logs": (
        "What the SDK says when something goes wrong.",
        (
            *("server_errors", "faults_errors", "logging", "session_logging"),
            *("tracebacks", "session_tracebacks"),
        ),
    ),
    "Public names": (
        "What the package exports, and which parameters its functions take.",
        ("public_names", "forwarding"),
    ),
    FIREWALL: (
        "The SDK on a host behind a web application firewall that asks for a key.",
        (),
    ),
    "The suite itself": (
        "What the tests rely on.",
        ("expected_items", "wire_watch"),
    ),
    OTHER: ("Files of tests that belong to no other part.", ()),
}
_PART_OF = {stem: part for part, (_, stems) in PARTS.items() for stem in stems}
_SPELLING = {
    "api": "API",
    "jit": "just-in-time",
    "act": "act()",
    "kv": "key-value",
    "json": "JSON",
    "faults": "faults:",
    "sync": "synchronous",
    "http": "HTTP",
    "sdk": "SDK",
    "url": "URL",
}
_APIS = {"_async": "async", "_sync": "sync"}


def stem_and_api(file: str) -> tuple[str, str]:
    """Return a file's name without what all have, and which API it tests: "async", "sync" or ""."""
    stem = PurePosixPath(file).stem.removeprefix("test_")
    for suffix, api in _APIS.items():
        # test_x_sync.py in a folder `sync` is the twin of test_x_async.py.
        if stem.endswith(suffix) and PurePosixPath(file).parent.name == api:
            return stem.removesuffix(suffix), api
    return stem, ""


def part_of(file: str) -> str:
    """Return the part of the SDK that a file of tests is about."""
    if "waf-tests" in PurePosixPath(file).parts:
        return FIREWALL
    return _PART_OF.get(stem_and_api(file)[0], OTHER)


def in_words(name: str) -> str:
    """Return a name such as `test_closed_client` as words, for a test without a docstring."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name.removeprefix("test_")).strip()
    words = " ".join(_SPELLING.get(word, word) for word in words.split(" "))
    return words[:1].upper() + words[1:]

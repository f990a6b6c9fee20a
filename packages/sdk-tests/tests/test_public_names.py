"""The SDK's public names: their modules, the exception hierarchy, and sync and async methods."""

import inspect
import types
from importlib import import_module, metadata
from typing import Any

import lmstudio
import lmstudio.plugin
import msgspec
import pytest
from sdk_tests.public_names import LEFT_OUT, PLUGIN_NAMES, PUBLIC_NAMES
from sdk_tests.sdk_releases import known_bug, since
from sdk_tests.signature_checks import assert_takes

pytestmark = since("1.5.0")

BASES: dict[str, tuple[type, ...]] = {
    "LMStudioError": (Exception,),
    "LMStudioOSError": (OSError, lmstudio.LMStudioError),
    "LMStudioRuntimeError": (RuntimeError, lmstudio.LMStudioError),
    "LMStudioValueError": (ValueError, lmstudio.LMStudioError),
    "LMStudioTimeoutError": (lmstudio.LMStudioError, TimeoutError),
    "LMStudioClientError": (lmstudio.LMStudioError,),
    "LMStudioCancelledError": (lmstudio.LMStudioClientError,),
    "LMStudioWebsocketError": (lmstudio.LMStudioClientError,),
    "LMStudioUnknownMessageWarning": (lmstudio.LMStudioClientError, UserWarning),
    "LMStudioServerError": (lmstudio.LMStudioError,),
    "LMStudioChannelClosedError": (lmstudio.LMStudioServerError,),
    "LMStudioModelNotFoundError": (lmstudio.LMStudioServerError,),
    "LMStudioPredictionError": (lmstudio.LMStudioServerError,),
    "LMStudioPresetNotFoundError": (lmstudio.LMStudioServerError,),
}


@pytest.mark.parametrize("module_name", PUBLIC_NAMES)
def test_module_publishes_its_names(module_name: str) -> None:
    """A module's `__all__` has exactly the expected names, and `lmstudio` has all of them, too."""
    module = import_module(f"lmstudio.{module_name}")
    published = [name for name in module.__all__ if name not in LEFT_OUT]
    assert sorted(published) == sorted(PUBLIC_NAMES[module_name])
    for name in PUBLIC_NAMES[module_name]:
        assert getattr(lmstudio, name) is getattr(module, name), name


def test_top_level_has_nothing_else() -> None:
    """`lmstudio` has no public names but its submodules and the published ones."""
    visible = {
        name
        for name, value in vars(lmstudio).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert visible - LEFT_OUT == {name for names in PUBLIC_NAMES.values() for name in names}


def test_plugin_names() -> None:
    """`lmstudio.plugin` has exactly the expected public names beside its submodules."""
    visible = {
        name
        for name, value in vars(lmstudio.plugin).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert visible == set(PLUGIN_NAMES)


def test_types_claim_their_package() -> None:
    """Errors and base classes name their package as their module."""
    claimed = {
        name: getattr(lmstudio, name).__module__ for name in ["BaseModel", "ModelSchema", *BASES]
    }
    assert claimed == dict.fromkeys(claimed, "lmstudio")
    errors = [lmstudio.plugin.LMStudioPluginInitError, lmstudio.plugin.LMStudioPluginRuntimeError]
    assert [error.__module__ for error in errors] == ["lmstudio.plugin", "lmstudio.plugin"]


@known_bug(
    "LMStudioFileNotFoundError, which plugin runs raise and whose __module__ is lmstudio, is"
    " missing from sdk_api.__all__: it cannot be caught by its public name.",
    raises=AttributeError,
)
def test_file_not_found_error_is_public() -> None:
    """An error class whose module is `lmstudio` must be there."""
    assert issubclass(getattr(lmstudio, "LMStudioFileNotFoundError"), FileNotFoundError)  # noqa: B009


def test_exception_hierarchy() -> None:
    """Exceptions have exactly these bases, on which applications' except clauses depend."""
    exceptions = {
        name: value.__bases__
        for names in PUBLIC_NAMES.values()
        for name in names
        if isinstance(value := getattr(lmstudio, name), type) and issubclass(value, Exception)
    }
    assert exceptions == {**BASES, "ValidationError": (msgspec.DecodeError,)}


def test_plugin_exception_hierarchy() -> None:
    """Plugin exceptions are derived from the SDK's value and runtime errors."""
    assert lmstudio.plugin.LMStudioPluginInitError.__bases__ == (lmstudio.LMStudioValueError,)
    assert lmstudio.plugin.LMStudioPluginRuntimeError.__bases__ == (lmstudio.LMStudioRuntimeError,)


def methods(cls: type) -> dict[str, Any]:
    """Return the public methods of a class."""
    members = inspect.getmembers(cls, callable)
    return {name: method for name, method in members if not name.startswith("_")}


@pytest.mark.parametrize(
    ("sync_class", "async_class"),
    [
        (lmstudio.LLM, lmstudio.AsyncLLM),
        (lmstudio.EmbeddingModel, lmstudio.AsyncEmbeddingModel),
        (lmstudio.DownloadedLlm, lmstudio.AsyncDownloadedLlm),
        (lmstudio.DownloadedEmbeddingModel, lmstudio.AsyncDownloadedEmbeddingModel),
        (lmstudio.PredictionStream, lmstudio.AsyncPredictionStream),
        (lmstudio.Client, lmstudio.AsyncClient),
    ],
    ids=lambda cls: cls.__name__,
)
def test_sync_and_async_have_the_same_methods(sync_class: type, async_class: type) -> None:
    """Both APIs have the same methods and parameters, except that close() is aclose() in one."""
    sync_methods, async_methods = methods(sync_class), methods(async_class)
    if "close" in sync_methods:
        async_methods["close"] = async_methods.pop("aclose")
    assert sorted(sync_methods) == sorted(async_methods)
    for name, method in sync_methods.items():
        sync_parameters = inspect.signature(method).parameters.values()
        async_parameters = inspect.signature(async_methods[name]).parameters.values()
        assert [(p.name, p.kind) for p in sync_parameters] == [
            (p.name, p.kind) for p in async_parameters
        ], name


def test_handle_methods() -> None:
    """The model handles have exactly these public methods."""
    common = {
        "count_tokens",
        "get_context_length",
        "get_info",
        "get_load_config",
        "tokenize",
        "unload",
    }
    predictions = {"complete", "complete_stream", "respond", "respond_stream", "act"}
    assert set(methods(lmstudio.LLM)) == common | predictions | {"apply_prompt_template"}
    assert set(methods(lmstudio.EmbeddingModel)) == common | {"embed"}


@pytest.mark.parametrize(
    ("method", "subject"),
    [
        ("complete", "prompt"),
        ("complete_stream", "prompt"),
        ("respond", "history"),
        ("respond_stream", "history"),
    ],
)
def test_prediction_options(method: str, subject: str) -> None:
    """The four prediction methods have the same keyword-only options, and may have more."""
    function = getattr(lmstudio.LLM, method)
    options = [
        "response_format",
        "config",
        "preset",
        "on_message",
        "on_first_token",
        "on_prediction_fragment",
        "on_prompt_processing_progress",
    ]
    assert_takes(function, ["self", subject, *options])
    kinds = {inspect.signature(function).parameters[name].kind for name in options}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_version_is_that_of_the_installed_package() -> None:
    """`__version__` is the version of the installed distribution."""
    assert lmstudio.__version__ == metadata.version("lmstudio")

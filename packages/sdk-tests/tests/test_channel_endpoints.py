"""Load and download channels that receive packets from the test instead of a host."""

from collections.abc import Callable
from typing import Any

import lmstudio
import pytest
from lmstudio import (
    DownloadProgressUpdate,
    EmbeddingLoadModelConfig,
    LlmLoadModelConfig,
    LMStudioChannelClosedError,
    LMStudioClientError,
    LMStudioRuntimeError,
    ModelLoadResult,
)
from lmstudio.json_api import (
    DEFAULT_TTL,
    GetOrLoadEndpoint,
    LoadModelEndpoint,
    ModelDownloadEndpoint,
    ModelTypesEmbedding,
    ModelTypesLlm,
)
from sdk_tests.host_packets import llm_info, loaded
from sdk_tests.sdk_releases import since
from sdk_tests.structured_log import logged_events

NO_SETTINGS = {"layers": [{"layerName": "apiOverride", "config": {"fields": []}}]}
AnyLoadEndpoint = LoadModelEndpoint[Any, Any] | GetOrLoadEndpoint[Any, Any]
ProgressCallback = Callable[[float], Any]


def load_endpoint(
    on_progress: ProgressCallback | None = None,
    *,
    identifier: str | None = None,
    ttl: int | None = None,
) -> AnyLoadEndpoint:
    """Return the endpoint of an explicit load."""
    request = ModelTypesLlm.REQUEST_NEW_INSTANCE
    return LoadModelEndpoint[Any, Any](
        "some-model", identifier, ttl, request, LlmLoadModelConfig, None, on_progress
    )


def get_or_load_endpoint(
    on_progress: ProgressCallback | None = None, *, ttl: int | None = None
) -> AnyLoadEndpoint:
    """Return the endpoint of a just-in-time load."""
    request = ModelTypesLlm.REQUEST_GET_OR_LOAD
    return GetOrLoadEndpoint[Any, Any](
        "some-model", ttl, request, LlmLoadModelConfig, None, on_progress
    )


def progress(value: float, kind: str = "progress") -> dict[str, Any]:
    """Return a progress packet."""
    return {"type": kind, "progress": value}


both_loads = pytest.mark.parametrize(
    "make_endpoint", [load_endpoint, get_or_load_endpoint], ids=["loadModel", "getOrLoad"]
)


def test_load_request() -> None:
    """An explicit load sends key, config stack, identifier and time-to-live in milliseconds."""
    endpoint = load_endpoint(identifier="mine", ttl=90)
    assert endpoint.api_endpoint == "loadModel"
    assert endpoint.notice_prefix == "Model load"
    assert endpoint.creation_params == {
        "modelKey": "some-model",
        "identifier": "mine",
        "ttlMs": 90_000,
        "loadConfigStack": NO_SETTINGS,
    }


def test_get_or_load_request() -> None:
    """A just-in-time load sends the key as `identifier` and the time-to-live as `loadTtlMs`."""
    endpoint = get_or_load_endpoint(ttl=90)
    assert endpoint.api_endpoint == "getOrLoad"
    assert endpoint.notice_prefix == "Model get/load"
    assert endpoint.creation_params == {
        "identifier": "some-model",
        "loadTtlMs": 90_000,
        "loadConfigStack": NO_SETTINGS,
    }


def test_embedding_load_request() -> None:
    """A load of an embedding model sends the same keys as that of an LLM."""
    request = ModelTypesEmbedding.REQUEST_NEW_INSTANCE
    endpoint = LoadModelEndpoint[Any, Any](
        "some-model", None, 1, request, EmbeddingLoadModelConfig, None, None
    )
    assert endpoint.creation_params == {
        "modelKey": "some-model",
        "ttlMs": 1000,
        "loadConfigStack": NO_SETTINGS,
    }


@both_loads
def test_no_time_to_live_is_left_out(make_endpoint: Callable[..., AnyLoadEndpoint]) -> None:
    """A load without time-to-live and identifier sends neither key."""
    assert set(make_endpoint().creation_params) in (
        {"modelKey", "loadConfigStack"},
        {"identifier", "loadConfigStack"},
    )


def test_default_time_to_live_is_an_hour() -> None:
    """The default time-to-live of a load is one hour."""
    assert DEFAULT_TTL == 3600


@pytest.mark.parametrize("kind", ["success", "loadSuccess", "alreadyLoaded"])
def test_load_result(kind: str) -> None:
    """Each kind of final packet ends the load with identifier, reference and path."""
    endpoint = get_or_load_endpoint()
    finished_before = endpoint.is_finished
    endpoint.handle_message_events(loaded(kind, "mine"))
    assert (finished_before, endpoint.is_finished) == (False, True)
    assert endpoint.result() == ModelLoadResult(
        identifier="mine", instance_reference="ref-1", path="publisher/model/model.gguf"
    )


@pytest.mark.parametrize(
    ("packets", "reported"),
    [
        pytest.param([progress(0.25), progress(0.5), loaded()], [0.25, 0.5, 1.0], id="rising"),
        pytest.param([progress(0.5), progress(0.25), loaded()], [0.5, 1.0], id="falling"),
        pytest.param([progress(0.5), progress(0.5), loaded()], [0.5, 1.0], id="repeated"),
        pytest.param([progress(1.0), loaded()], [1.0], id="complete"),
        pytest.param([loaded()], [1.0], id="result-only"),
        pytest.param(
            [{"type": "startLoading"}, progress(0.5, "loadProgress"), loaded("loadSuccess")],
            [0.0, 0.5, 1.0],
            id="just-in-time",
        ),
        pytest.param([{"type": "resolved"}, progress(0.5), loaded()], [0.5, 1.0], id="resolved"),
    ],
)
def test_load_progress_only_rises(packets: list[Any], reported: list[float]) -> None:
    """The progress callback sees each new maximum once, and always the end."""
    seen: list[float] = []
    endpoint = load_endpoint(seen.append)
    for packet in packets:
        endpoint.handle_message_events(packet)
    assert seen == reported


def test_failing_load_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in the callback is logged with model and repr, and the load continues."""

    def fail(_progress: float) -> None:
        raise LookupError("no bar")

    endpoint = load_endpoint(fail)
    endpoint.handle_message_events(progress(0.5))
    endpoint.handle_message_events(loaded())
    assert endpoint.is_finished
    event = {
        "event": "Progress callback failed when loading 'some-model'",
        "endpoint": "loadModel",
        "model_key": "some-model",
        "exc": "LookupError('no bar')",
    }
    assert logged_events(caplog, "LoadModelEndpoint") == [("ERROR", event), ("ERROR", event)]
    assert all(record.exc_info for record in caplog.records if record.levelname == "ERROR")


def test_interrupt_in_callback_is_not_swallowed() -> None:
    """A KeyboardInterrupt in a callback is not caught as a callback failure."""

    def interrupt(_progress: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_endpoint(interrupt).handle_message_events(progress(0.5))


@both_loads
def test_closed_load_channel_is_an_error(make_endpoint: Callable[..., AnyLoadEndpoint]) -> None:
    """A load channel that closes before its final packet raises LMStudioChannelClosedError."""
    with pytest.raises(
        LMStudioChannelClosedError, match=r"^Server failed to load requested model\.$"
    ):
        make_endpoint().handle_message_events(None)


def test_finished_load_takes_no_packets() -> None:
    """A packet after the final packet of a load raises an error."""
    endpoint = load_endpoint()
    endpoint.handle_message_events(loaded())
    with pytest.raises(LMStudioClientError, match=r"^Attempted to update a completed channel\.$"):
        endpoint.handle_message_events(progress(0.5))


def test_result_of_an_active_channel_is_an_error() -> None:
    """Reading the result of a load before its final packet raises an error."""
    with pytest.raises(
        LMStudioRuntimeError, match=r"^Attempted to read result from an active channel\.$"
    ):
        load_endpoint().result()


@since("1.4.0")
@both_loads
def test_unknown_packet_is_a_warning(make_endpoint: Callable[..., AnyLoadEndpoint]) -> None:
    """A packet of an unknown type leads to a warning with its contents, and the load continues."""
    endpoint = make_endpoint()
    with pytest.warns(lmstudio.LMStudioUnknownMessageWarning) as warned:
        endpoint.handle_message_events({"type": "brandNew", "a": 1})
    assert [str(warning.message) for warning in warned] == [
        f"{endpoint.notice_prefix} unexpected message contents: {{'type': 'brandNew', 'a': 1}}"
    ]
    endpoint.handle_message_events(loaded())
    assert endpoint.is_finished


def test_ambiguous_resolution_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A key that matches several models is logged as a warning with the alternatives."""
    packet = {"type": "resolved", "info": llm_info(), "ambiguous": ["a/b", "a/c"]}
    load_endpoint().handle_message_events(packet)
    assert logged_events(caplog, "LoadModelEndpoint") == [
        (
            "WARNING",
            {
                "event": "Ambiguous model load request",
                "ambiguous": ["a/b", "a/c"],
                "endpoint": "loadModel",
                "model_key": "some-model",
            },
        )
    ]


def test_just_in_time_unloading_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The unloading of another model is logged at INFO with advice and at DEBUG with its info."""
    caplog.set_level("DEBUG", "GetOrLoadEndpoint")
    evicted = llm_info("old/model")
    packet = {"type": "unloadingOtherJITModel", "info": evicted}
    get_or_load_endpoint().handle_message_events(packet)
    context = {
        "event": "Unloading other JIT model",
        "unloaded_model_key": "old/model",
        "endpoint": "getOrLoad",
        "model_key": "some-model",
    }
    suggestion = (
        "You can disable this behavior by going to "
        "LM Studio -> Settings -> Developer -> Turn OFF JIT models auto-evict"
    )
    assert logged_events(caplog, "GetOrLoadEndpoint") == [
        ("INFO", {**context, "suggestion": suggestion}),
        ("DEBUG", {**context, "unloaded_model": evicted}),
    ]


def download_progress(downloaded: int) -> dict[str, Any]:
    """Return a download progress packet."""
    update = {"downloadedBytes": downloaded, "totalBytes": 100, "speedBytesPerSecond": 9.5}
    return {"type": "downloadProgress", "update": update}


def test_download_reports_its_phases() -> None:
    """A download reports each update and the finalization, and returns the default identifier."""
    seen: list[Any] = []
    endpoint = ModelDownloadEndpoint("some-download", seen.append, lambda: seen.append("final"))
    assert endpoint.api_endpoint == "downloadModel"
    assert endpoint.creation_params == {"downloadIdentifier": "some-download"}
    endpoint.handle_message_events(download_progress(50))
    endpoint.handle_message_events(download_progress(40))
    endpoint.handle_message_events({"type": "startFinalizing"})
    assert not endpoint.is_finished
    endpoint.handle_message_events({"type": "success", "defaultIdentifier": "a/b"})
    assert endpoint.result() == "a/b"
    assert seen == [
        DownloadProgressUpdate(downloaded_bytes=50, total_bytes=100, speed_bytes_per_second=9.5),
        DownloadProgressUpdate(downloaded_bytes=40, total_bytes=100, speed_bytes_per_second=9.5),
        "final",
    ]


def test_download_without_callbacks_has_no_events() -> None:
    """A download without callbacks yields no events for progress and finalization."""
    endpoint = ModelDownloadEndpoint("some-download")
    assert list(endpoint.iter_message_events(download_progress(50))) == []
    assert list(endpoint.iter_message_events({"type": "startFinalizing"})) == []


def test_failing_download_callbacks_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Exceptions in both download callbacks are logged and not raised."""

    def fail(*_args: object) -> None:
        raise LookupError("no bar")

    endpoint = ModelDownloadEndpoint("some-download", fail, fail)
    endpoint.handle_message_events(download_progress(50))
    endpoint.handle_message_events({"type": "startFinalizing"})
    assert [
        (level, event["event"]) for level, event in logged_events(caplog, "ModelDownloadEndpoint")
    ] == [
        ("ERROR", "Progress callback failed when downloading 'some-download'"),
        ("ERROR", "Download finalization callback failed for 'some-download'"),
    ]


def test_closed_download_channel_is_an_error() -> None:
    """A download channel that closes before its final packet raises LMStudioChannelClosedError."""
    with pytest.raises(
        LMStudioChannelClosedError, match=r"^Server failed to complete model download\.$"
    ):
        ModelDownloadEndpoint("some-download").handle_message_events(None)


@since("1.4.0")
def test_unknown_download_packet_is_a_warning() -> None:
    """A download packet of an unknown form leads to a warning with its contents."""
    with pytest.warns(
        lmstudio.LMStudioUnknownMessageWarning,
        match=r"^Model download unexpected message contents: {'type': 'success'}$",
    ):
        ModelDownloadEndpoint("some-download").handle_message_events({"type": "success"})

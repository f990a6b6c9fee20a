"""The names of the protocol's endpoints and of the packets that hosts send, for checks of names.

They are written down here so that a test need not import the server for them; the tests compare
them with the server and with the SDK's schema.
"""

from __future__ import annotations

from collections.abc import Mapping

from .errors import FaultError
from .suggestions import unknown

AUTHENTICATION = "authentication"
"""Stands for the host's answer to the first frame of each connection."""

_CALL_ENDS = ("rpcResult", "rpcError")
_CHANNEL_ENDS = ("channelClose", "channelError")
ENDS = (*_CALL_ENDS, *_CHANNEL_ENDS)
"""Types of messages that may be named like packets: the end of a call or a channel."""

_LOAD = ("progress", "resolved", "success")
_GET_OR_LOAD = (
    *("alreadyLoaded", "loadProgress", "loadSuccess", "startLoading", "unloadingOtherJITModel"),
)
_PREDICT = (
    *("fragment", "promptProcessingProgress", "success", "toolCallGenerationStart"),
    *("toolCallGenerationNameReceived", "toolCallGenerationArgumentFragmentGenerated"),
    *("toolCallGenerationEnd", "toolCallGenerationFailed"),
)
_DOWNLOAD = ("downloadProgress", "startFinalizing", "success")
_MODEL_CALLS = (
    *("countTokens", "estimateModelUsage", "getInstanceProcessingState", "getLoadConfig"),
    *("getBasePredictionConfig", "getModelInfo", "listLoaded", "tokenize", "unloadModel"),
)

CALLS: Mapping[str, tuple[str, ...]] = {
    "embedding": (*_MODEL_CALLS, "embedString"),
    "files": (*("getDocumentParsingLibrary", "getLocalFileAbsolutePath", "uploadFileBase64"),),
    "llm": (*_MODEL_CALLS, "applyPromptTemplate", "preloadDraftModel"),
    "plugins": (
        *("pluginInitCompleted", "processingGetOrLoadTokenSource", "processingHandleRequest"),
        *("processingHandleUpdate", "processingHasStatus", "processingNeedsNaming"),
        *("processingPullHistory", "processingSetSenderName", "processingSuggestName"),
        *("reindexPlugins", "reportError", "setConfigSchematics", "setGlobalConfigSchematics"),
    ),
    "repository": (
        *("deauthenticate", "fuzzyFindStaffPicks", "getAuthenticationStatus", "getModelCatalog"),
        *("getLocalArtifactFiles", "getModelDownloadOptions", "getWritableArtifactOwners"),
        *("installLocalPlugin", "installPluginDependencies", "isAuthenticated"),
        *("lmLinkSetDisabled", "lmLinkSetPreferredDevice", "lmLinkStatus"),
        *("lmLinkUpdateDeviceName", "loginAsComputeDevice", "loginWithPreAuthenticatedKeys"),
        "searchModels",
    ),
    "runtime": (
        *("getEngineSelections", "listEngines", "removeEngine", "searchRuntimeExtensions"),
        *("selectEngine", "surveyHardware"),
    ),
    "system": (
        *("getExperimentFlags", "info", "listDownloadedModels", "listDownloadedModelVariants"),
        *("notify", "requestShutdown", "setExperimentFlag", "startHttpServer", "stopHttpServer"),
        "version",
    ),
}
"""The calls of each namespace."""

CHANNELS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "diagnostics": {"streamLogs": ("log",)},
    "embedding": {"getOrLoad": _GET_OR_LOAD, "loadModel": _LOAD},
    "files": {
        "parseDocument": ("parserLoaded", "progress", "result"),
        "retrieve": (
            *("onFileProcessList", "onFileProcessingEnd", "onFileProcessingStart"),
            *("onFileProcessingStepEnd", "onFileProcessingStepProgress"),
            *("onFileProcessingStepStart", "onSearchingEnd", "onSearchingStart", "result"),
        ),
    },
    "llm": {
        "completeRawText": _PREDICT,
        "getOrLoad": _GET_OR_LOAD,
        "loadModel": _LOAD,
        "predict": _PREDICT,
    },
    "plugins": {
        "generateWithGenerator": _PREDICT,
        "registerDevelopmentPlugin": ("ready",),
        "setGenerator": ("abort", "generate"),
        "setPredictionLoopHandler": ("abort", "handlePredictionLoop"),
        "setPromptPreprocessor": ("abort", "preprocess"),
        "setToolsProvider": ("abortToolCall", "callTool", "discardSession", "initSession"),
        "startToolUseSession": (
            *("sessionReady", "toolCallComplete", "toolCallError", "toolCallStatus"),
            "toolCallWarn",
        ),
    },
    "repository": {
        "createArtifactDownloadPlan": (*_DOWNLOAD, "planReady", "planUpdated"),
        "createDownloadPlan": (*_DOWNLOAD, "planReady", "planUpdated"),
        "downloadArtifact": _DOWNLOAD,
        "downloadModel": _DOWNLOAD,
        "ensureAuthenticated": ("authenticated", "authenticationUrl"),
        "pushArtifact": ("message",),
    },
    "runtime": {"downloadRuntimeExtension": _DOWNLOAD},
    "system": {"alive": ()},
}
"""The channels of each namespace, and the packets that hosts send on them."""


def endpoints() -> list[str]:
    """Return the names of all endpoints, with and without their namespace."""
    full = [
        f"{namespace}.{name}"
        for table in (CALLS, CHANNELS)
        for namespace, names in table.items()
        for name in names
    ]
    return [*dict.fromkeys(name.partition(".")[2] for name in full), *full]


def split_endpoint(name: str) -> tuple[str | None, str]:
    """Return namespace and name of an endpoint; None if it is written without a namespace.

    Raises:
        FaultError: there is no such endpoint.
    """
    known = endpoints()
    if name not in known:
        raise FaultError(unknown("endpoint", name, known if "." in name else _short(known)))
    namespace, dot, endpoint = name.rpartition(".")
    return (namespace if dot else None), endpoint


def check_packet(endpoint: str, packet: str) -> None:
    """Check the name of a packet that the host sends on an endpoint, or of the endpoint's end.

    Raises:
        FaultError: the endpoint has no such packet.
    """
    namespace, name = split_endpoint(endpoint)
    known: list[str] = []
    for each, names in CALLS.items():
        if namespace in (None, each) and name in names:
            known += _CALL_ENDS
    for each, channels in CHANNELS.items():
        if namespace in (None, each) and name in channels:
            known += [*channels[name], *_CHANNEL_ENDS]
    if packet not in known:
        raise FaultError(unknown(f"packet of {endpoint}", packet, known))


def _short(names: list[str]) -> list[str]:
    return [name for name in names if "." not in name]

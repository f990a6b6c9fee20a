"""The `repository` namespace: search, downloads, and the answers of an app without an account."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.protocol.errors import DeviceNotLinkedError, ServerError
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import repository as payloads
from model_fixtures.server.protocol.payloads.models import Cancel
from model_fixtures.server.repository.download_identifiers import OfferedFile
from model_fixtures.server.repository.memory_fit import available_memory, estimate_fit
from model_fixtures.server.repository.progress_meter import Progress
from model_fixtures.server.repository.running_downloads import DownloadListener
from model_fixtures.server.repository.search_index import COMPATIBILITY_TYPE, is_exact

namespace = Namespace("repository")

HUB_CALLS = (
    "getWritableArtifactOwners",
    "loginAsComputeDevice",
    "loginWithPreAuthenticatedKeys",
)
ARTIFACT_CALLS = ("getLocalArtifactFiles", "installLocalPlugin", "installPluginDependencies")
HUB_CHANNELS = (
    "createArtifactDownloadPlan",
    "createDownloadPlan",
    "downloadArtifact",
    "ensureAuthenticated",
    "pushArtifact",
)


@namespace.rpc("searchModels", payloads.SearchModels)
async def search_models(
    context: Context, request: payloads.SearchModels
) -> dict[str, list[payloads.SearchResult]]:
    """Return models that can be downloaded."""
    opts = request.opts
    types = opts.compatibility_types
    found = context.state.repository.index.search(
        opts.search_term,
        limit=opts.limit,
        compatibility_types=types if isinstance(types, list) else None,
    )
    results = [
        payloads.SearchResult(
            name=entry.name,
            identifier=payloads.ResultIdentifier("catalog", entry.identifier),
            exact=True if is_exact(entry, opts.search_term) else UNSET,
        )
        for entry in found
    ]
    return {"results": results}


@namespace.rpc("getModelDownloadOptions", payloads.GetModelDownloadOptions)
async def get_model_download_options(
    context: Context, request: payloads.GetModelDownloadOptions
) -> dict[str, list[payloads.DownloadOption]]:
    """Return the files of a model that was found, with identifiers for this client only."""
    repository = context.state.repository
    identifier = request.model_search_result_identifier.identifier
    entry = repository.index.find(identifier)
    if entry is None:
        raise ServerError(
            f"No model {identifier} can be downloaded: search for what can,"
            " or add it to the file that LMSTUDIO_TEST_CATALOG names"
        )
    available = await context.state.looking.run(available_memory)
    results = [
        payloads.DownloadOption(
            name=option.file,
            size_bytes=option.size,
            fit_estimation=estimate_fit(option.size, available),
            compatibility_type=COMPATIBILITY_TYPE,
            download_identifier=repository.identifiers.give(
                context.client, OfferedFile(entry, option)
            ),
            indexed_model_identifier=entry.path(option),
            quantization=option.quantization or UNSET,
            recommended=option.recommended or UNSET,
        )
        for option in entry.options
    ]
    return {"results": results}


@namespace.channel("downloadModel", payloads.DownloadModel, Cancel)
async def download_model(
    context: Context, request: payloads.DownloadModel, port: ChannelPort
) -> None:
    """Download a file, and send the key of the model last."""
    repository = context.state.repository
    offer = repository.identifiers.get(context.client, request.download_identifier)

    def on_progress(progress: Progress) -> None:
        update = {
            "downloadedBytes": progress.downloaded,
            "totalBytes": progress.total,
            "speedBytesPerSecond": progress.rate,
        }
        port.progress({"type": "downloadProgress", "update": update})

    listener = DownloadListener(on_progress, lambda: port.put({"type": "startFinalizing"}))
    with port.cancellable():
        key = await repository.downloads.join(offer, listener)
        await port.send({"type": "success", "defaultIdentifier": key})
        return
    raise ServerError("The download was cancelled")


@namespace.rpc("isAuthenticated")
def is_authenticated(context: Context, _: None) -> dict[str, bool]:
    """Return false: nobody has an account here."""
    return {"authenticated": False}


@namespace.rpc("getAuthenticationStatus")
async def get_authentication_status(context: Context, _: None) -> dict[str, dict[str, str]]:
    """Return that nobody is logged in."""
    return {"authenticationStatus": {"type": "none"}}


@namespace.rpc("deauthenticate")
async def deauthenticate(context: Context, _: None) -> None:
    """Do nothing: nobody is logged in."""


@namespace.rpc("fuzzyFindStaffPicks", payloads.FindStaffPicks)
async def fuzzy_find_staff_picks(
    context: Context, request: payloads.FindStaffPicks
) -> dict[str, list[Any]]:
    """Return no models: LM Studio's hub picks them."""
    return {"results": []}


@namespace.rpc("getModelCatalog")
async def get_model_catalog(context: Context, _: None) -> dict[str, list[Any]]:
    """Return no models: they would be those of LM Studio's hub."""
    return {"models": []}


@namespace.rpc("lmLinkStatus")
async def lm_link_status(context: Context, _: None) -> dict[str, Any]:
    """Return that there is no link, since nobody is logged in."""
    return context.state.repository.link.status()


@namespace.rpc("lmLinkSetDisabled", payloads.SetLinkDisabled)
async def lm_link_set_disabled(context: Context, request: payloads.SetLinkDisabled) -> None:
    """Remember whether the link is off, which the status repeats."""
    context.state.repository.link.disabled = request.disabled


@namespace.rpc("lmLinkUpdateDeviceName", payloads.UpdateDeviceName)
async def lm_link_update_device_name(context: Context, request: payloads.UpdateDeviceName) -> None:
    """Remember a name of this machine, which the status repeats."""
    context.state.repository.link.device_name = request.device_name


@namespace.rpc("lmLinkSetPreferredDevice", payloads.SetPreferredDevice)
async def lm_link_set_preferred_device(
    context: Context, request: payloads.SetPreferredDevice
) -> None:
    """Raise an error: no device is linked."""
    raise DeviceNotLinkedError(request.device_identifier)


def _refuse_call(name: str, why: str) -> None:
    @namespace.rpc(name, Any)
    async def refuse(context: Context, _: Any) -> None:
        raise ServerError(f"{name} {why}: not available here")


def _refuse_channel(name: str, why: str) -> None:
    @namespace.channel(name, Any)
    async def refuse(context: Context, _: Any, port: ChannelPort) -> None:
        raise ServerError(f"{name} {why}: not available here")


for _name in HUB_CALLS:
    _refuse_call(_name, "needs an LM Studio account")
for _name in ARTIFACT_CALLS:
    _refuse_call(_name, "deals with LM Studio's artifacts")
for _name in HUB_CHANNELS:
    _refuse_channel(_name, "needs an LM Studio account")

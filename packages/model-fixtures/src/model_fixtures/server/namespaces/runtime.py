"""The `runtime` namespace: the one engine, which can be neither changed nor removed."""

from __future__ import annotations

import sys
from typing import Any

import psutil

from model_fixtures.server.engine.engine_description import (
    ENGINE,
    FORMAT,
    NAME,
    architecture,
    engine_version,
    instruction_sets,
)
from model_fixtures.server.handlers.handler_context import ChannelPort, Context
from model_fixtures.server.protocol.errors import ServerError
from model_fixtures.server.protocol.namespace import Namespace
from model_fixtures.server.protocol.payloads import runtime as payloads
from model_fixtures.server.protocol.payloads.models import Cancel

namespace = Namespace("runtime")


@namespace.rpc("listEngines")
async def list_engines(context: Context, _: None) -> list[dict[str, Any]]:
    """Return the one engine."""
    return [{**_engine(), "cpu": {"architecture": architecture()}}]


@namespace.rpc("getEngineSelections", payloads.SuperjsonNothing)
def get_engine_selections(context: Context, _: payloads.SuperjsonNothing) -> dict[str, Any]:
    """Return which engine runs which format, as superjson writes a map."""
    return {"json": [[FORMAT, _specifier()]], "meta": {"values": ["map"]}}


@namespace.rpc("selectEngine", payloads.SelectEngine)
async def select_engine(context: Context, request: payloads.SelectEngine) -> None:
    """Do nothing if the engine is the one that runs the format, and refuse any other."""
    _check(request.engine)
    if request.model_format_name != FORMAT:
        raise ServerError(f"{NAME} runs models of the format {FORMAT} only")


@namespace.rpc("removeEngine", payloads.EngineSpecifier)
async def remove_engine(context: Context, request: payloads.EngineSpecifier) -> None:
    """Refuse: without its engine the server would be of no use."""
    _check(request)
    raise ServerError(f"{NAME} can't be removed: it is the only engine of the embedded server")


@namespace.rpc("surveyHardware", payloads.SurveyScope)
async def survey_hardware(context: Context, request: payloads.SurveyScope) -> dict[str, Any]:
    """Return the CPU and the memory; no GPU is used, so none is looked for."""
    if request.type == "custom" and not any(_is_ours(each) for each in request.engines):
        return {"status": "noCompatibleBackends", "engines": []}
    extensions = await context.state.looking.run(instruction_sets)
    cpu: dict[str, Any] = {"result": {"code": "unset", "message": "not known on this system"}}
    if extensions is not None:
        info = {"architecture": architecture(), "supportedInstructionSetExtensions": extensions}
        cpu = {"result": {"code": "success", "message": ""}, "cpuInfo": info}
    no_gpu = {"code": "noDevicesFound", "message": "The embedded server uses no GPU"}
    memory = psutil.virtual_memory().total
    survey = {
        **_engine(),
        "compatibility": {"status": "compatible"},
        "hardwareSurvey": {
            "cpuSurveyResult": cpu,
            "gpuSurveyResult": {"result": no_gpu, "gpuInfo": []},
        },
        "memoryInfo": {"ramCapacity": memory, "vramCapacity": 0, "totalMemory": memory},
    }
    return {"status": "ok", "engines": [survey]}


@namespace.rpc("searchRuntimeExtensions", payloads.SearchExtensions)
async def search_runtime_extensions(
    context: Context, request: payloads.SearchExtensions
) -> dict[str, list[Any]]:
    """Return nothing: there are no other engines to download."""
    return {"extensions": []}


@namespace.channel("downloadRuntimeExtension", payloads.DownloadExtension, Cancel)
async def download_runtime_extension(
    context: Context, request: payloads.DownloadExtension, port: ChannelPort
) -> None:
    """Refuse: the engine comes with the server's package."""
    raise ServerError(
        f"{request.name} {request.version} can't be downloaded: "
        f"the embedded server runs models with {NAME} {engine_version()} only"
    )


def _specifier() -> dict[str, str]:
    return {"name": NAME, "version": engine_version()}


def _engine() -> dict[str, Any]:
    return {
        **_specifier(),
        "engine": ENGINE,
        "platform": sys.platform,
        "supportedModelFormatNames": [FORMAT],
    }


def _is_ours(engine: payloads.EngineSpecifier) -> bool:
    return (engine.name, engine.version) == (NAME, engine_version())


def _check(engine: payloads.EngineSpecifier) -> None:
    if not _is_ours(engine):
        raise ServerError(
            f"There is no engine {engine.name} {engine.version}: "
            f"the embedded server has {NAME} {engine_version()} only"
        )

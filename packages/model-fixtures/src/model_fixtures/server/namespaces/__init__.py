"""The endpoints, one module for each websocket path.

To add one: declare its parameter as a struct in `protocol/`, and a handler here with
`@namespace.rpc` or `@namespace.channel`.
"""

from __future__ import annotations

from model_fixtures.server.protocol.namespace import Namespace

from . import diagnostics, embedding, files, llm, plugins, repository, runtime, system

NAMESPACES: dict[str, Namespace] = {
    module.namespace.name: module.namespace
    for module in (llm, embedding, system, files, repository, plugins, diagnostics, runtime)
}

"""An LM Studio-compatible server with real inference.

Data flows one way: transport, protocol, namespaces, registry, engine.
"""

from __future__ import annotations

from .options import ServeOptions

__all__ = ["ServeOptions", "serve"]


def serve(options: ServeOptions) -> int:
    """Runs the server until it is told to stop; see `model_fixtures.server.running`."""
    from .running import serve

    return serve(options)

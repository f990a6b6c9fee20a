"""The `files` namespace: accepts connections; it has no endpoints yet."""

from __future__ import annotations

from model_fixtures.server.protocol.endpoints import Namespace

namespace = Namespace("files")

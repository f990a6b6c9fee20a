"""A host with two models, and a client of the protocol on it."""

from __future__ import annotations

import pytest

from ..fake_host import FakeHost, instance  # noqa: TID252 (tests are not an importable package)


@pytest.fixture
def two_loaded(fake_host: FakeHost) -> FakeHost:
    """Provide a host on which two models are loaded."""
    fake_host.loaded = [
        instance("one", "pub/One-GGUF/one.gguf"),
        instance("vectors", "pub/Vectors-GGUF/vectors.gguf", "embedding"),
    ]
    return fake_host

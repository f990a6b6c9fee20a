"""What tests of several parts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .fake_host import FakeHost


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The only event loop that the SDK runs on."""
    return "asyncio"


@pytest.fixture
def fake_host() -> Iterator[FakeHost]:
    """A host without models behind it."""
    with FakeHost() as host:
        yield host

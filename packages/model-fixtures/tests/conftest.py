"""What tests of several parts share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from model_fixtures.catalog import load_catalog
from model_fixtures.pytest_plugin.asyncio_backend import anyio_backend

from .fake_host import FakeHost, info

__all__ = ["anyio_backend"]  # a fixture


@pytest.fixture
def fake_host() -> Iterator[FakeHost]:
    """Provide a host without models behind it."""
    with FakeHost() as host:
        yield host


@pytest.fixture
def host(fake_host: FakeHost) -> FakeHost:
    """Provide a host that is not ours and has downloaded all models of the suite."""
    fake_host.downloaded = [
        info(each.key, each.path, each.domain) for each in load_catalog().models
    ]
    return fake_host


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches child processes, also when this one was started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

"""Fixtures that tests of several packages share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.pytest_plugin.suite.asyncio_backend import anyio_backend

from .fake_host import FakeHost, info

__all__ = ["anyio_backend"]  # a fixture


@pytest.fixture
def fake_host() -> Iterator[FakeHost]:
    """Provide a host without models."""
    with FakeHost() as host:
        yield host


@pytest.fixture
def host(fake_host: FakeHost) -> FakeHost:
    """Provide a host that is not the embedded server and has downloaded all models of the suite."""
    fake_host.downloaded = [
        info(each.key, each.path, each.domain) for each in read_catalog().models
    ]
    return fake_host


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C reach child processes even if this process was started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

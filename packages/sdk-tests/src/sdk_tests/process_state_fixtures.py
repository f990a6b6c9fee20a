"""Fixtures for what a process has only once; tests/conftest.py imports them.

They keep the user's environment variables out of tests, and one test's defaults out of the next.
"""

from collections.abc import Iterator

import lmstudio
import pytest
from lmstudio import sync_api

from .sdk_tracebacks import KEEP_VARIABLE

TOKEN_VARIABLE = "LMSTUDIO_API_TOKEN"  # noqa: S105  (the variable's name)
"""Environment variable with the user's API token, which every new client parses."""


@pytest.fixture
def no_api_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the user's API token out of the environment."""
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


@pytest.fixture
def no_default_client() -> Iterator[None]:
    """Start the test without a default client, and leave none behind."""
    sync_api._reset_default_client()
    yield
    sync_api._reset_default_client()


@pytest.fixture
def default_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the user's wish for complete tracebacks out of the environment."""
    monkeypatch.delenv(KEEP_VARIABLE, raising=False)


@pytest.fixture
def restored_sync_timeout() -> Iterator[None]:
    """Restore the default timeout of the synchronous API after the test."""
    before = lmstudio.get_sync_api_timeout()
    yield
    lmstudio.set_sync_api_timeout(before)

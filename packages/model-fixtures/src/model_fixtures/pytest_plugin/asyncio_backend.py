"""A fixture for the suites' conftests: async tests run on asyncio, the SDK's only event loop.

The plugin itself has no such fixture: it would change the async tests of other projects.
"""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Provide the only event loop that the SDK runs on."""
    return "asyncio"

"""A fixture with which async tests run on asyncio, for the conftests of the suites.

It is not part of the plugin, where it would change the async tests of other projects.
"""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Provide the name of the only event loop that the SDK supports."""
    return "asyncio"

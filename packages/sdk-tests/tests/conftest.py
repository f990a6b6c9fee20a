"""What all tests of the package get."""

import pytest


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep requests to loopback hosts away from a proxy that the user may have."""
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")

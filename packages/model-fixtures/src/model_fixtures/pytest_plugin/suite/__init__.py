"""What the suites of this project have beside the plugin: markers of common names, one server.

The workspace's pytest settings name this plugin (`-p model_fixtures.pytest_plugin.suite`). It is
none for others: their marker `slow` or `models` is their own.

The host is chosen when the run starts, and workers of pytest-xdist share it: tests marked `models`
run in one of them. The server starts once a test that needs it has been collected.
"""

from __future__ import annotations

import pytest

from model_fixtures.pytest_plugin import (
    PROVIDER,
    is_preview,
    is_worker,
    needs_host,
    provider_of,
)

MARKERS = (
    "lmstudio: needs an LM Studio host, which is found or started",
    "models: uses loaded models; runs in order in one worker; implies lmstudio",
    "slow: takes more than a second",
    "embedded: tests what only the embedded server can provoke; skipped on other hosts",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register markers and the fixture of loaded models."""
    from . import loaded_models

    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(loaded_models, "model_fixtures.loaded_models")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Choose the host; in a worker, use the one that the main process has chosen."""
    config = session.config
    if is_preview(config):
        return
    from model_fixtures.hosts import HostError
    from model_fixtures.pytest_plugin.local_host import LocalHost

    provider = provider_of(config)
    if isinstance(provider, LocalHost) and not is_worker(config):
        try:
            provider.selection()
        except HostError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return lines that say which host is used and why, and which SDK release is under test."""
    from model_fixtures.pytest_plugin.sdk_description import describe_sdk

    provider = config.stash.get(PROVIDER, None)
    lines = [] if provider is None else [f"lmstudio host: {provider.description}"]
    sdk = describe_sdk()
    return lines if sdk is None else [*lines, f"lmstudio SDK: {sdk}"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give items the marks and fixtures that their marks imply.

    This runs after conftests have added their marks, and before -m selects tests by them.
    """
    _mark(config, items)


def _mark(config: pytest.Config, items: list[pytest.Item]) -> None:
    from .apply_markers import mark_items

    provider = config.stash.get(PROVIDER, None)
    mark_items(items, None if provider is None or provider.own_server else provider.description)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which tests are special, and start the embedded server if one needs it."""
    from .apply_markers import is_slow, touches_models

    _mark(session.config, session.items)  # again, since other hooks may have added marks
    provider = session.config.stash.get(PROVIDER, None)
    if provider is None:
        return
    # This hook runs first, so that the main process knows these tests before xdist schedules.
    provider.begin_early([item.nodeid for item in session.items if is_slow(item)])
    if any(map(needs_host, session.items)):
        provider.keep_together([item.nodeid for item in session.items if touches_models(item)])
        provider.begin_start()

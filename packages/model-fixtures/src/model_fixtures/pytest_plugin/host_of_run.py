"""Making the access to the host of a run, as its settings and its process want it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from model_fixtures.for_apps.errors import ServerOptionsError
from model_fixtures.for_apps.server_options import ServerOptions
from model_fixtures.hosts import HostSelection, select_host

from . import GRACE, WORKER_KEY, is_suite, is_worker
from .host_provider import HostProvider
from .local_host import LocalHost
from .settings import (
    ANSWER_UNKNOWN,
    CATALOG,
    HOST,
    MODELS_FOLDER,
    THREADS,
    TOKEN,
    Setting,
    given,
    is_on,
    source_of,
)


def make_provider(config: pytest.Config, say: Callable[[str], None]) -> HostProvider:
    """Return the access to the host; what it starts ends with the run.

    Args:
        config: the run's.
        say: shows a line to the user.
    """
    suite = is_suite(config)
    # In tests of applications, the fixture lmstudio_server_options says it later.
    options = _options_of_suite(config) if suite else ServerOptions()
    local: LocalHost
    if is_worker(config):
        worker_input = config.workerinput[WORKER_KEY]  # type: ignore[attr-defined]
        if suite:
            from .shared_host import SharedHost

            return SharedHost(worker_input)
        from .worker_host import WorkerHost

        local = WorkerHost(worker_input, options)
    else:
        announce = not suite and config.get_verbosity() >= 0
        local = LocalHost(lambda: _select(config), say, options, shared=suite, announce=announce)
    config.add_cleanup(local.stop)
    config.pluginmanager.register(Interrupts(local), "model_fixtures.interrupts")
    return local


def options_of(config: pytest.Config) -> ServerOptions:
    """Return what options and ini file say about the embedded server.

    Raises:
        ServerOptionsError: a value makes no sense.
    """
    text = given(config, THREADS)
    if text is not None and not text.isdecimal():
        raise ServerOptionsError(
            f"{source_of(config, THREADS)} is {text!r}: write a number of threads"
        )
    return ServerOptions(
        token=given(config, TOKEN),
        catalog=_not_inherited(config, CATALOG),
        models_folder=_not_inherited(config, MODELS_FOLDER),
        threads=None if text is None else int(text),
        answer_unknown=is_on(config, ANSWER_UNKNOWN),
    )


def _options_of_suite(config: pytest.Config) -> ServerOptions:
    try:
        return options_of(config)
    except ServerOptionsError as error:
        raise pytest.UsageError(str(error)) from None


def _not_inherited(config: pytest.Config, setting: Setting) -> str | None:
    """Return a setting, None if the environment has it, which the server inherits."""
    return None if source_of(config, setting) == setting.variable else given(config, setting)


def _select(config: pytest.Config) -> HostSelection:
    source = source_of(config, HOST)
    # An empty source is the default: a host on the default ports, else the embedded server.
    return select_host(given(config, HOST), option=source)


class Interrupts:
    """A plugin that ends the embedded server soon after Ctrl-C, even if teardown takes long."""

    def __init__(self, host: LocalHost) -> None:
        self._host = host

    def pytest_keyboard_interrupt(self) -> None:
        """Have the embedded server end after the grace period."""
        self._host.stop_after(GRACE)

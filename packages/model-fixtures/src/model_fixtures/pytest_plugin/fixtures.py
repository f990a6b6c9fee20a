"""The plugin's fixtures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from model_fixtures import pytest_plugin

if TYPE_CHECKING:
    from model_fixtures.catalog import CatalogModel


class _one_line:  # noqa: N801 (reads as a block)
    """Fails the test with an expected error's text alone: neither traceback nor chain."""

    def __init__(self, *expected: type[Exception]) -> None:
        self._expected = expected

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, self._expected):
            raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def lmstudio_host(pytestconfig: pytest.Config) -> str:
    """`host:port` of the LM Studio host, which is started now if it has not been.

    Tests marked `lmstudio` get it in any case.
    """
    from model_fixtures.hosts import HostError

    with _one_line(HostError):
        return pytestconfig.stash[pytest_plugin.PROVIDER].address()


@pytest.fixture(scope="session")
def loaded_models(lmstudio_host: str, pytestconfig: pytest.Config) -> tuple[CatalogModel, ...]:
    """Provide the suite's required models, loaded under their keys with the suite's configuration.

    Tests marked `models` get it in any case. What is loaded that way already stays so; nothing is
    downloaded. Models stay loaded at the end.
    """
    from model_fixtures import host_models
    from model_fixtures.catalog import CatalogError, load_catalog
    from model_fixtures.wire_client import WireError

    if pytestconfig.stash[pytest_plugin.PROVIDER].spread:
        pytest.fail("--dist each spreads tests marked models: leave --dist out", pytrace=False)
    with _one_line(CatalogError, WireError, host_models.LoaderError):
        catalog = load_catalog()
        report = asyncio.run(host_models.ensure_loaded(lmstudio_host, catalog))
    if report.problems:
        pytest.fail("\n".join(report.problems), pytrace=False)
    if report.extra:
        names = ", ".join(instance.identifier for instance in report.extra)
        note = f"extra loaded models break tests that query loaded models, unload them: {names}"
        pytestconfig.stash[pytest_plugin.NOTES].append(note)
    return catalog.required

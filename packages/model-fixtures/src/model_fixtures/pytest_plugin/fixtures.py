"""The plugin's fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from model_fixtures.errors import ModelFixturesError

from . import NOTES, PROVIDER

if TYPE_CHECKING:
    from model_fixtures.catalog import CatalogModel


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Make an error of this package fail the test with its message alone, without a traceback."""
    try:
        yield
    except ModelFixturesError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def lmstudio_host(pytestconfig: pytest.Config) -> str:
    """Provide the `host:port` of the LM Studio host, and wait until the host is ready.

    It is set up for every test marked `lmstudio`.
    """
    with _errors_in_one_line():
        return pytestconfig.stash[PROVIDER].address()


@pytest.fixture(scope="session")
def loaded_models(lmstudio_host: str, pytestconfig: pytest.Config) -> tuple[CatalogModel, ...]:
    """Provide the suite's required models, loaded under their keys with the suite's configuration.

    It is set up for every test marked `models`. Models that are loaded like that already are kept,
    nothing is downloaded, and the models stay loaded after the run.
    """
    import anyio

    from model_fixtures.catalog import read_catalog
    from model_fixtures.host_models import ensure_loaded

    if pytestconfig.stash[PROVIDER].spread:
        pytest.fail("--dist each spreads tests marked models: leave --dist out", pytrace=False)
    with _errors_in_one_line():
        catalog = read_catalog()
        report = anyio.run(ensure_loaded, lmstudio_host, catalog)
    if report.problems:
        pytest.fail("\n".join(report.problems), pytrace=False)
    if report.extra:
        names = ", ".join(instance.identifier for instance in report.extra)
        note = f"extra loaded models break tests that query loaded models, unload them: {names}"
        pytestconfig.stash[NOTES].append(note)
    return catalog.required

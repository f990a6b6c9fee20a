"""The fixture of the models that the suites load once for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from model_fixtures.pytest_plugin import NOTES, PROVIDER
from model_fixtures.pytest_plugin.fixtures import errors_in_one_line

if TYPE_CHECKING:
    from model_fixtures.catalog import CatalogModel


@pytest.fixture(scope="session")
def loaded_models(lmstudio_host: str, pytestconfig: pytest.Config) -> tuple[CatalogModel, ...]:
    """Provide the suite's required models, loaded under their keys with the suite's configuration.

    It is set up for every test marked `models`. Models that are loaded like that already are kept,
    nothing is downloaded, and the models stay loaded after the run.
    """
    from model_fixtures.catalog import read_catalog
    from model_fixtures.for_apps.in_thread import run_in_thread
    from model_fixtures.host_models import ensure_loaded

    if pytestconfig.stash[PROVIDER].spread:
        pytest.fail("--dist each spreads tests marked models: leave --dist out", pytrace=False)
    with errors_in_one_line():
        catalog = read_catalog()
        # Not anyio.run: after Ctrl-C it would raise that the server, which got it too, has gone.
        report = run_in_thread(lambda: ensure_loaded(lmstudio_host, catalog))
    if report.problems:
        pytest.fail("\n".join(report.problems), pytrace=False)
    if report.extra:
        names = ", ".join(instance.identifier for instance in report.extra)
        note = f"extra loaded models break tests that query loaded models, unload them: {names}"
        pytestconfig.stash[NOTES].append(note)
    return catalog.required

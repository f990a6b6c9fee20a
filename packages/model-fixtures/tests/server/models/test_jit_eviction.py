"""Models that were loaded just in time give way to one another; the engines here are fake."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from model_fixtures.server.models.jit_load_under_way import JitListener
from model_fixtures.server.models.loaded_instance import LoadedInstance
from model_fixtures.server.models.models_of_server import ModelsOfServer

from .fake_engine import Starter, opened_models

pytestmark = pytest.mark.anyio
ONE, OTHER = "smollm2-135m-instruct", "llama-3.2-1b-instruct"


@pytest.fixture
def starter(monkeypatch: pytest.MonkeyPatch) -> Starter:
    """Provide what starts the test's engines."""
    return Starter(monkeypatch)


@asynccontextmanager
async def opened(
    folder: Path, grace: float, patience: float = math.inf
) -> AsyncIterator[ModelsOfServer]:
    """Provide the suite's models; the block never hangs for long."""
    with anyio.fail_after(30):
        async with opened_models(folder, grace=grace, patience=patience) as models:
            yield models


class Asking:
    """A client that asks for a model in a task of its own."""

    def __init__(self, models: ModelsOfServer, name: str) -> None:
        self.models = models
        self.name = name
        self.unloads: list[str] = []
        self.got: LoadedInstance | None = None

    async def __call__(self) -> None:
        """Ask for the model, and keep what was handed out."""
        listener = JitListener(
            lambda progress: None, lambda other: self.unloads.append(other.identifier), self
        )
        self.got = await self.models.jit.get_or_load(self.name, "llm", listener=listener)


async def ask(models: ModelsOfServer, name: str) -> Asking:
    """Return a client to which a model was handed out."""
    asking = Asking(models, name)
    await asking()
    return asking


def names(models: ModelsOfServer) -> list[str]:
    """Return the identifiers of the loaded instances."""
    return [instance.identifier for instance in models.loaded.all()]


@pytest.mark.difference("jit-eviction")
@pytest.mark.usefixtures("starter")
async def test_another_model_waits_until_all_have_used_theirs(tmp_path: Path) -> None:
    """A model stays until every client to which it was handed out has used it."""
    async with opened(tmp_path, math.inf) as models:
        first, second = await ask(models, ONE), await ask(models, ONE)
        await second()  # in another task of the same client
        assert first.got is second.got
        assert first.got is not None
        newcomer = Asking(models, OTHER)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(newcomer)
            await anyio.wait_all_tasks_blocked()
            with models.loaded.using(first.got, first):
                pass
            with models.loaded.using(first.got, first):  # this does not count for the second
                pass
            await anyio.wait_all_tasks_blocked()
            assert names(models) == [ONE]
            for _ in range(2):
                assert names(models) == [ONE]
                with models.loaded.using(first.got, second):
                    await anyio.wait_all_tasks_blocked()
                    assert names(models) == [ONE]
                await anyio.wait_all_tasks_blocked()
        assert names(models) == [OTHER]
        assert newcomer.unloads == [ONE]


@pytest.mark.difference("jit-eviction")
@pytest.mark.usefixtures("starter")
async def test_unused_model_gives_way_after_its_grace(tmp_path: Path) -> None:
    """A client that doesn't use its model holds up another one only for the grace."""
    async with opened(tmp_path, 0.2) as models:
        await ask(models, ONE)
        begun = anyio.current_time()
        await ask(models, OTHER)
        assert anyio.current_time() - begun >= 0.19
        assert names(models) == [OTHER]


@pytest.mark.difference("jit-eviction")
@pytest.mark.usefixtures("starter")
async def test_endless_prediction_gives_way_in_the_end(tmp_path: Path) -> None:
    """A prediction without end holds up another model only for a limited time."""
    async with opened(tmp_path, 0, patience=0.2) as models:
        one = await ask(models, ONE)
        assert one.got is not None
        with models.loaded.using(one.got, one):
            await ask(models, OTHER)
            assert names(models) == [OTHER]


@pytest.mark.difference("jit-eviction")
@pytest.mark.usefixtures("starter")
async def test_nobody_gets_ahead_of_another_model_that_waits(tmp_path: Path) -> None:
    """A client that asks for a model that is about to give way is served after the other one."""
    async with opened(tmp_path, math.inf) as models:
        early = await ask(models, ONE)
        newcomer, late = Asking(models, OTHER), Asking(models, ONE)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(newcomer)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(late)
            await anyio.wait_all_tasks_blocked()
            assert late.got is None
            assert early.got is not None
            with models.loaded.using(early.got, early):
                pass
            await anyio.wait_all_tasks_blocked()
            assert names(models) == [OTHER]
            assert newcomer.got is not None
            with models.loaded.using(newcomer.got, newcomer):
                pass
        assert names(models) == [ONE]
        assert late.got is not early.got


@pytest.mark.usefixtures("starter")
async def test_model_stays_when_nobody_waits_for_the_other_any_more(tmp_path: Path) -> None:
    """If a newcomer leaves while it waits, the instance stays, also for those behind it."""
    async with opened(tmp_path, math.inf) as models:
        early = await ask(models, ONE)
        late = Asking(models, ONE)
        async with anyio.create_task_group() as tasks, anyio.create_task_group() as leaving:
            leaving.start_soon(Asking(models, OTHER))
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(late)
            await anyio.wait_all_tasks_blocked()
            leaving.cancel_scope.cancel()
        assert late.got is early.got
        assert names(models) == [ONE]


@pytest.mark.usefixtures("starter")
async def test_unload_by_hand_ends_the_wait(tmp_path: Path) -> None:
    """A model is unloaded by hand at once, also if another one waits for it."""
    async with opened(tmp_path, math.inf) as models:
        one, newcomer = await ask(models, ONE), Asking(models, OTHER)
        assert one.got is not None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(newcomer)
            await anyio.wait_all_tasks_blocked()
            await models.loaded.unload(one.got)
        assert names(models) == [OTHER]
        assert newcomer.unloads == []


async def test_crash_ends_the_wait(tmp_path: Path, starter: Starter) -> None:
    """If a worker crashes, the model that waits for it goes on."""
    async with opened(tmp_path, math.inf) as models:
        await ask(models, ONE)
        newcomer = Asking(models, OTHER)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(newcomer)
            await anyio.wait_all_tasks_blocked()
            starter.engines[0].worker.ended.set()
        assert names(models) == [OTHER]


@pytest.mark.usefixtures("starter")
async def test_many_clients_and_models(tmp_path: Path) -> None:
    """Clients that go back and forth between models each get to use what they were given."""
    async with opened(tmp_path, math.inf) as models:
        used = 0

        async def client(*wanted: str) -> None:
            nonlocal used
            for name in wanted:
                asking = await ask(models, name)
                await anyio.lowlevel.checkpoint()
                assert asking.got in models.loaded.all()
                with models.loaded.using(asking.got, asking):
                    await anyio.lowlevel.checkpoint()
                    assert asking.got in models.loaded.all()
                used += 1

        async with anyio.create_task_group() as tasks:
            for number in range(6):
                order = (ONE, OTHER) if number % 2 else (OTHER, ONE)
                tasks.start_soon(client, *order * 10)
        assert used == 6 * 20

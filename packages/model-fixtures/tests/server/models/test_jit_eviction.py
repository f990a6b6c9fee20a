"""Models loaded just in time that give way to one another; the engines here hold no model."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from model_fixtures.catalog import read_catalog
from model_fixtures.server.models.downloaded_models import Library
from model_fixtures.server.models.jit_load import Listener
from model_fixtures.server.models.loaded_instance import Instance
from model_fixtures.server.models.loaded_models import Registry

from .fake_engine import Starter

pytestmark = pytest.mark.anyio
ONE, OTHER = "smollm2-135m-instruct", "llama-3.2-1b-instruct"


@pytest.fixture
def starter(monkeypatch: pytest.MonkeyPatch) -> Starter:
    """Provide all engines of the test."""
    return Starter(monkeypatch)


@asynccontextmanager
async def opened(folder: Path, grace: float, patience: float = math.inf) -> AsyncIterator[Registry]:
    """Provide a registry with the suite's models, which never hangs for long."""
    library = Library(read_catalog(), folder)
    with anyio.fail_after(30):
        async with Registry(library, grace=grace, patience=patience) as registry:
            yield registry


class Asking:
    """Somebody who asks for a model, in a task of its own."""

    def __init__(self, registry: Registry, name: str) -> None:
        self.registry = registry
        self.name = name
        self.unloads: list[str] = []
        self.got: Instance | None = None

    async def __call__(self) -> None:
        """Ask."""
        listener = Listener(
            lambda progress: None, lambda other: self.unloads.append(other.identifier), self
        )
        self.got = await self.registry.get_or_load(self.name, "llm", listener=listener)


async def ask(registry: Registry, name: str) -> Asking:
    """Somebody to whom a model was handed out."""
    asking = Asking(registry, name)
    await asking()
    return asking


def names(registry: Registry) -> list[str]:
    """Return what is loaded."""
    return [instance.identifier for instance in registry.loaded()]


@pytest.mark.usefixtures("starter")
async def test_another_model_waits_until_all_have_used_theirs(tmp_path: Path) -> None:
    """A model stays until each has used it to whom it was handed out, and until that has ended."""
    async with opened(tmp_path, math.inf) as registry:
        first, second = await ask(registry, ONE), await ask(registry, ONE)
        await second()  # in another task of the same client
        assert first.got is second.got
        assert first.got is not None
        newcomer = Asking(registry, OTHER)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(newcomer)
            await anyio.wait_all_tasks_blocked()
            with registry.using(first.got, first):
                pass
            with registry.using(first.got, first):  # again: that is no use of the second one's
                pass
            await anyio.wait_all_tasks_blocked()
            assert names(registry) == [ONE]
            for _ in range(2):
                assert names(registry) == [ONE]
                with registry.using(first.got, second):
                    await anyio.wait_all_tasks_blocked()
                    assert names(registry) == [ONE]
                await anyio.wait_all_tasks_blocked()
        assert names(registry) == [OTHER]
        assert newcomer.unloads == [ONE]


@pytest.mark.usefixtures("starter")
async def test_unused_model_gives_way_after_its_grace(tmp_path: Path) -> None:
    """Whoever doesn't use a model holds up another one for the grace only."""
    async with opened(tmp_path, 0.2) as registry:
        await ask(registry, ONE)
        begun = anyio.current_time()
        await ask(registry, OTHER)
        assert anyio.current_time() - begun >= 0.19
        assert names(registry) == [OTHER]


@pytest.mark.usefixtures("starter")
async def test_endless_prediction_gives_way_in_the_end(tmp_path: Path) -> None:
    """A model that predicts without end holds up another one for a limited time."""
    async with opened(tmp_path, 0, patience=0.2) as registry:
        one = await ask(registry, ONE)
        assert one.got is not None
        with registry.using(one.got, one):
            await ask(registry, OTHER)
            assert names(registry) == [OTHER]


@pytest.mark.usefixtures("starter")
async def test_nobody_gets_ahead_of_another_model_that_waits(tmp_path: Path) -> None:
    """Who asks for a model that is about to give way comes after the other one: no starvation."""
    async with opened(tmp_path, math.inf) as registry:
        early = await ask(registry, ONE)
        newcomer, late = Asking(registry, OTHER), Asking(registry, ONE)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(newcomer)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(late)
            await anyio.wait_all_tasks_blocked()
            assert late.got is None
            assert early.got is not None
            with registry.using(early.got, early):
                pass
            await anyio.wait_all_tasks_blocked()
            assert names(registry) == [OTHER]
            assert newcomer.got is not None
            with registry.using(newcomer.got, newcomer):
                pass
        assert names(registry) == [ONE]
        assert late.got is not early.got


@pytest.mark.usefixtures("starter")
async def test_model_stays_when_nobody_waits_for_the_other_any_more(tmp_path: Path) -> None:
    """A newcomer that leaves while it waits costs no instance, nor whoever queued behind it."""
    async with opened(tmp_path, math.inf) as registry:
        early = await ask(registry, ONE)
        late = Asking(registry, ONE)
        async with anyio.create_task_group() as tasks, anyio.create_task_group() as leaving:
            leaving.start_soon(Asking(registry, OTHER))
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(late)
            await anyio.wait_all_tasks_blocked()
            leaving.cancel_scope.cancel()
        assert late.got is early.got
        assert names(registry) == [ONE]


@pytest.mark.usefixtures("starter")
async def test_unload_by_hand_ends_the_wait(tmp_path: Path) -> None:
    """Unloading is done at once, also of a model that another one waits for."""
    async with opened(tmp_path, math.inf) as registry:
        one, newcomer = await ask(registry, ONE), Asking(registry, OTHER)
        assert one.got is not None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(newcomer)
            await anyio.wait_all_tasks_blocked()
            await registry.unload(one.got)
        assert names(registry) == [OTHER]
        assert newcomer.unloads == []


async def test_crash_ends_the_wait(tmp_path: Path, starter: Starter) -> None:
    """A worker that ends while another model waits for it is not waited for."""
    async with opened(tmp_path, math.inf) as registry:
        await ask(registry, ONE)
        newcomer = Asking(registry, OTHER)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(newcomer)
            await anyio.wait_all_tasks_blocked()
            starter.engines[0].worker.ended.set()
        assert names(registry) == [OTHER]


@pytest.mark.usefixtures("starter")
async def test_many_clients_and_models(tmp_path: Path) -> None:
    """Clients that go back and forth between models each get to use what they were given."""
    async with opened(tmp_path, math.inf) as registry:
        used = 0

        async def client(*wanted: str) -> None:
            nonlocal used
            for name in wanted:
                asking = await ask(registry, name)
                await anyio.lowlevel.checkpoint()
                assert asking.got in registry.loaded()
                with registry.using(asking.got, asking):
                    await anyio.lowlevel.checkpoint()
                    assert asking.got in registry.loaded()
                used += 1

        async with anyio.create_task_group() as tasks:
            for number in range(6):
                order = (ONE, OTHER) if number % 2 else (OTHER, ONE)
                tasks.start_soon(client, *order * 10)
        assert used == 6 * 20

"""The templates of requests are rendered within limits, and hold nothing else up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from model_fixtures.server.prediction.jinja_child import LimitError, render
from model_fixtures.server.prediction.jinja_renderer import TemplateRenderer
from model_fixtures.server.protocol.errors import ServerError

pytestmark = pytest.mark.anyio
TWO_LOOPS = "{% for i in range(99999) %}{% for j in range(99999) %}BODY{% endfor %}{% endfor %}"
ENDLESS = TWO_LOOPS.replace("BODY", "")
DOUBLING = (
    "{% set ns = namespace(x='a') %}"
    "{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}"
)
PATIENCE = 60  # seconds; what must not hang takes four at most


@pytest.fixture
async def renderer() -> AsyncIterator[TemplateRenderer]:
    """Provide a renderer whose children end with the test."""
    templates = TemplateRenderer()
    try:
        yield templates
    finally:
        await templates.close()


async def failure(renderer: TemplateRenderer, template: str) -> str:
    """Return why a template fails."""
    with anyio.fail_after(PATIENCE), pytest.raises(ServerError, match="template failed") as caught:
        await renderer.render(template, {})
    return caught.value.cause or ""


async def test_ordinary_templates(renderer: TemplateRenderer) -> None:
    """A template gets its variables and trims its blocks; the next one starts afresh."""
    template = "{% for one in list %}\n<{{ one * 2 }}>\n{% endfor %}{% set other = 1 %}"
    assert await renderer.render(template, {"list": ["é", 2]}) == "<éé>\n<4>\n"
    assert await renderer.render("{{ other }}", {}) == ""


@pytest.mark.difference("jinja-templates")
@pytest.mark.parametrize(
    ("template", "words"),
    [
        (ENDLESS, "more than 4 s"),
        (TWO_LOOPS.replace("BODY", "{{ 'x' * 99 }}"), "characters"),
        ("{% set x = [0] * 50000000 %}", "multiplies"),
        ("{{ 'a' * 300000000 }}", "multiplies"),
        ("{{ 9 ** (9 ** 9) }}", "numbers"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nests"),
        ("{{ " + "(" * 100_000 + " }}", "nests"),
        ("x" * 2_000_000, "characters"),
    ],
)
async def test_limits(renderer: TemplateRenderer, template: str, words: str) -> None:
    """A template that exceeds a limit is an error that names it; the next one is rendered."""
    assert words in await failure(renderer, template)
    assert await renderer.render("{{ 1 + 1 }}", {}) == "2"


@pytest.mark.difference("jinja-templates")
@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory is enforced there")
@pytest.mark.parametrize("template", ["{{ 'a' | center(2000000000) }}", DOUBLING])
async def test_limit_of_memory(renderer: TemplateRenderer, template: str) -> None:
    """However a template uses memory, its process gets no more than the limit."""
    assert "512 MiB" in await failure(renderer, template)
    assert await renderer.render("{{ 1 + 1 }}", {}) == "2"


async def test_long_errors_are_cut(renderer: TemplateRenderer) -> None:
    """The error of a template is one line of bounded length."""
    words = await failure(renderer, "{{ raise_exception('no\n' * 100000) }}")
    assert words.startswith("no no")
    assert len(words) < 600
    assert "\n" not in words


async def test_others_are_rendered_meanwhile(renderer: TemplateRenderer) -> None:
    """An endless template holds up neither the event loop nor other templates."""
    async with anyio.create_task_group() as tasks:
        failed = anyio.Event()

        async def fail() -> None:
            await failure(renderer, ENDLESS)
            failed.set()

        await renderer.render("", {})  # a child has started
        tasks.start_soon(fail)
        await anyio.wait_all_tasks_blocked()
        assert await renderer.render("{{ 1 + 1 }}", {}) == "2"
        assert not failed.is_set()


async def test_cancelled_request(renderer: TemplateRenderer) -> None:
    """When a client leaves, its template ends and makes room for others."""
    for _ in range(10):  # more than may run at once
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(renderer.render, ENDLESS, {})
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    with anyio.fail_after(PATIENCE):
        assert await renderer.render("{{ 1 + 1 }}", {}) == "2"


def test_child_ends_with_its_server() -> None:
    """The end of stdin ends a child in the middle of an endless template."""
    command = [sys.executable, "-m", "model_fixtures.server.prediction.jinja_child"]
    job = {"template": ENDLESS, "variables": {}}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b'{"template": "", "variables": {}}\n' + json.dumps(job).encode() + b"\n")
        child.stdin.flush()
        child.stdout.readline()  # it has started to work
        child.stdin.close()
        assert child.wait(PATIENCE) == 0


@pytest.mark.difference("jinja-templates")
@pytest.mark.parametrize("factors", ["'a' * n", "n * [0]", "n ** n", "n * n * n"])
def test_multiplications_are_bounded_without_limits_of_the_system(factors: str) -> None:
    """Even where a process can't be limited, a template can't multiply to a huge size."""
    job: dict[str, Any] = {
        "template": f"{{{{ {factors} }}}}",
        "variables": {"n": 2**40_000},
    }
    with pytest.raises(LimitError):
        render(job)

"""What becomes of async source text: names, keywords, marks, comments and strings."""

import pytest
from generate_sync_tests import SyncError, to_sync


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("async def f(): pass\n", "def f(): pass\n"),
        ("async def f():\n    async with a as b: pass\n", "def f():\n    with a as b: pass\n"),
        (
            "async def f():\n    return [x async for x in y]\n",
            "def f():\n    return [x for x in y]\n",
        ),
        ("async def f(): return await a(await b())\n", "def f(): return a(b())\n"),
        ("from lmstudio import AsyncClient, AsyncLLM\n", "from lmstudio import Client, LLM\n"),
        ("x: AsyncDownloadedLlm | AsyncModelHandle\n", "x: DownloadedLlm | SyncModelHandle\n"),
        ("x = lms.async_api._AsyncSessionLlm\n", "x = lms.sync_api._SyncSessionLlm\n"),
        ("async def f(): await c.aclose()\n", "def f(): c.close()\n"),
        ("async def __aenter__(self): pass\n", "def __enter__(self): pass\n"),
        ("x: Callable[[], Awaitable[int]]\n", "x: Callable[[], int]\n"),
        ("from sdk_tests.x_async import run\n", "from sdk_tests.x_sync import run\n"),
        ("import asyncio\n", "import asyncio\n"),
        ("asynchrony = async_ = 1\n", "asynchrony = sync_ = 1\n"),
    ],
)
def test_code(source: str, expected: str) -> None:
    """Keywords are removed, names become those of the sync API, and nothing else changes."""
    assert to_sync(source, "x") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# an async client\n", "# a sync client\n"),
        ("# Asynchronous; an AsyncClient, an AsyncLLM\n", "# Synchronous; a Client, an LLM\n"),
        (
            '"""`await model.respond()` in test_x_async."""\n',
            '"""`model.respond()` in test_x_sync."""\n',
        ),
        ('x = f"{y} of AsyncClient(...)"\n', 'x = f"{y} of Client(...)"\n'),
        ('x = "AsyncClient"\n', 'x = "Client"\n'),
        ('x = "await the end"\n', 'x = "await the end"\n'),
    ],
)
def test_comments_and_strings(source: str, expected: str) -> None:
    """Comments, docstrings and texts that name the async API name the sync one."""
    assert to_sync(source, "x") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "@pytest.mark.anyio\n@pytest.mark.slow\ndef f(): ...\n",
            "@pytest.mark.slow\ndef f(): ...\n",
        ),
        ("pytestmark = pytest.mark.anyio\nx = 1\n", "x = 1\n"),
        ("pytestmark = [pytest.mark.anyio]\nx = 1\n", "x = 1\n"),
        ("m = [pytest.mark.anyio, pytest.mark.slow]\n", "m = [pytest.mark.slow]\n"),
        ("m = [pytest.mark.slow, pytest.mark.anyio]\n", "m = [pytest.mark.slow]\n"),
    ],
)
def test_anyio_marks(source: str, expected: str) -> None:
    """A sync test is not marked for anyio, however the mark was given."""
    assert to_sync(source, "x") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = 1\n# sync: skip\n@mark\nasync def f():\n    pass\nb = 2\n", "a = 1\nb = 2\n"),
        ("# sync: skip\n# because of tasks\na = (\n    1\n)\nb = 2\n", "b = 2\n"),
        ("a = 1  # sync: skip\nb = 2\n", "b = 2\n"),
        (
            "def f():\n    a = 1  # sync: use a = 2\n    return a\n",
            "def f():\n    a = 2\n    return a\n",
        ),
        (
            "def f():\n    # sync: use a = 2\n    with g():\n        a = 1\n",
            "def f():\n    a = 2\n",
        ),
        (
            "def f():\n    if g:\n        a = 1  # sync: use a = 2\n",
            "def f():\n    if g:\n        a = 2\n",
        ),
    ],
)
def test_marked_statements(source: str, expected: str) -> None:
    """`# sync: skip` leaves a statement out, `# sync: use CODE` replaces it, and no other."""
    assert to_sync(source, "x") == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a = 1\n# sync: skip\n", "x.py:2: no statement belongs to '# sync: skip'"),
        (
            'async def f():\n    return f"{await g()}"\n',
            "x.py:2: await in an f-string: name the value first",
        ),
        ("a = (\n", "x.py:1: '(' was never closed"),
        (
            "def f():\n    pass  # sync: skip\n",
            "x.py: its sync twin is no Python: expected an indented block",
        ),
        (
            "a = 1  # sync: use a = = 2\n",
            "x.py: its sync twin is no Python: invalid syntax: a = = 2",
        ),
    ],
)
def test_what_cannot_be_converted(source: str, message: str) -> None:
    """Source without a sync twin is refused with a line that names the file and the trouble."""
    with pytest.raises(SyncError) as caught:
        to_sync(source, "x.py")
    assert str(caught.value).startswith(message)

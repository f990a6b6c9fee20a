"""Use of the SDK while the interpreter exits: `atexit` is where programs unload their models."""

import subprocess
import sys

import pytest
from sdk_tests.host_packets import predicted, tool_call
from sdk_tests.scripted_host import ScriptedHost, scripted_host
from sdk_tests.sdk_releases import known_bug

START = """\
import atexit, lmstudio
lmstudio.configure_default_client({address!r})
"""


def output_of(source: str, host: ScriptedHost) -> str:
    """Return what a program prints that uses the default client of a host."""
    program = START.format(address=host.address) + source
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


@pytest.mark.parametrize(
    "source",
    [
        "model = lmstudio.llm('my-key')\natexit.register(lambda: model.unload())\n",
        "atexit.register(lambda: model.unload())\nmodel = lmstudio.llm('my-key')\n",
    ],
    ids=["after-the-client", "before-the-client"],
)
@pytest.mark.slow
def test_model_is_unloaded_at_exit(source: str) -> None:
    """A handler can unload a model, whether it was registered after or before the first use."""
    with scripted_host() as host:
        assert output_of(source, host) == ""
        assert [each.endpoint for each in host.received] == ["getOrLoad", "unloadModel"]


@pytest.mark.slow
def test_prediction_at_exit() -> None:
    """A handler can run a prediction on a model that the program has used."""
    source = """\
model = lmstudio.llm('my-key')
atexit.register(lambda: print(model.respond('Bye').content))
"""
    with scripted_host() as host:
        assert output_of(source, host) == "ok\n"


@pytest.mark.slow
def test_first_use_at_exit() -> None:
    """A handler can be the first to use the default client."""
    source = "atexit.register(lambda: print(len(lmstudio.list_loaded_models('llm'))))\n"
    with scripted_host() as host:
        assert output_of(source, host) == "1\n"
        assert [each.endpoint for each in host.received] == ["listLoaded"]


@known_bug(
    "act() in an atexit handler fails as soon as the model calls a tool, with a bare RuntimeError:"
    " tools run in a thread pool even one at a time, and Python starts no thread in a pool by then."
)
@pytest.mark.slow
def test_tools_at_exit() -> None:
    """A handler must be able to offer tools to a model."""
    source = """\
def add(a: int, b: int) -> int:
    'Add two numbers.'
    return a + b

model = lmstudio.llm('my-key')
atexit.register(lambda: print(model.act('Bye', [add]).rounds))
"""
    with scripted_host([tool_call("add", {"a": 1, "b": 2}), predicted()]) as host:
        assert output_of(source, host) == "2\n"

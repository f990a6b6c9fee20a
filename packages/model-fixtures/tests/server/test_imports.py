"""What the start of a server need not wait for."""

import subprocess
import sys


def test_server_starts_without_gguf_and_numpy() -> None:
    """These take half a second to import, and only making or estimating weights needs them."""
    code = """
import sys
import model_fixtures.server.serve
print(sorted({"gguf", "numpy"} & sys.modules.keys()))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"

"""What the plugin costs a run that uses none of its fixtures."""

from __future__ import annotations

from .conftest import Suite

MOST_MODULES = 30


def test_modules_of_a_run_that_uses_nothing(project: Suite) -> None:
    """A run of one trivial test imports at most 30 modules more than without the plugin."""
    project.write("""
        import sys
        from pathlib import Path

        def test_modules():
            Path(f"modules-{int('model_fixtures' in sys.modules)}").write_text(
                "\\n".join(sorted(sys.modules))
            )
    """)
    without = project.run("-p", "no:model_fixtures", "-p", "no:xdist")
    with_plugin = project.run("-p", "no:xdist")
    assert (without.code, with_plugin.code) == (0, 0), without.text + with_plugin.text
    bare, loaded = (set(text.split()) for text in project.written("modules-*"))
    added = loaded - bare
    assert len(added) <= MOST_MODULES, sorted(added)
    # These take long, and only a host needs them.
    heavy = {"anyio", "httpx", "msgspec", "numpy", "websockets", "asyncio", "lmstudio"}
    assert not heavy & added

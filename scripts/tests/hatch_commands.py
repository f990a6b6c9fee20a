"""Commands for Hatch that documents and workflows have, looked up in hatch.toml."""

from __future__ import annotations

import sys
from typing import Any

from suite_command import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENTS: dict[str, Any] = tomllib.loads((ROOT / "hatch.toml").read_text(encoding="utf-8"))[
    "envs"
]
KNOWN_TO_HATCH = {"test", "fmt", "build", "env"}  # commands of its own that are used


def scripts_of(environment: str) -> dict[str, str]:
    """Return the scripts of an environment, those of its template among them."""
    table = ENVIRONMENTS[environment]
    inherited = scripts_of(table["template"]) if "template" in table else {}
    own: dict[str, str] = table.get("scripts", {})
    return inherited | own


def check_command(words: list[str]) -> None:
    """Check that a command for Hatch, without the word `hatch`, names what hatch.toml has."""
    if words[0] in KNOWN_TO_HATCH:
        return
    assert words[0] == "run"
    selected, name = (words[1], words[2]) if words[1].startswith("+") else ("", words[1])
    environment, _, script = name.partition(":")
    assert script == "python" or script in scripts_of(environment), name
    if selected:
        variable, _, values = selected[1:].partition("=")
        (matrix,) = ENVIRONMENTS[environment]["matrix"]
        known = matrix["python" if variable == "py" else variable]
        assert set(values.split(",")) <= set(known), selected

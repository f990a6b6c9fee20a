"""What a server for tests can be told."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path

from model_fixtures.api_token import token_parts
from model_fixtures.catalog import CATALOG_VARIABLE, MODELS_VARIABLE

from .errors import ServerOptionsError


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """The options of a server for tests; the fixture `lmstudio_server_options` returns them.

    Args:
        token: the API token that clients must have, `sk-lm-` with 8 letters or digits, a colon and
            20 more; None lets everybody in.
        catalog: a TOML file that changes the test models or adds some.
        models_folder: a folder laid out like LM Studio's models: GGUF files in it answer in place
            of the stand-ins.
        threads: CPU threads of each loaded model.
        answer_unknown: whether calls that do not exist get an error. LM Studio answers with a
            warning only, and the caller waits until its own time-out.

    Raises:
        ServerOptionsError: a value makes no sense.
    """

    token: str | None = None
    catalog: str | os.PathLike[str] | None = None
    models_folder: str | os.PathLike[str] | None = None
    threads: int | None = None
    answer_unknown: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        if self.token is not None and token_parts(self.token) is None:
            raise ServerOptionsError(
                "the token has another form than sk-lm-<8 letters or digits>:<20 letters or digits>"
            )
        if self.threads is not None and self.threads < 1:
            raise ServerOptionsError(f"threads is {self.threads}: a model needs at least one")

    def __repr__(self) -> str:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        values["token"] = None if self.token is None else "***"
        given = ", ".join(f"{name}={value!r}" for name, value in values.items() if value)
        return f"ServerOptions({given})"

    def arguments(self) -> list[str]:
        """Return the options of `python -m model_fixtures serve`."""
        threads = [] if self.threads is None else ["--threads", str(self.threads)]
        return [*threads, *(["--answer-unknown"] if self.answer_unknown else [])]

    def environ(self) -> dict[str, str]:
        """Return this process's environment with the variables that say which models there are."""
        environ = dict(os.environ)
        for variable, value in (
            (CATALOG_VARIABLE, self.catalog),
            (MODELS_VARIABLE, self.models_folder),
        ):
            if value is not None:
                environ[variable] = str(Path(value).absolute())
        return environ

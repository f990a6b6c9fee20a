"""The address of a host, as fixtures and `serve` hand it out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Host(str):
    """The address of an LM Studio host: a text `host:port`, as `lmstudio.Client` takes it."""

    __slots__ = ("token",)

    token: str | None
    """The API token that clients need; None if they need none, or it is not known here."""

    def __new__(cls, address: str, token: str | None = None) -> Host:
        """Make the address of a host with an API token."""
        host = super().__new__(cls, address)
        host.token = token
        return host

    @property
    def url(self) -> str:
        """The URL of the REST routes, `http://host:port`: OpenAI's clients take `url + "/v1"`."""
        return f"http://{self}"

    @contextmanager
    def as_default(self) -> Iterator[Host]:
        """Make this host the one that `lmstudio.Client()` and `lmstudio.llm()` find in the block.

        Environment variables name it, too: `LMSTUDIO_API_HOST`, and `LMSTUDIO_API_TOKEN` if it
        needs a token. What was set before is set again after the block.
        """
        from .default_host import default_host

        with default_host(self, self.token):
            yield self

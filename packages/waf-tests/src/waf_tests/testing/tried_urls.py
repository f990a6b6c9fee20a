"""The URLs that the clients of a test have tried, as they were written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

TRIED = pytest.StashKey[list[str]]()


def record_tried_urls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which the URL of each probe and websocket is added from now on."""
    tried: list[str] = []
    for client_class in (httpx.Client, httpx.AsyncClient):
        monkeypatch.setattr(client_class, "build_request", _recording(client_class, tried))
    return tried


def _recording(client_class: Any, tried: list[str]) -> Callable[..., httpx.Request]:
    build: Callable[..., httpx.Request] = client_class.build_request

    def build_request(
        self: object, method: str, url: httpx.URL | str, **options: Any
    ) -> httpx.Request:
        tried.append(str(url))
        return build(self, method, url, **options)

    return build_request


def add_tried_urls(report: pytest.TestReport, tried: list[str]) -> None:
    """Add the URLs to the report, and the last one to its line in the summary."""
    report.sections.append(("URLs that were tried", "\n".join(tried)))
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        first, *others = crash.message.splitlines()
        crash.message = "\n".join([f"{first} [tried {tried[-1]}]", *others])

"""The connection to LM Studio, which is opened again after it was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

import httpx
import lmstudio as lms

from .errors import AssistantError, ConnectionLost

T = TypeVar("T")


class Connection:
    """A connection to a host, opened when it is first needed; use it in a `with` block.

    Args:
        host: `host:port`; None finds LM Studio on this machine.
        patience: the longest silence of the host in seconds, while an answer is awaited.
    """

    def __init__(self, host: str | None = None, patience: float = 120) -> None:
        self._host = host
        self._patience = patience
        self._client: lms.Client | None = None
        self._other_patience = lms.get_sync_api_timeout()

    def __enter__(self) -> Connection:
        # The SDK has one time-out for the whole process, so it is set back at the end.
        self._other_patience = lms.get_sync_api_timeout()
        lms.set_sync_api_timeout(self._patience)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        lms.set_sync_api_timeout(self._other_patience)
        self._close()

    @contextmanager
    def client(self) -> Iterator[lms.Client]:
        """Provide the SDK's client in the block, connected.

        Raises:
            ConnectionLost: the connection broke in the block. The next block has a new one.
            AssistantError: no host answers, it is silent for too long, or it reports an error.
        """
        if self._client is None:
            self._client = self._open()
        try:
            yield self._client
        except lms.LMStudioWebsocketError:
            self._close()
            raise ConnectionLost("the connection to LM Studio was lost") from None
        except lms.LMStudioTimeoutError:
            self._close()
            raise AssistantError(
                f"LM Studio has said nothing for {self._patience:g} s: see what it is doing,"
                " or wait longer with --patience"
            ) from None
        except lms.LMStudioModelNotFoundError as error:
            raise AssistantError(f"LM Studio lacks this model: {_first_line(error)}") from None
        except lms.LMStudioError as error:
            raise AssistantError(f"LM Studio reports: {_first_line(error)}") from None
        except (GeneratorExit, KeyboardInterrupt):
            # Somebody does not want the rest of an answer. Without a connection the host stops.
            self._close()
            raise

    def ask(self, question: Callable[[lms.Client], T]) -> T:
        """Return what `question` returns, and ask again if the connection is lost meanwhile.

        This is for what may be done twice without harm. A connection is often found to be lost
        only when it is used again: the computer slept, or LM Studio was restarted.

        Raises:
            AssistantError: as for `client`; ConnectionLost only if it was lost twice.
        """
        try:
            with self.client() as client:
                return question(client)
        except ConnectionLost:
            with self.client() as client:
                return question(client)

    def _open(self) -> lms.Client:
        client = lms.Client(self._host)
        try:
            return client.__enter__()
        except (lms.LMStudioError, httpx.HTTPError):  # the latter from hosts that do not speak HTTP
            client.close()
            where = "on this machine" if self._host is None else f"at {self._host}"
            raise AssistantError(
                f"no LM Studio answers {where}: start its server, or name another with --host"
            ) from None

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

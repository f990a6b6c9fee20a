"""What a client is told about an error that ended its request."""

from __future__ import annotations

import errno
import logging

from .errors import ExplainedError
from .protocol.errors import ServerError

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

logger = logging.getLogger("model_fixtures.server")


class ExhaustedError(ServerError):
    """The system has no handle or memory left for a request."""


def is_exhaustion(error: object) -> bool:
    """Return whether an error says that the system had no handle or memory left."""
    return isinstance(error, OSError) and error.errno in _EXHAUSTED


def client_error(error: Exception, endpoint: str) -> ServerError:
    """Return the error that the client gets, and log one that was not expected.

    Args:
        error: what ended the request.
        endpoint: what the client asked for, as the log is to call it.
    """
    error = without_groups(error)
    if isinstance(error, ServerError):
        return error
    if isinstance(error, ExplainedError):
        return ServerError(error.title, cause=error.cause, suggestion=error.suggestion)
    if is_exhaustion(error):
        logger.warning("%s failed: %s", endpoint, error)
        return ExhaustedError(
            f"The server has no handle or memory left for {endpoint}: {error}",
            suggestion="Close connections, or raise the limit of open files (ulimit -n)",
        )
    logger.error("%s failed", endpoint, exc_info=error)
    return ServerError(f"Internal error in {endpoint}; see the server's log")


def without_groups(error: Exception) -> Exception:
    """Return the only error of a group: a task group wraps even a single one."""
    errors: tuple[Exception, ...] = getattr(error, "exceptions", ())
    return without_groups(errors[0]) if len(errors) == 1 else error

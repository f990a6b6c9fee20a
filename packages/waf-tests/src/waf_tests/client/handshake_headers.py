"""The headers of every handshake: merged by name, checked before anything is sent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from lmstudio import LMStudioValueError

from waf_tests.key_validation import value_fault
from waf_tests.secret import hidden

from .setting_names_in_errors import PARAMETERS, SettingNames

API_KEY_HEADER = "X-API-Key"
API_KEY_VARIABLE = "LMSTUDIO_X_API_KEY"
API_TOKEN_VARIABLE = "LMSTUDIO_API_TOKEN"  # noqa: S105 - the name of a variable

_TOKEN = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")

# What the handshake itself decides; a second value of these would be a smuggled request.
_RESERVED = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class HandshakeHeaders(Mapping[str, str]):
    """Header names to values; the values are secrets and are not shown."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Keep a copy of `headers`."""
        self._headers = dict(headers)

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return f"HandshakeHeaders({', '.join(f'{name}: ***' for name in self._headers)})"


def handshake_headers(
    http_headers: Mapping[str, str] | None,
    x_api_key: str | None,
    names: SettingNames = PARAMETERS,
) -> HandshakeHeaders:
    """Merge the parameters and the environment into one header per name.

    The value of X-API-Key is the first that is given and not empty: `x_api_key`, then
    `http_headers` (any case of the name; the last of several), then LMSTUDIO_X_API_KEY.
    Empty values are left out. Raises LMStudioValueError, without any value in it, for names and
    values that HTTP does not allow or that belong to the handshake; `names` are for its message.
    """
    __tracebackhide__ = True  # test reports print arguments, and these are keys
    merged: dict[str, tuple[str, str]] = {}
    for position, (name, value) in enumerate((http_headers or {}).items(), start=1):
        _check_name(name, position)
        _check_value(value, names.header_value(name))
        if value:
            shown = API_KEY_HEADER if name.lower() == API_KEY_HEADER.lower() else name
            merged[name.lower()] = (shown, value)
    _check_value(x_api_key, names.x_api_key)
    if x_api_key:
        merged[API_KEY_HEADER.lower()] = (API_KEY_HEADER, x_api_key)
    elif API_KEY_HEADER.lower() not in merged:
        from_environment = hidden(os.environ.get(API_KEY_VARIABLE))
        _check_value(from_environment, f"the environment variable {API_KEY_VARIABLE}")
        if from_environment:
            merged[API_KEY_HEADER.lower()] = (API_KEY_HEADER, from_environment)
    return HandshakeHeaders(dict(merged.values()))


def _check_name(name: object, position: int) -> None:
    __tracebackhide__ = True
    if not isinstance(name, str) or not _TOKEN.match(name):
        # The name is not repeated: a whole header line, key included, may have landed in it.
        raise LMStudioValueError(
            f"http_headers: name number {position} is not a header name; "
            "use ASCII letters, digits and '-', with no blanks, colons or line breaks"
        )
    if name.lower() in _RESERVED or name.lower().startswith("sec-websocket-"):
        raise LMStudioValueError(f"http_headers: {name} is set by the connection; leave it out")


def _check_value(value: object, what: str) -> None:
    __tracebackhide__ = True
    if value is None or value == "":
        return
    if not isinstance(value, str):
        raise LMStudioValueError(f"{what} must be a str, not {type(value).__name__}")
    fault = value_fault(value)
    if fault is not None:
        raise LMStudioValueError(f"{what} {fault}")

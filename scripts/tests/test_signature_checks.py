"""Which signatures count as one that callers rely on."""

from collections.abc import Callable
from typing import Any

import pytest
from sdk_tests.signature_checks import assert_takes

NAMES = ["host", "token", "preset"]


@pytest.mark.parametrize(
    "function",
    [
        lambda host, token=None, *, preset=None: None,
        lambda host, token=None, timeout=None, *, preset=None: None,
        lambda host, token=None, *, timeout=None, preset=None: None,
        lambda host, token=None, *more, preset=None, **options: None,
        lambda host, token, /, *, preset: None,
    ],
    ids=["same", "one-more", "one-more-by-name", "any", "required"],
)
def test_callers_notice_nothing(function: Callable[..., Any]) -> None:
    """A parameter more is right if callers who do not know it can go on as before."""
    assert_takes(function, NAMES)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda host, *, preset=None: None, "instead of"),
        (lambda token, host, *, preset=None: None, "instead of"),
        (lambda host, token, *, preset=None, timeout: None, r"requires more .*: \['timeout'\]"),
        (lambda host, timeout=None, token=None, *, preset=None: None, "moved"),
        (lambda *given, **options: None, "instead of"),
    ],
    ids=["one-less", "other-order", "one-more-required", "one-more-between", "hidden"],
)
def test_callers_break(function: Callable[..., Any], message: str) -> None:
    """A parameter that is gone, has moved or must be given from now on is a failure."""
    with pytest.raises(AssertionError, match=message):
        assert_takes(function, NAMES)

"""Keys that a firewall must refuse although they are nearly right."""

from __future__ import annotations

from waf_tests.secret import Secret


def almost_right(key: Secret) -> Secret:
    """Return the key in swapped case; if it has no letters, with another last character."""
    swapped = Secret(key.reveal().swapcase())
    if swapped != key:
        return swapped
    return Secret(key.reveal()[:-1] + ("1" if key.reveal().endswith("0") else "0"))

"""Keys that a firewall must refuse, as close to the right one as can be."""

from __future__ import annotations

from waf_tests.secret import Secret


def almost(key: Secret) -> Secret:
    """Return a key that differs in the case of its letters; without letters, in its last sign."""
    swapped = Secret(key.reveal().swapcase())
    if swapped != key:
        return swapped
    return Secret(key.reveal()[:-1] + ("1" if key.reveal().endswith("0") else "0"))

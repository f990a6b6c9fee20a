"""Names and addresses of hosts."""

from __future__ import annotations

import pytest
from model_fixtures.server.transport.parse_host_names import host_of_option


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("LM.Example.com", "lm.example.com"),
        ("lm.example.com.", "lm.example.com"),
        ("my_host", "my_host"),
        ("192.168.1.5", "192.168.1.5"),
        ("2001:DB8:0::2", "2001:db8::2"),
        ("[2001:db8::2]", "2001:db8::2"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("", None),
        ("lm.example.com:1234", None),
        ("[2001:db8::2]:1234", None),
        ("https://lm.example.com", None),
        ("lm.example.com/", None),
        ("lm..example.com", None),
        ("*", None),
        ("*.example.com", None),
        ("münchen.example", None),
        ("a b", None),
        ("localhost\n", None),
    ],
)
def test_host_of_option(text: str, host: str | None) -> None:
    """A name or an address is returned in one spelling; anything else is refused."""
    assert host_of_option(text) == host

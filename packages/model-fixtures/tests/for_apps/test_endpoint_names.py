"""The names that faults and the wire know, against the server and the SDK's schema."""

from __future__ import annotations

import re

import msgspec
import pytest
from lmstudio import _sdk_models
from model_fixtures.for_apps.endpoint_names import (
    CALLS,
    CHANNELS,
    check_packet,
    endpoints,
    split_endpoint,
)
from model_fixtures.for_apps.errors import FaultError
from model_fixtures.server.namespaces import NAMESPACES

PACKET = re.compile(
    r"(Diagnostics|Embedding|Files|Llm|Plugins|Repository|Runtime|System)Channel"
    r"(\w+)ToClientPacket(\w+)(?<!Dict)"
)


def test_the_calls_are_those_of_the_server() -> None:
    """Every call of the embedded server can be named, and no other."""
    served = {name: set(each.rpcs) for name, each in NAMESPACES.items() if each.rpcs}
    assert {name: set(calls) for name, calls in CALLS.items()} == served


def test_the_channels_are_those_of_the_server() -> None:
    """Every channel of the embedded server can be named, and no other."""
    served = {name: set(each.channels) for name, each in NAMESPACES.items() if each.channels}
    assert {name: set(channels) for name, channels in CHANNELS.items()} == served


def test_the_packets_are_those_of_the_sdk() -> None:
    """Every packet that the SDK's schema has for a channel can be named."""
    found = 0
    for name in dir(_sdk_models):
        match = PACKET.fullmatch(name)
        if match is None:
            continue
        schema = getattr(_sdk_models, name)
        if not isinstance(schema, type) or not issubclass(schema, msgspec.Struct):
            continue
        # A packet without others beside it has no tag, but the name has it.
        packet = schema.__struct_config__.tag or _without_capital(match[3])
        assert packet in CHANNELS[match[1].lower()][_without_capital(match[2])], name
        found += 1
    assert found > 40


def _without_capital(name: str) -> str:
    return name[0].lower() + name[1:]


def test_endpoints_have_a_short_and_a_full_name() -> None:
    """An endpoint may be written with and without its namespace."""
    assert split_endpoint("llm.predict") == ("llm", "predict")
    assert split_endpoint("predict") == (None, "predict")
    assert {"predict", "llm.predict", "system.listDownloadedModels"} <= set(endpoints())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("predictt", "no endpoint 'predictt': did you mean predict?"),
        ("PREDICT", "no endpoint 'PREDICT': did you mean predict?"),
        ("embedding.predict", "no endpoint 'embedding.predict': did you mean "),
    ],
)
def test_unknown_endpoints_are_refused_with_suggestions(name: str, message: str) -> None:
    """A mistyped endpoint is an error that names the right one."""
    with pytest.raises(FaultError) as caught:
        split_endpoint(name)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("endpoint", "packet", "message"),
    [
        ("predict", "fragmnt", "no packet of predict 'fragmnt': did you mean fragment?"),
        (
            "embedString",
            "fragment",
            "no packet of embedString 'fragment': choose from rpcResult, rpcError",
        ),
    ],
)
def test_unknown_packets_are_refused(endpoint: str, packet: str, message: str) -> None:
    """A packet that an endpoint does not have is an error that names those it has."""
    with pytest.raises(FaultError, match=re.escape(message)):
        check_packet(endpoint, packet)


@pytest.mark.parametrize(
    ("endpoint", "packet"),
    [
        ("predict", "fragment"),
        ("llm.predict", "channelClose"),
        ("listLoaded", "rpcResult"),
        ("embedding.getOrLoad", "loadSuccess"),
    ],
)
def test_known_packets_are_accepted(endpoint: str, packet: str) -> None:
    """Packets and the ends of calls and channels can be named."""
    check_packet(endpoint, packet)

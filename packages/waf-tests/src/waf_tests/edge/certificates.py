"""Throw-away certificates: a CA that exists as long as one edge does."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import trustme


@dataclass(frozen=True)
class ServerCertificate:
    """A server certificate with its private key and the CA that signed it, all in PEM.

    `name` is the first name for which it is valid.
    """

    name: str
    ca: str
    certificate: str
    private_key: str = field(repr=False)


def issue(*names: str, not_after: datetime | None = None) -> ServerCertificate:
    """Make a CA and let it sign one certificate for these host names and IP addresses.

    `not_after` is when the certificate expires; None is later than any test runs.
    """
    ca = trustme.CA(organization_name="waf-tests throw-away CA")
    leaf = ca.issue_cert(*names, not_after=not_after)
    return ServerCertificate(
        name=names[0],
        ca=ca.cert_pem.bytes().decode("ascii"),
        certificate="".join(blob.bytes().decode("ascii") for blob in leaf.cert_chain_pems),
        private_key=leaf.private_key_pem.bytes().decode("ascii"),
    )

"""A real TLS edge with a firewall rule, for tests without a cloud account."""

from .edge import DEFAULT_HOST, Edge
from .errors import EdgeError

__all__ = ["DEFAULT_HOST", "Edge", "EdgeError"]

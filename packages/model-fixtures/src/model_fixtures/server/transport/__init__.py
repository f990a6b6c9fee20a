"""Sockets: HTTP routes, websockets, ports."""

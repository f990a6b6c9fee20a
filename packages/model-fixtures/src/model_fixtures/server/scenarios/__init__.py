"""Faults on purpose, for one client at a time; off unless the server was started with it.

`docs/scenarios.md` describes the control endpoint.
"""

"""Errors of the edge."""

from __future__ import annotations


class EdgeError(Exception):
    """The edge cannot be run; one line that says what to do."""

"""Test models, hosts and an embedded LM Studio-compatible server."""

DISTRIBUTION = "lmstudio-model-fixtures"
"""The name of this package on a package index."""

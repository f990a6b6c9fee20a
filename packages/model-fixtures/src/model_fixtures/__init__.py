"""Test models, hosts and an embedded LM Studio-compatible server."""

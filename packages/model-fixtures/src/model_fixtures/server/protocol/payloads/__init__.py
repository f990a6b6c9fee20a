"""Payloads of calls and channels, one module for each namespace that has its own."""

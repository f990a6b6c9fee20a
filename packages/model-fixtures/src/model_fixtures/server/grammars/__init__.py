"""Grammars that hold a model to a form: JSON schemas, GBNF and tool calls, for llama.cpp."""

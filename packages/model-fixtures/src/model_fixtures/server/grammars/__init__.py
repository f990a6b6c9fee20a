"""Grammars that constrain a model's output: JSON schemas, GBNF and tool calls, for llama.cpp."""

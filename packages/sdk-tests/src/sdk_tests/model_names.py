"""The suite's models by their keys, under which `loaded_models` has all but the last loaded."""

LLM_KEY = "llama-3.2-1b-instruct"
"""For tests that any LLM passes."""
LLM_NAME = "hugging-quants/llama-3.2-1b-instruct"
"""Another name of the same model: publisher/name."""
PLAIN_LLM_KEY = "qwen2.5-7b-instruct-1m"
"""An LLM without begin-of-text token: the tokens of a text are those of a prompt."""
TOOL_LLM_KEY = PLAIN_LLM_KEY
"""An LLM trained to call tools. It reads no images."""
VISION_LLM_KEY = "mobilevlm_v2-1.7b"
"""An LLM that reads images."""
EMBEDDING_KEY = "text-embedding-nomic-embed-text-v1.5"
EMBEDDING_NAME = "nomic-ai/nomic-embed-text-v1.5"
"""Another name of the same model: publisher/name."""
DIMENSIONS = 768
"""Of the embedding model's vectors."""
JIT_LLM_KEY = "smollm2-135m-instruct"
"""Not loaded: tests load it just in time."""

REQUIRED = {LLM_KEY, PLAIN_LLM_KEY, VISION_LLM_KEY, EMBEDDING_KEY}
"""What `loaded_models` loads."""
EXPECTED = REQUIRED | {JIT_LLM_KEY}
"""What a host has downloaded."""

UNKNOWN = "no-such-model"
"""The name of no model."""

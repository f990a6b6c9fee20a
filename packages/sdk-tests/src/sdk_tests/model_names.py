"""The suite's models by their keys, which are also the identifiers of the loaded ones."""

LLM_KEY = "llama-3.2-1b-instruct"
"""An LLM for tests that any LLM passes."""
LLM_NAME = "hugging-quants/llama-3.2-1b-instruct"
"""The same LLM as publisher/name."""
PLAIN_LLM_KEY = "qwen2.5-7b-instruct-1m"
"""An LLM without a begin-of-text token: a text has the same tokens alone and as a prompt."""
TOOL_LLM_KEY = PLAIN_LLM_KEY
"""An LLM that was trained to call tools and does not accept images."""
VISION_LLM_KEY = "mobilevlm_v2-1.7b"
"""An LLM that accepts images."""
EMBEDDING_KEY = "text-embedding-nomic-embed-text-v1.5"
EMBEDDING_NAME = "nomic-ai/nomic-embed-text-v1.5"
"""The same embedding model as publisher/name."""
DIMENSIONS = 768
"""The number of dimensions of the embedding model's vectors."""
JIT_LLM_KEY = "smollm2-135m-instruct"
"""An LLM that is downloaded but not loaded: tests load it just in time."""

REQUIRED = {LLM_KEY, PLAIN_LLM_KEY, VISION_LLM_KEY, EMBEDDING_KEY}
"""The models that the fixture `loaded_models` loads."""
EXPECTED = REQUIRED | {JIT_LLM_KEY}
"""The models that a host has downloaded."""

UNKNOWN = "no-such-model"
"""A name that no model has."""

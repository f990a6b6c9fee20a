"""An assistant for a small help desk, on the LM Studio Python SDK."""

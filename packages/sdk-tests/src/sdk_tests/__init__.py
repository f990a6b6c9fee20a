"""What the tests of the LM Studio Python SDK share: sample schemas, prompts, log capture."""

"""What the tests of the LM Studio Python SDK share: fixtures, hosts, packets, prompts, checks."""

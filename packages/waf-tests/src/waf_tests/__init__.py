"""The LM Studio Python SDK behind a web application firewall."""

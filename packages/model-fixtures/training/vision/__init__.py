"""The vision stand-in: a small projector with which SmolLM2-135M-Instruct sees drawn figures."""

"""Training of the vision stand-in: a tiny projector that lets SmolLM2-135M-Instruct see figures."""

"""Inference: llama.cpp in one worker process for each loaded instance."""

"""REST beside the websockets: OpenAI's routes, answered by llama.cpp, and lists of models."""

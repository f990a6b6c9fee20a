"""REST beside the websockets: OpenAI's routes and LM Studio's own."""

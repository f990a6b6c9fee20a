"""Training of the chat adapter: a stand-in that repeats, recalls and formats as it is told."""

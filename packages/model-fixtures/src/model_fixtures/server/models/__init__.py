"""Which models are downloaded and which are loaded."""

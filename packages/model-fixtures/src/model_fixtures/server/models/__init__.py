"""The models of a server: which are downloaded, which are loaded, and how they are loaded."""

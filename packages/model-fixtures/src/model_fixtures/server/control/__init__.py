"""HTTP routes with which tests control a server; there only when it was started for that."""

"""One prediction from the request to the packets."""

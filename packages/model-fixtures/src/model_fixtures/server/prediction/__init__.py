"""One prediction from the request to the packets: build it, stream it, collect it, count it."""

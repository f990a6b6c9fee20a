"""What the tests share: a recording origin, raw requests, and the table of attacks."""

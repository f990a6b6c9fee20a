"""For each endpoint that the SDK's source names, a test that reaches it.

`scripts/endpoints.py` prints the table; the suite fails a test that is named here and does not
reach its endpoint, and the project's own tests fail when an endpoint is missing.
"""

EXERCISED_BY: dict[str, str] = {}

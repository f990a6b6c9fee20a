"""The SDK's loggers whose names are the same in the async and the sync API."""

WEBSOCKET_LOGGER = "AsyncWebsocketHandler"
"""The logger of the connection that sends and receives; the sync API runs it in a thread."""

"""Which tests execute what has changed in the SDK, for `hatch run local:changed`."""

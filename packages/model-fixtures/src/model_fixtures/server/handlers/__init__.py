"""What the handlers of all namespaces get, and those that several namespaces share."""

"""An LM Studio-compatible server with real inference; `serve.serve` starts it.

Data flows one way: transport, protocol, namespaces, registry, engine. Nothing is imported here:
each worker process imports this package and is to start fast.
"""

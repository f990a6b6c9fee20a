"""An LM Studio-compatible server with real inference; `serve.serve` starts it.

Data flows one way: transport, protocol, namespaces, prediction, models, engine. Nothing is imported
here: each worker process imports this package and must start fast.
"""

"""Training of the tool-use adapter: data, model, training, export and evaluation.

Run from ``packages/model-fixtures``: ``python -m training.tool_use.train_adapter --help``.
"""

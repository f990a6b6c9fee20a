"""The tool-use adapter: its training data, model, training, export and evaluation.

``python -m training.tool_use`` runs all stages; each also runs alone, from
``packages/model-fixtures``, for example ``python -m training.tool_use.train_adapter --help``.
"""

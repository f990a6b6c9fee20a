"""The chat adapter, which repeats, recalls and formats as it is told.

This folder has its training data and its evaluation. ``python -m training.chat`` runs all stages;
each also runs alone, from ``packages/model-fixtures``. ``training.tool_use`` has the model, the
training and the export.
"""

"""Training of the tool-use adapter: data, model, training, export and evaluation.

Run from ``packages/model-fixtures``, for example ``python -m training.tools.train --help``.
"""

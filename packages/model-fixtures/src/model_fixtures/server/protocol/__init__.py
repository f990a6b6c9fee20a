"""The wire protocol as plain code: no sockets, no clocks, no tasks.

Source: the messages that the `lmstudio` SDK sends and accepts (`json_api.py`, `_sdk_models`).
"""

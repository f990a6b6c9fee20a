"""Payloads of the `embedding` namespace, beside those that it shares with `llm`."""

from __future__ import annotations

from msgspec import Struct

from .models import Specifier


class EmbedString(Struct, rename="camel"):
    """Parameter of `embedString`; the specifier has another name here."""

    model_specifier: Specifier
    input_string: str

"""Payloads of the `files` namespace."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from model_fixtures.server.protocol.kv_config import Config


class UploadFile(Struct, rename="camel"):
    """Parameter of `uploadFileBase64`."""

    name: str
    content_base64: str


class FileName(Struct, rename="camel"):
    """Parameter of `getLocalFileAbsolutePath`."""

    file_name: str


class FileIdentifier(Struct, rename="camel"):
    """Parameter of `getDocumentParsingLibrary`."""

    file_identifier: str


class ParserId(Struct):
    """A parser and its version."""

    library: str
    version: str


class ParseOptions(Struct, rename="camel"):
    """Options of `parseDocument`."""

    parser_id: ParserId | UnsetType = UNSET


class ParseDocument(Struct, rename="camel"):
    """Creation parameter of `parseDocument`."""

    file_identifier: str
    parse_opts: ParseOptions


class Retrieve(Struct, rename="camel"):
    """Creation parameter of `retrieve`."""

    query: str
    file_identifiers: list[str]
    config: Config


class Stop(Struct):
    """The packet with which a client ends a retrieval or a log stream."""

    type: Literal["stop"]

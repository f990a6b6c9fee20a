"""Server errors: their text, their class and the details that they keep."""

from typing import Any

import pytest
from lmstudio import (
    LMStudioChannelClosedError,
    LMStudioModelNotFoundError,
    LMStudioPredictionError,
    LMStudioPresetNotFoundError,
    LMStudioServerError,
)
from sdk_tests.sdk_releases import SDK_1_6, known_bug


def test_message_without_details() -> None:
    """An error without server details has only its message as text."""
    error = LMStudioServerError("Authentication failed")
    assert str(error) == "Authentication failed"
    assert error.server_error is None
    assert error._raw_error is None


@pytest.mark.parametrize(
    ("details", "header"),
    [
        ({"title": "Disk full"}, "Disk full"),
        ({"title": "Disk full", "rootTitle": "Disk full"}, "Disk full"),
        ({"title": "Load failed", "rootTitle": "Disk full"}, "Disk full: Load failed"),
        ({"title": None, "rootTitle": "Disk full"}, "Disk full"),
        ({"title": ""}, "Unknown remote error"),
        ({}, "Unknown error"),
    ],
    ids=["title", "same-root", "other-root", "root-only", "empty-title", "nothing"],
)
def test_titles_alone_make_one_line(details: dict[str, Any], header: str) -> None:
    """An error with titles alone has one line: message, root title if it differs, and title."""
    assert str(LMStudioServerError.from_details("RPC error", details)) == f"RPC error: {header}"


spells_out_texts = known_bug(
    "The reported cause and the suggestion are written letter by letter, each on its own line.",
    fixed_in="1.5.0",
)


@spells_out_texts
def test_all_details_make_an_indented_block() -> None:
    """Each further detail gets an indented block with a heading, in a fixed order."""
    details = {
        "suggestion": "Delete something.",
        "cause": "No space left",
        "errorData": {"needed": 2, "free": 1},
        "displayData": {"code": "generic.other"},
        "title": "Load failed",
        "rootTitle": "Disk full",
    }
    expected = """Model load error: \n
  Disk full: Load failed

  Additional information from server:
    {
      "code": "generic.other"
    }

  Error details from server:
    {
      "free": 1,
      "needed": 2
    }

  Reported cause:
    No space left

  Suggested potential remedy:
    Delete something."""
    assert str(LMStudioServerError.from_details("Model load error", details)) == expected


@spells_out_texts
@pytest.mark.parametrize(
    ("key", "value", "heading"),
    [
        ("cause", "Too big", "Reported cause:"),
        ("suggestion", "Smaller!", "Suggested potential remedy:"),
    ],
)
def test_one_text_makes_one_block(key: str, value: str, heading: str) -> None:
    """A cause or a suggestion puts the title on its own line and adds only its own block."""
    error = LMStudioServerError.from_details("RPC error", {"title": "Bad", key: value})
    assert str(error) == f"RPC error: \n\n  Bad\n\n  {heading}\n    {value}"


@pytest.mark.parametrize(
    ("key", "value", "heading", "line"),
    [
        ("errorData", "text", "Error details from server:", '"text"'),
        ("displayData", "text", "Additional information from server:", '"text"'),
    ],
)
def test_one_detail_makes_one_block(key: str, value: str, heading: str, line: str) -> None:
    """A single further detail puts the title on its own line and adds only its own block."""
    error = LMStudioServerError.from_details("RPC error", {"title": "Bad", key: value})
    assert str(error) == f"RPC error: \n\n  Bad\n\n  {heading}\n    {line}"


def test_server_stack_is_dropped() -> None:
    """The server's stack trace is in neither the text nor the kept details."""
    error = LMStudioServerError.from_details("RPC error", {"title": "Bad", "stack": "at secret.js"})
    assert "secret" not in str(error)
    assert error._raw_error == {"title": "Bad"}
    assert error.server_error is not None
    assert error.server_error.stack is None


def test_details_are_kept() -> None:
    """An error keeps its parsed details and does not change the given dict."""
    details = {"title": "Bad", "errorData": {"a": 1}, "stack": "at x.js", "brandNew": True}
    error = LMStudioServerError.from_details("RPC error", details)
    assert error.server_error is not None
    assert error.server_error.title == "Bad"
    assert error.server_error.error_data == {"a": 1}
    assert error._raw_error == {"title": "Bad", "errorData": {"a": 1}, "brandNew": True}
    assert "stack" in details


@pytest.mark.parametrize(
    ("code", "error_class"),
    [
        ("generic.noModelMatchingQuery", LMStudioModelNotFoundError),
        ("generic.presetNotFound", LMStudioPresetNotFoundError),
        (
            "generic.pathNotFound",
            LMStudioModelNotFoundError if SDK_1_6 else LMStudioServerError,
        ),
        ("generic.identifierNotFound", LMStudioServerError),
        ("generic.specificModelUnloaded", LMStudioServerError),
        ("generic.domainMismatch", LMStudioServerError),
        ("generic.brandNew", LMStudioServerError),
    ],
)
def test_code_decides_the_class(code: str, error_class: type[LMStudioServerError]) -> None:
    """The code in the display data decides the class of the error, but not its text or details."""
    details = {"title": "Not found", "displayData": {"code": code}}
    error = LMStudioServerError.from_details("RPC error", details)
    assert type(error) is error_class
    assert str(error) == str(LMStudioServerError("RPC error", details))
    assert error._raw_error == details
    assert error.server_error is not None
    assert error.server_error.display_data == {"code": code}


def test_display_data_without_code_is_a_plain_error() -> None:
    """Display data without a code leads to the general class of server errors."""
    error = LMStudioServerError.from_details("RPC error", {"displayData": {"path": "x"}})
    assert type(error) is LMStudioServerError


@pytest.mark.parametrize("details", ["No token", ["Disk full"]], ids=["text", "list"])
@known_bug(
    "Error details that are not an object (an authentication failure is a plain string) end in a"
    " ValueError from dict() instead of the server's message.",
    raises=ValueError,
    fixed_in="1.6.0b1",
)
def test_details_that_are_no_object_become_the_cause(details: Any) -> None:
    """Details that are a text or a list are shown as the cause below a standard title."""
    error = LMStudioServerError.from_details("Authentication failed", details)
    assert type(error) is LMStudioServerError
    assert str(error) == (
        f"Authentication failed: \n\n  Server API error\n\n  Reported cause:\n    {details}"
    )


@pytest.mark.parametrize("details", [7, [7, 8]], ids=["number", "numbers"])
@known_bug(
    "1.6.0b1 catches only ValueError when it converts error details: a number or a list of"
    " numbers ends in a TypeError. 1.5.0 catches nothing.",
    raises=TypeError,
)
def test_numeric_details_become_the_cause(details: Any) -> None:
    """Details that are numbers must be shown as the cause, as a text is."""
    error = LMStudioServerError.from_details("RPC error", details)
    assert str(error).endswith(f"Reported cause:\n    {details}")


@known_bug(
    'dict() accepts a list of two-character strings: the error details ["no", "go"] are read as'
    ' {"n": "o", "g": "o"} and shown as an unknown error.',
)
def test_list_details_are_never_read_as_pairs() -> None:
    """Details that are a list must be shown, whatever the items look like."""
    details: Any = ["no", "go"]
    assert "['no', 'go']" in str(LMStudioServerError.from_details("RPC error", details))


def test_channel_closed_error_takes_a_message_only() -> None:
    """The error for a closed channel has only its message as text."""
    error = LMStudioChannelClosedError("Server failed to complete prediction.")
    assert str(error) == "Server failed to complete prediction."
    assert error.server_error is None


def test_prediction_error_formats_details() -> None:
    """The error for a failed prediction formats details like any server error."""
    error = LMStudioPredictionError("Prediction error", {"title": "Out of memory"})
    assert str(error) == "Prediction error: Out of memory"

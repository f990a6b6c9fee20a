"""What a plugin sends on the channels of its hooks, about tasks and sessions."""

from __future__ import annotations

from typing import Any, Literal, Union

from msgspec import UNSET, Struct, UnsetType

from .models import Message


class OfTask(Struct, tag_field="type", rename="camel"):
    """A packet about a task: a preprocessing, a prediction loop or a generation."""

    task_id: str


class TaskComplete(OfTask, tag="complete"):
    """The end of a task."""


class PreprocessingComplete(OfTask, tag="complete"):
    """The end of a preprocessing, with the message that replaces the user's."""

    processed: Message


class TaskAborted(OfTask, tag="aborted"):
    """The end of a task that the server has aborted."""


class TaskError(OfTask, tag="error"):
    """The end of a task that has failed."""

    error: dict[str, Any]


class FragmentOptions(Struct, rename="camel"):
    """What a generator says of a fragment."""

    token_count: int = 1
    contains_drafted: bool = False
    reasoning_type: Literal["none", "reasoning", "reasoningStartTag", "reasoningEndTag"] = "none"
    is_structural: bool = False


class FragmentGenerated(OfTask, tag="fragmentGenerated"):
    """A piece of generated text."""

    content: str
    opts: FragmentOptions


class ToolCallGenerationStarted(OfTask, tag="toolCallGenerationStarted"):
    """The start of a tool call that the generator asks for."""

    tool_call_id: str | UnsetType = UNSET


class ToolCallGenerationNameReceived(OfTask, tag="toolCallGenerationNameReceived"):
    """The name of the tool."""

    tool_name: str


class ToolCallGenerationArgumentFragmentGenerated(
    OfTask, tag="toolCallGenerationArgumentFragmentGenerated"
):
    """A piece of the arguments' JSON."""

    content: str


class ToolCallRequest(Struct):
    """A tool call that a generator asks for."""

    type: Literal["function"]
    name: str
    id: str | UnsetType = UNSET
    arguments: dict[str, Any] | UnsetType = UNSET


class ToolCallGenerationEnded(OfTask, tag="toolCallGenerationEnded"):
    """The whole tool call."""

    tool_call_request: ToolCallRequest


class ToolCallGenerationFailed(OfTask, tag="toolCallGenerationFailed"):
    """The end of a tool call that could not be generated."""

    error: dict[str, Any]


class OfSession(Struct, tag_field="type", rename="camel"):
    """A packet about a session with a tools provider."""

    session_id: str


class ToolFunction(Struct):
    """What a model is told of a tool."""

    name: str
    description: str | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET


class ToolDefinition(Struct):
    """A tool that a plugin provides."""

    type: Literal["function"]
    function: ToolFunction


class SessionInitialized(OfSession, tag="sessionInitialized"):
    """The start of a session, with the tools that it provides."""

    tool_definitions: list[ToolDefinition]


class SessionInitializationFailed(OfSession, tag="sessionInitializationFailed"):
    """The end of a session that could not start."""

    error: dict[str, Any]


class OfCall(OfSession):
    """A packet about a tool call."""

    call_id: str


class ToolCallComplete(OfCall, tag="toolCallComplete"):
    """The result of a tool call: any JSON value."""

    result: Any = UNSET


class ToolCallError(OfCall, tag="toolCallError"):
    """The end of a tool call that has failed."""

    error: dict[str, Any]


class ToolCallStatus(OfCall, tag="toolCallStatus"):
    """What a tool does just now."""

    status_text: str


class ToolCallWarn(OfCall, tag="toolCallWarn"):
    """A warning of a tool."""

    warn_text: str


# msgspec needs types.UnionType spelled so on Python 3.10.
PreprocessorPacket = Union[PreprocessingComplete, TaskAborted, TaskError]  # noqa: UP007
LoopHandlerPacket = Union[TaskComplete, TaskAborted, TaskError]  # noqa: UP007
GeneratorPacket = Union[  # noqa: UP007
    FragmentGenerated,
    ToolCallGenerationStarted,
    ToolCallGenerationNameReceived,
    ToolCallGenerationArgumentFragmentGenerated,
    ToolCallGenerationEnded,
    ToolCallGenerationFailed,
    TaskComplete,
    TaskAborted,
    TaskError,
]
ToolsProviderPacket = Union[  # noqa: UP007
    SessionInitialized,
    SessionInitializationFailed,
    ToolCallComplete,
    ToolCallError,
    ToolCallStatus,
    ToolCallWarn,
]
HookPacket = Union[OfTask, OfSession]  # noqa: UP007

"""Tool definitions: how functions, objects and dicts are announced to the model."""

import enum
import functools
from typing import Annotated, Any, Literal

import pytest
from lmstudio import Chat, LlmPredictionConfig, LMStudioValueError, ToolFunctionDef
from lmstudio.json_api import ChatResponseEndpoint
from msgspec import Meta
from sdk_tests.expected_items import Items
from sdk_tests.sdk_releases import known_bug, since


class Colour(enum.Enum):
    """An enumeration used as a parameter type."""

    RED = "red"


def search(first_name: str, limit: int = 5, *, order: Literal["up", "down"] = "up") -> list[str]:
    """Search for people."""
    return [first_name] * limit


def nothing() -> None:
    """Do nothing."""


async def wait(seconds: float) -> None:
    """Wait a little."""


def undocumented(text: str) -> None:  # noqa: D103  (the test needs it so)
    pass


SEARCH_SCHEMA = {
    "type": "object",
    "properties": {
        "first_name": {"type": "string"},
        "limit": {"type": "integer", "default": 5},
        "order": {"enum": ["down", "up"], "default": "up"},
    },
    "required": ["first_name"],
}


def announced(*tools: Any, config: Any = None) -> Items[Any]:
    """Return the tools as a prediction request announces them to the host."""
    llm_tools, client_tools = ChatResponseEndpoint.parse_tools(tools)
    endpoint = ChatResponseEndpoint(
        "model", Chat("Hi"), config=config, llm_tools=llm_tools, client_tool_map=client_tools
    )
    (layer,) = endpoint.creation_params["predictionConfigStack"]["layers"]
    fields = {field["key"]: field["value"] for field in layer["config"]["fields"]}
    setting: Any = fields["llm.prediction.tools"]
    assert setting["type"] == "toolArray"
    return Items(setting["tools"])


@since("1.5.0")
def test_function_is_announced_from_its_signature() -> None:
    """A function is announced with its name, docstring, annotations and defaults."""
    assert announced(search) == [
        {
            "type": "function",
            "function": {
                "name": "search",
                "description": "Search for people.",
                "parameters": SEARCH_SCHEMA,
            },
        }
    ]


def test_function_without_parameters() -> None:
    """A function without parameters is announced with an empty object schema."""
    (tool,) = announced(nothing)
    assert tool["function"]["parameters"] == {"type": "object", "properties": {}, "required": []}


def test_method_is_announced_without_self() -> None:
    """A bound method is announced without its `self` parameter."""

    class Counter:
        def add(self, amount: int) -> None:
            """Add something."""

    (tool,) = announced(Counter().add)
    assert list(tool["function"]["parameters"]["properties"]) == ["amount"]


def test_annotation_details_are_announced() -> None:
    """Constraints and descriptions in Annotated parameters are announced."""

    def roll(sides: Annotated[int, Meta(ge=2, description="Faces of the die")]) -> None:
        """Roll a die."""

    (tool,) = announced(roll)
    assert tool["function"]["parameters"]["properties"] == {
        "sides": {"type": "integer", "minimum": 2, "description": "Faces of the die"}
    }


def test_from_callable_overrides_name_and_description() -> None:
    """An explicit name and description replace the function's own."""
    definition = ToolFunctionDef.from_callable(search, name="find", description="Find people.")
    assert (definition.name, definition.description) == ("find", "Find people.")
    assert definition.implementation is search
    assert announced(definition)[0]["function"]["name"] == "find"


@since("1.5.0")
def test_explicit_definition_matches_the_function() -> None:
    """A ToolFunctionDef is announced like the function that it describes."""
    parameters: dict[str, Any] = {
        "first_name": str,
        "limit": {"type": int, "default": 5},
        "order": {"type": Literal["up", "down"], "default": "up"},
    }
    definition = ToolFunctionDef(
        name="search",
        description="Search for people.",
        parameters=parameters,
        implementation=search,
    )
    assert announced(definition) == announced(search)


@since("1.5.0")
def test_dict_definition_matches_the_function() -> None:
    """A dict definition is announced like the function that it describes."""
    definition = {
        "name": "search",
        "description": "Search for people.",
        "parameters": {
            "first_name": {"type": str},
            "limit": {"type": int, "default": 5},
            "order": {"type": Literal["up", "down"], "default": "up"},
        },
        "implementation": search,
    }
    assert announced(definition) == announced(search)


def test_incomplete_dict_definition_is_refused() -> None:
    """A dict definition without one of its four keys raises an error that names the missing key."""
    definition: Any = {"name": "search", "description": "Search.", "parameters": {}}
    with pytest.raises(TypeError, match="'implementation'"):
        ChatResponseEndpoint.parse_tools([definition])


@since("1.5.0")
def test_parameter_without_type_is_refused() -> None:
    """A parameter dict without a type raises an error that names it."""
    definition: Any = {
        "name": "search",
        "description": "Search.",
        "parameters": {"limit": {"default": 5}},
        "implementation": search,
    }
    with pytest.raises(TypeError, match=r"^Missing 'type' key .* {'default': 5}$"):
        ChatResponseEndpoint.parse_tools([definition])


def test_tools_keep_their_order() -> None:
    """Several tools of different kinds are announced in the order given."""
    tools = announced(search, ToolFunctionDef.from_callable(nothing))
    assert [tool["function"]["name"] for tool in tools] == ["search", "nothing"]


def test_missing_docstring_is_refused() -> None:
    """A function without a docstring is refused with an error that says so."""
    with pytest.raises(
        LMStudioValueError,
        match=r"^Could not extract tool description from .*undocumented.* \(no docstring set\)$",
    ):
        ChatResponseEndpoint.parse_tools([undocumented])


def test_given_description_replaces_the_docstring() -> None:
    """A function without a docstring is accepted with a description."""
    definition = ToolFunctionDef.from_callable(undocumented, description="Does it.")
    assert announced(definition)[0]["function"]["description"] == "Does it."


def test_nameless_callable_is_refused() -> None:
    """A callable without a name is refused with an error that says so."""
    nameless = functools.partial(search, "Ada")
    with pytest.raises(LMStudioValueError, match=r"^Could not extract tool name from functools"):
        ToolFunctionDef.from_callable(nameless)


def test_unreadable_docstring_is_refused() -> None:
    """A callable whose docstring cannot be read is refused with the reason as the cause."""

    class Remote:
        __name__ = "remote"

        @property
        def __doc__(self) -> str:  # type: ignore[override]
            raise LookupError("offline")

        def __call__(self) -> None: ...

    remote = Remote()
    with pytest.raises(LMStudioValueError) as failure:
        ToolFunctionDef.from_callable(remote)
    assert str(failure.value) == f"Could not extract tool description from {remote!r}"
    assert isinstance(failure.value.__cause__, LookupError)


def test_unresolvable_annotation_is_refused() -> None:
    """An annotation that cannot be evaluated is refused with the reason as the cause."""

    def lookup(key: "Missing") -> None:  # type: ignore[name-defined]  # noqa: F821
        """Look something up."""

    with pytest.raises(
        LMStudioValueError, match=r"^Could not extract tool parameter info from <function .*lookup"
    ) as failure:
        ToolFunctionDef.from_callable(lookup)
    assert isinstance(failure.value.__cause__, NameError)


def test_duplicate_names_are_refused() -> None:
    """Two tools of the same name are refused with an error that names them."""
    other = ToolFunctionDef.from_callable(nothing, name="search")
    with pytest.raises(
        LMStudioValueError,
        match=r"^Duplicate tool names are not permitted \('search' repeated\)$",
    ):
        ChatResponseEndpoint.parse_tools([search, other])


@pytest.mark.parametrize("tools", [[], ()], ids=repr)
def test_no_tools_are_refused(tools: Any) -> None:
    """An empty list or tuple of tools is refused."""
    with pytest.raises(
        LMStudioValueError,
        match=r"^Tool using actions require at least one tool to be defined\.$",
    ):
        ChatResponseEndpoint.parse_tools(tools)


@known_bug(
    "act() accepts any iterable of tools but checks for emptiness with `not tools`: an empty"
    " generator passes, and a request with an empty tool list is sent.",
    raises=pytest.fail.Exception,
)
def test_no_tools_from_a_generator_are_refused() -> None:
    """An iterator without tools must be refused like an empty list."""
    with pytest.raises(LMStudioValueError):
        ChatResponseEndpoint.parse_tools(iter(()))


@since("1.5.0")
def test_async_tool_is_refused_in_the_sync_api() -> None:
    """The synchronous API refuses a coroutine function as a tool."""
    with pytest.raises(
        LMStudioValueError,
        match=r"^Asynchronous tool definition for 'wait' is not supported in synchronous API$",
    ):
        ChatResponseEndpoint.parse_tools([wait])


@since("1.5.0")
def test_async_tool_is_marked_in_the_async_api() -> None:
    """The asynchronous API marks which tools are coroutine functions."""
    _, client_tools = ChatResponseEndpoint.parse_tools([wait, nothing], allow_async=True)
    assert {name: is_async for name, (_, _, is_async) in client_tools.items()} == {
        "wait": True,
        "nothing": False,
    }


@since("1.5.0")
def test_tools_join_a_config_struct_without_changing_it() -> None:
    """Tools join the settings of a config struct without changing the caller's struct."""
    config = LlmPredictionConfig(temperature=0.0)
    assert announced(search, config=config)[0]["function"]["parameters"] == SEARCH_SCHEMA
    assert config == LlmPredictionConfig(temperature=0.0)


def test_tools_join_a_config_dict_without_changing_it() -> None:
    """Tools join the settings of a config dict without changing the caller's dict."""
    config = {"temperature": 0.0}
    announced(nothing, config=config)
    assert config == {"temperature": 0.0}


@known_bug(
    "When act() gets its config as a dict, the tools are put into that dict before its"
    " snake_case keys are translated: the tools' parameter names are translated too (first_name"
    " is announced as firstName, with first_name still required), and the model's calls then"
    " fail to parse."
)
def test_parameter_names_survive_a_config_dict() -> None:
    """Tools must be announced with the same parameters whatever the form of the config."""
    assert announced(search, config={"temperature": 0.0}) == announced(search)


@known_bug(
    "Tool parameters are sent through a struct that knows only type, properties, required and"
    " additionalProperties: `$defs` is lost, and parameters typed as enum, dataclass or"
    " BaseModel are announced as references to nothing.",
    raises=KeyError,
)
def test_enum_parameter_is_resolvable() -> None:
    """A reference in a parameter's schema must resolve within the announcement."""

    def paint(colour: Colour) -> None:
        """Paint the wall."""

    parameters = announced(paint)[0]["function"]["parameters"]
    assert parameters["properties"]["colour"] == {"$ref": "#/$defs/Colour"}
    assert parameters["$defs"]["Colour"]["enum"] == ["red"]


@since("1.5.0")
@known_bug(
    "from_callable looks up the annotation of every parameter that has a default; without an"
    " annotation it fails with a bare KeyError instead of saying what is missing.",
    raises=KeyError,
)
def test_default_without_annotation_is_explained() -> None:
    """A parameter with a default but no annotation must be refused with an error that names it."""
    namespace: dict[str, Any] = {}
    exec("def count(start: int, step=1):\n    'Count.'", namespace)  # noqa: S102  (unannotated)
    with pytest.raises(LMStudioValueError, match="step"):
        ToolFunctionDef.from_callable(namespace["count"])


@since("1.5.0")
@known_bug(
    "A non-empty list or dict as a parameter's default, harmless in a function that does not"
    " change it, fails with msgspec's advice to use a default_factory, for which a tool definition"
    " has no place.",
    raises=TypeError,
)
def test_list_default_is_announced() -> None:
    """A non-empty list as default must be announced like any other default."""

    def tag(names: list[str] = ["new"]) -> None:  # noqa: B006  (the test needs it so)
        """Tag something."""

    (tool,) = announced(tag)
    assert tool["function"]["parameters"]["properties"]["names"]["default"] == ["new"]

"""Model specifiers: the ways to specify the model of a request."""

from typing import Any

import pytest
from lmstudio import LMStudioValueError, ModelQuery
from lmstudio._sdk_models import ModelSpecifierInstanceReference, ModelSpecifierQuery
from lmstudio.json_api import CompletionEndpoint
from msgspec import ValidationError
from sdk_tests.sdk_releases import known_bug

QUERY = {"identifier": "m", "domain": "llm"}
REFERENCE = {"type": "instanceReference", "instanceReference": "r"}


def specifier(model: Any) -> Any:
    """Return the specifier that a request for the model has."""
    return CompletionEndpoint(model, "prompt").creation_params["modelSpecifier"]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("m", {"type": "query", "query": {"identifier": "m"}}, id="str"),
        pytest.param(
            ModelQuery(identifier="m", domain="llm"), {"type": "query", "query": QUERY}, id="query"
        ),
        pytest.param(QUERY, {"type": "query", "query": QUERY}, id="query-dict"),
        pytest.param({}, {"type": "query", "query": {}}, id="any-model"),
        pytest.param(
            ModelSpecifierQuery(query=ModelQuery(path="p", vision=True)),
            {"type": "query", "query": {"path": "p", "vision": True}},
            id="specifier",
        ),
        pytest.param(
            {"type": "query", "query": QUERY},
            {"type": "query", "query": QUERY},
            id="specifier-dict",
        ),
        pytest.param(
            ModelSpecifierInstanceReference(instance_reference="r"), REFERENCE, id="reference"
        ),
        pytest.param(REFERENCE, REFERENCE, id="reference-dict"),
        pytest.param(
            {"type": "instanceReference", "instance_reference": "r"},
            REFERENCE,
            id="reference-snake-case-dict",
        ),
    ],
)
def test_specifier_forms(model: Any, expected: dict[str, Any]) -> None:
    """Each way to specify a model is sent in its exact wire form."""
    assert specifier(model) == expected


@pytest.mark.parametrize("model", [5, None, ["m"]], ids=repr)
def test_unusable_specifier_is_refused(model: Any) -> None:
    """A specifier of another kind is refused with an error that names it."""
    with pytest.raises(LMStudioValueError) as failure:
        specifier(model)
    assert str(failure.value) == f"Unable to parse model specifier: {model}"


def test_unknown_domain_is_refused() -> None:
    """An unknown domain raises a validation error."""
    with pytest.raises(ValidationError, match=r"'video' - at `\$\.domain`$"):
        specifier({"domain": "video"})


@known_bug(
    'Unknown keys of a query dict are dropped: {"identifer": "m"} becomes the empty query,'
    " which matches any loaded model, and whichever model that is answers the request.",
    raises=pytest.fail.Exception,
)
def test_misspelt_query_is_refused() -> None:
    """A query whose only key is unknown must not become a query for any model."""
    with pytest.raises((LMStudioValueError, ValidationError)):
        specifier({"identifer": "m"})

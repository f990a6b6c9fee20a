"""Handles and listings without a host: their repr(), their equality and what they refuse."""

from collections.abc import Iterator
from typing import Any

import lmstudio
import pytest
from lmstudio import (
    LMStudioClientError,
    LMStudioValueError,
    LMStudioWebsocketError,
)
from lmstudio.sync_api import AvailableModel, ModelDownloadOption
from msgspec import ValidationError
from sdk_tests.foreign_hosts import closed_address
from sdk_tests.host_packets import embedding_info, llm_info

pytestmark = pytest.mark.usefixtures("no_api_token")


@pytest.fixture
def client() -> Iterator[lmstudio.Client]:
    """Provide a client that is never entered and makes no request."""
    client = lmstudio.Client(closed_address())
    yield client
    client.close()


@pytest.fixture
def other_client() -> Iterator[lmstudio.Client]:
    """Provide a second client that is never entered and makes no request."""
    client = lmstudio.Client(closed_address())
    yield client
    client.close()


def test_downloaded_llm(client: lmstudio.Client) -> None:
    """A listed LLM has its type, path, key and info, and shows the main fields in repr()."""
    info: Any = llm_info()
    model = lmstudio.DownloadedLlm(info, client.llm)
    assert (model.type, model.path, model.model_key) == ("llm", info["path"], info["modelKey"])
    assert model.info == lmstudio.LlmInfo.from_dict(info)
    assert repr(model) == (
        "DownloadedLlm(model_key='publisher/model', display_name='A model',"
        " architecture=None, vision=False)"
    )


def test_downloaded_embedding_model(client: lmstudio.Client) -> None:
    """A listed embedding model shows no vision field in repr()."""
    info: Any = embedding_info()
    model = lmstudio.DownloadedEmbeddingModel(info, client.embedding)
    assert model.type == "embedding"
    assert model.info == lmstudio.EmbeddingModelInfo.from_dict(info)
    assert repr(model) == (
        "DownloadedEmbeddingModel(model_key='publisher/model', display_name='A model',"
        " architecture=None)"
    )


def test_listings_are_sorted_by_type(client: lmstudio.Client) -> None:
    """Each entry of the host's list becomes an object for its type with that type's session."""
    listed = [
        client.system._process_download_listing(info) for info in (llm_info(), embedding_info())
    ]
    assert listed == [
        lmstudio.DownloadedLlm(llm_info(), client.llm),
        lmstudio.DownloadedEmbeddingModel(embedding_info(), client.embedding),
    ]


@pytest.mark.parametrize(
    ("info", "problem"),
    [
        ({"type": "tts"}, "Unknown model type 'tts' in download listing: {'type': 'tts'}"),
        ({"path": "x"}, "No 'type' field in download listing: {'path': 'x'}"),
    ],
    ids=["unknown", "missing"],
)
def test_listing_of_unknown_type_is_an_error(
    client: lmstudio.Client, info: dict[str, str], problem: str
) -> None:
    """An entry with an unknown or missing type raises an error with its contents."""
    with pytest.raises(LMStudioClientError) as failure:
        client.system._process_download_listing(info)
    assert str(failure.value) == problem


def test_equal_listings(client: lmstudio.Client, other_client: lmstudio.Client) -> None:
    """Listings are equal if and only if their data and their sessions are."""
    model = lmstudio.DownloadedLlm(llm_info(), client.llm)
    assert model == lmstudio.DownloadedLlm(llm_info(), client.llm)
    assert model != lmstudio.DownloadedLlm(llm_info("other/model"), client.llm)
    assert model != lmstudio.DownloadedLlm(llm_info(), other_client.llm)
    assert model != model.info


def test_equal_handles(client: lmstudio.Client, other_client: lmstudio.Client) -> None:
    """Handles are equal if and only if their identifiers and their sessions are."""
    handle = lmstudio.LLM("mine", client.llm)
    assert handle == lmstudio.LLM("mine", client.llm)
    assert handle != lmstudio.LLM("other", client.llm)
    assert handle != lmstudio.LLM("mine", other_client.llm)
    assert handle != "mine"


def test_handles_show_their_identifier(client: lmstudio.Client) -> None:
    """repr() of a handle shows its class and its identifier."""
    assert repr(lmstudio.LLM("mine", client.llm)) == "LLM(identifier='mine')"
    assert repr(lmstudio.EmbeddingModel("mine", client.embedding)) == (
        "EmbeddingModel(identifier='mine')"
    )


def test_sessions_are_made_once(client: lmstudio.Client) -> None:
    """A client has one session for each namespace, which is not connected at first."""
    for namespace in ("llm", "embedding", "system", "files", "repository"):
        session = getattr(client, namespace)
        assert getattr(client, namespace) is session
        assert session.client is client
        assert (session.API_NAMESPACE, session.connected) == (namespace, False)


def test_search_request(client: lmstudio.Client) -> None:
    """A search request has exactly the options that were given."""
    search = client.repository._get_model_search_params
    assert search("smol", 5, ["gguf"]).to_dict() == {
        "opts": {"searchTerm": "smol", "limit": 5, "compatibilityTypes": ["gguf"]}
    }
    assert search("smol").to_dict() == {"opts": {"searchTerm": "smol"}}
    assert search(limit=1).to_dict() == {"opts": {"limit": 1}}


def test_search_without_options_is_refused(client: lmstudio.Client) -> None:
    """A search without options is refused before any connection."""
    with pytest.raises(
        LMStudioValueError, match=r"^At least one search parameter must be specified\.$"
    ):
        client.repository.search_models()


def test_search_limit_is_checked(client: lmstudio.Client) -> None:
    """A search limit above the protocol's maximum of 25 is refused before any connection."""
    with pytest.raises(ValidationError, match=r"at `\$\.opts\.limit`$"):
        client.repository.search_models("smol", 26)


def test_search_results_need_their_session(client: lmstudio.Client) -> None:
    """Search results and download options need a connected session, and their errors say so."""
    entry = {
        "name": "Smol",
        "identifier": {"type": "catalog", "identifier": "smol"},
        "exact": True,
        "staffPick": False,
    }
    option = {
        "name": "Smol Q8",
        "sizeBytes": 1,
        "fitEstimation": "fullGPUOffload",
        "downloadIdentifier": "d",
        "indexedModelIdentifier": "i",
    }
    with pytest.raises(
        LMStudioWebsocketError,
        match=r"^Session must be connected to retrieve model download options for 'Smol'$",
    ):
        AvailableModel(entry, client.repository).get_download_options()
    with pytest.raises(
        LMStudioWebsocketError, match=r"^Session must be connected to download 'Smol Q8'$"
    ):
        ModelDownloadOption(option, client.repository).download()


def test_download_option_text_form(client: lmstudio.Client) -> None:
    """repr() of a download option shows its names and recommendation but no sizes."""
    option = {
        "name": "Smol Q8",
        "sizeBytes": 1,
        "fitEstimation": "willNotFit",
        "downloadIdentifier": "d",
        "indexedModelIdentifier": "i",
        "recommended": True,
    }
    assert repr(ModelDownloadOption(option, client.repository)) == (
        "ModelDownloadOption(name='Smol Q8', download_identifier='d',"
        " indexed_model_identifier='i', recommended=True)"
    )

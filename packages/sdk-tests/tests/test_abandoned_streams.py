"""Streams of the synchronous API whose reader stops early."""

from collections.abc import Iterator

import pytest
from lmstudio import LLM, Client, LMStudioCancelledError
from sdk_tests.forced_outputs import endless, written
from sdk_tests.model_names import LLM_KEY
from sdk_tests.sdk_releases import known_bug

pytestmark = pytest.mark.models


@pytest.fixture
def llm(lmstudio_host: str) -> Iterator[LLM]:
    """Provide a loaded LLM."""
    with Client(lmstudio_host) as client:
        yield client.llm.model(LLM_KEY)


def test_session_works_after_a_break(llm: LLM) -> None:
    """A session still predicts after a loop over a stream was left early."""
    for _ in llm.complete_stream("Hello", config=endless(5)):
        break
    assert llm.complete("Hello", config=written("ok")).content == "ok"


@known_bug(
    "A `break` in the loop over a stream ends its generator, and the stream keeps that as its"
    " error: result() raises GeneratorExit, which `except Exception` does not catch."
)
def test_result_after_a_break(llm: LLM) -> None:
    """The result of a stream that was left early must raise the error for early closing."""
    stream = llm.complete_stream("Hello", config=endless(5))
    for _ in stream:
        break
    with pytest.raises(BaseException) as failure:
        stream.result()
    assert type(failure.value) is LMStudioCancelledError

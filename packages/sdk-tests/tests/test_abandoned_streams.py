"""Streams of the synchronous API that their reader leaves."""

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
    """After a loop that was left early the same session predicts as if nothing had been."""
    for _ in llm.complete_stream("Hello", config=endless(5)):
        break
    assert llm.complete("Hello", config=written("ok")).content == "ok"


@known_bug(
    "A `break` in the loop over a stream ends its generator, and the stream keeps that as its"
    " error: result() raises GeneratorExit, which is no Exception and passes the caller's handlers."
)
def test_result_after_a_break(llm: LLM) -> None:
    """The result of a stream that was left early must be the error for early closing."""
    stream = llm.complete_stream("Hello", config=endless(5))
    for _ in stream:
        break
    with pytest.raises(BaseException) as failure:
        stream.result()
    assert type(failure.value) is LMStudioCancelledError

"""Loading new instances and unloading them."""

import pytest
from lmstudio import (
    AsyncClient,
    AsyncEmbeddingModel,
    EmbeddingLoadModelConfig,
    LlmLoadModelConfig,
    LMStudioModelNotFoundError,
    LMStudioServerError,
)
from sdk_tests.concurrency_async import together
from sdk_tests.model_names import (
    EMBEDDING_KEY,
    EMBEDDING_NAME,
    JIT_LLM_KEY,
    LLM_KEY,
    LLM_NAME,
)

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.models,
    pytest.mark.usefixtures("loaded_as_before"),
]

# Most of these tests load the embedding model because it is much smaller than any LLM.


async def test_instances_are_numbered(client: AsyncClient) -> None:
    """Further instances of a model get its key and the first free number from 2 as identifier."""
    second = await client.embedding.load_new_instance(EMBEDDING_KEY)
    third = await client.embedding.load_new_instance(EMBEDDING_KEY)
    assert isinstance(second, AsyncEmbeddingModel)
    assert second.identifier == f"{EMBEDDING_KEY}:2"
    assert third.identifier == f"{EMBEDDING_KEY}:3"
    await second.unload()
    assert await client.embedding.load_new_instance(EMBEDDING_KEY) == second


async def test_chosen_identifier(client: AsyncClient) -> None:
    """An instance has the requested identifier, its model's key and path, and its own reference."""
    model = await client.embedding.load_new_instance(EMBEDDING_KEY, "my-embedding-model")
    assert model.identifier == "my-embedding-model"
    info = await client.embedding.get_model_info("my-embedding-model")
    usual = await client.embedding.get_model_info(EMBEDDING_KEY)
    assert (info.identifier, info.model_key) == ("my-embedding-model", EMBEDDING_KEY)
    assert info.path == usual.path
    assert info.instance_reference != usual.instance_reference


async def test_taken_identifier(client: AsyncClient) -> None:
    """A load with an identifier that is taken raises a server error and loads nothing."""
    before = await client.list_loaded_models()
    with pytest.raises(LMStudioServerError, match=r"^Model load error: .*already exists"):
        await client.embedding.load_new_instance(EMBEDDING_KEY, EMBEDDING_KEY)
    assert await client.list_loaded_models() == before


async def test_embedding_load_config(client: AsyncClient) -> None:
    """An embedding model is loaded with the given configuration."""
    config = EmbeddingLoadModelConfig(context_length=300)
    model = await client.embedding.load_new_instance(EMBEDDING_KEY, config=config)
    assert await model.get_context_length() == 300
    assert (await model.get_load_config()).context_length == 300


async def test_llm_load_config(client: AsyncClient) -> None:
    """An LLM is loaded with the given configuration and reports all of it."""
    given = LlmLoadModelConfig(
        context_length=512,
        eval_batch_size=256,
        flash_attention=False,
        keep_model_in_memory=False,
        try_mmap=True,
        seed=11,
    )
    model = await client.llm.load_new_instance(LLM_KEY, config=given)
    config = await model.get_load_config()
    assert isinstance(config, LlmLoadModelConfig)
    for name in (field for field in given.__struct_fields__ if getattr(given, field) is not None):
        assert getattr(config, name) == getattr(given, name), name


@pytest.mark.embedded  # the app is not known to report settings that it does not use
async def test_every_load_setting_comes_back(client: AsyncClient) -> None:
    """A loaded LLM reports every setting of its load, also those without an effect."""
    given = LlmLoadModelConfig.from_dict(
        {
            "gpu": {
                "ratio": 0.5,
                "mainGpu": 1,
                "splitStrategy": "favorMainGpu",
                "disabledGpus": [0],
            },
            "gpuStrictVramCap": True,
            "offloadKVCacheToGpu": False,
            "contextLength": 512,
            "ropeFrequencyBase": 100000.0,
            "ropeFrequencyScale": 0.5,
            "evalBatchSize": 256,
            "flashAttention": True,
            "keepModelInMemory": False,
            "seed": 11,
            "useFp16ForKVCache": False,
            "tryMmap": False,
            "numExperts": 2,
            "llamaKCacheQuantizationType": "q8_0",
            "llamaVCacheQuantizationType": "q8_0",
        }
    )
    model = await client.llm.load_new_instance(LLM_KEY, config=given)
    assert None not in [getattr(given, name) for name in given.__struct_fields__]
    assert await model.get_load_config() == given


@pytest.mark.embedded  # as above
async def test_every_embedding_load_setting_comes_back(client: AsyncClient) -> None:
    """A loaded embedding model reports every setting of its load."""
    given = EmbeddingLoadModelConfig.from_dict(
        {
            "gpu": {
                "ratio": "off",
                "mainGpu": 1,
                "splitStrategy": "favorMainGpu",
                "disabledGpus": [0],
            },
            "contextLength": 512,
            "ropeFrequencyBase": 10000.0,
            "ropeFrequencyScale": 1.0,
            "keepModelInMemory": False,
            "tryMmap": False,
        }
    )
    model = await client.embedding.load_new_instance(EMBEDDING_KEY, config=given)
    assert None not in [getattr(given, name) for name in given.__struct_fields__]
    assert await model.get_load_config() == given


async def test_load_progress(client: AsyncClient) -> None:
    """Load progress is never negative, only rises, and ends at 1."""
    progress: list[float] = []
    await client.embedding.load_new_instance(EMBEDDING_KEY, on_load_progress=progress.append)
    assert progress == sorted(set(progress))
    assert progress[-1:] == [1.0]
    assert progress[0] >= 0.0


async def test_failing_progress_callback(client: AsyncClient) -> None:
    """An exception in the progress callback does not stop the load."""

    def fail(_: float) -> None:
        raise LookupError("my mistake")

    model = await client.embedding.load_new_instance(EMBEDDING_KEY, on_load_progress=fail)
    assert model in await client.embedding.list_loaded()


@pytest.mark.parametrize("form", ["name", "path"])
async def test_loading_by_another_name(client: AsyncClient, form: str) -> None:
    """An instance loaded by publisher and name or by path is still named after the model's key."""
    path = (await client.embedding.get_model_info(EMBEDDING_KEY)).path
    name = {"name": EMBEDDING_NAME, "path": path}[form]
    model = await client.embedding.load_new_instance(name)
    assert model.identifier == f"{EMBEDDING_KEY}:2"


async def test_loading_from_a_listing(client: AsyncClient) -> None:
    """load_new_instance of a listed download accepts identifier, configuration and callback."""
    progress: list[float] = []
    (listed,) = [
        each
        for each in await client.list_downloaded_models("embedding")
        if each.model_key == EMBEDDING_KEY
    ]
    model = await listed.load_new_instance(
        instance_identifier="listed",
        config={"contextLength": 300},
        on_load_progress=progress.append,
        ttl=None,
    )
    assert model == AsyncEmbeddingModel("listed", client.embedding)
    assert await model.get_context_length() == 300
    assert progress[-1:] == [1.0]


async def test_unloading(client: AsyncClient) -> None:
    """An unloaded instance is no longer listed, and its handle neither works nor unloads again."""
    model = await client.embedding.load_new_instance(EMBEDDING_KEY, "short-lived")
    await model.unload()
    assert model not in await client.embedding.list_loaded()
    with pytest.raises(LMStudioModelNotFoundError):
        await model.embed("Hello")
    with pytest.raises(LMStudioModelNotFoundError, match=r"^RPC error: "):
        await model.unload()


async def test_handle_outlives_its_instance(client: AsyncClient) -> None:
    """A handle works again once another instance has its identifier."""
    model = await client.embedding.load_new_instance(EMBEDDING_KEY, "reborn")
    reference = (await model.get_info()).instance_reference
    await model.unload()
    await client.embedding.load_new_instance(EMBEDDING_KEY, "reborn")
    assert (await model.get_info()).instance_reference != reference


async def test_concurrent_loads(client: AsyncClient) -> None:
    """Concurrent loads of one model create one instance each."""
    models = await together([lambda: client.embedding.load_new_instance(EMBEDDING_KEY)] * 2)
    assert {model.identifier for model in models} == {f"{EMBEDDING_KEY}:2", f"{EMBEDDING_KEY}:3"}


@pytest.mark.embedded  # the app may limit the length instead
async def test_context_longer_than_the_models(client: AsyncClient) -> None:
    """A context longer than the model's raises an error that names the model, and loads nothing."""
    before = await client.list_loaded_models()
    with pytest.raises(LMStudioServerError, match=rf"^Model load error: .*{LLM_KEY}"):
        await client.llm.load_new_instance(LLM_KEY, config={"contextLength": 10_000_000})
    assert await client.list_loaded_models() == before


async def test_loading_through_the_wrong_session(client: AsyncClient) -> None:
    """An LLM cannot be loaded as an embedding model, nor an embedding model as an LLM."""
    for session, key in ((client.embedding, LLM_KEY), (client.llm, EMBEDDING_KEY)):
        with pytest.raises(LMStudioServerError, match=r"^Model load error: "):
            await session.load_new_instance(key)


async def test_explicit_load_of_an_unloaded_model(client: AsyncClient) -> None:
    """An explicit load of an unloaded model gets the model's key as identifier."""
    model = await client.llm.load_new_instance(JIT_LLM_KEY, config={"contextLength": 512})
    assert model.identifier == JIT_LLM_KEY
    assert await client.llm.model(JIT_LLM_KEY) == model
    assert (await client.llm.model(LLM_NAME)).identifier == LLM_KEY

"""For each endpoint that the SDK's source names, a test that reaches it.

`scripts/list_sdk_endpoints.py` prints the table. The suite fails a test that is named here and does
not reach its endpoint; the project's own tests fail when an endpoint is missing.
"""

EXERCISED_BY: dict[str, str] = {
    "applyPromptTemplate": "tests/async/test_tokens_async.py::test_template_asks_for_an_answer",
    "countTokens": "tests/async/test_tokens_async.py::test_llm_counts_all_tokens",
    "downloadModel": "tests/async/test_repository_async.py::test_download_model_calls_back",
    "embedString": "tests/async/test_embedding_async.py::test_same_text_has_same_vector",
    "getLoadConfig": "tests/async/test_loading_async.py::test_llm_load_config",
    "getModelDownloadOptions": "tests/async/test_repository_async.py::test_download_options",
    "getModelInfo": "tests/async/test_model_info_async.py::test_all_conditions_must_hold",
    "getOrLoad": "tests/async/test_loaded_models_async.py::test_loaded_llm_by_name",
    "listDownloadedModels": "tests/async/test_downloaded_models_async.py::test_listing_by_session",
    "listLoaded": "tests/async/test_loaded_models_async.py::test_all_loaded_models",
    "loadModel": "tests/async/test_loading_async.py::test_taken_identifier",
    "pluginInitCompleted": "tests/test_plugin_runner.py::test_plugin_without_settings",
    "predict": "tests/async/test_model_info_async.py::test_prediction_by_specifier",
    "processingHandleUpdate": "tests/test_plugins.py::test_status_updates",
    "registerDevelopmentPlugin": "tests/test_plugin_runner.py::test_plugin_without_settings",
    "searchModels": "tests/async/test_repository_async.py::test_search_by_term",
    "setConfigSchematics": "tests/test_plugin_runner.py::test_plugin_with_all_announcements",
    "setGlobalConfigSchematics": "tests/test_plugin_runner.py::test_plugin_with_all_announcements",
    "setPromptPreprocessor": "tests/test_plugin_runner.py::test_plugin_without_settings",
    "setToolsProvider": "tests/test_plugin_runner.py::test_plugin_with_all_announcements",
    "tokenize": "tests/async/test_tokens_async.py::test_embedding_model_leaves_markers_out",
    "unloadModel": "tests/async/test_loading_async.py::test_unloading",
    "uploadFileBase64": "tests/async/test_images_async.py::test_image_without_name",
}

"""Changes to the catalog by a TOML file (LMSTUDIO_TEST_CATALOG)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from model_fixtures.catalog import CatalogError, read_catalog, size_bytes
from model_fixtures.weights import SOURCES

WriteGguf = Callable[..., Path]
UserCatalog = Callable[[str], Path]
LLAMA = "llama-3.2-1b-instruct"
KEYS = (
    "text-embedding-nomic-embed-text-v1.5, llama-3.2-1b-instruct, mobilevlm_v2-1.7b,"
    " qwen2.5-7b-instruct-1m, smollm2-135m-instruct"
)
LLM_WEIGHTS = "'smollm2' or 'smollm2-chat' or 'smollm2-vision' or 'smollm2-tools'"


def test_file_makes_a_model_real(
    tmp_path: Path, write_gguf: WriteGguf, user_catalog: UserCatalog
) -> None:
    """A file, relative to the TOML file, answers for its model; other models stay as they are."""
    file = write_gguf(tmp_path / "weights/mine.gguf", architecture="llama", size_label="1B")
    user_catalog(f'[[models]]\nkey = "{LLAMA}"\nfile = "weights/mine.gguf"\n')
    models = read_catalog().models
    assert [model.key for model in models] == KEYS.split(", ")
    (model,) = (each for each in models if not each.stand_in)
    assert (model.key, model.file, model.weights) == (LLAMA, file, None)
    assert (model.display_name, model.params) == ("Llama 3.2 1B Instruct", "1B")
    assert model.required


def test_single_settings(user_catalog: UserCatalog) -> None:
    """A table changes only the settings that it names."""
    (before,) = read_catalog().find(LLAMA)
    user_catalog(f'[[models]]\nkey = "{LLAMA}"\ncontext_length = 512\nrequired = false\n')
    (after,) = read_catalog().find(LLAMA)
    assert (after.context_length, after.required) == (512, False)
    assert (after.path, after.weights, after.display_name) == (
        before.path,
        before.weights,
        before.display_name,
    )


def test_new_model(tmp_path: Path, write_gguf: WriteGguf, user_catalog: UserCatalog) -> None:
    """A key that the catalog lacks adds a model at the end, which is optional by default."""
    file = write_gguf(tmp_path / "mine.gguf")
    user_catalog(f"[[models]]\nkey = 'mine'\npath = 'me/mine/mine.gguf'\nfile = '{file}'\n")
    catalog = read_catalog()
    assert catalog.models[-1].key == "mine"
    assert (catalog.models[-1].display_name, catalog.models[-1].domain) == ("mine", "llm")
    assert catalog.models[-1] not in catalog.required


def test_projector_and_adapter(
    tmp_path: Path, write_gguf: WriteGguf, user_catalog: UserCatalog
) -> None:
    """A projector adds vision, an adapter tool use; the size includes the projector."""
    file = write_gguf(tmp_path / "mine.gguf")
    projector = write_gguf(tmp_path / "see.gguf", architecture="clip")
    adapter = write_gguf(tmp_path / "tools.gguf")
    user_catalog(
        '[[models]]\nkey = "mobilevlm_v2-1.7b"\nfile = "mine.gguf"\nprojector = "see.gguf"\n'
        f'[[models]]\nkey = "{LLAMA}"\nadapter = "tools.gguf"\n'
    )
    catalog = read_catalog()
    (seeing,) = catalog.find("mobilevlm_v2-1.7b")
    assert (seeing.vision, seeing.tool_use, seeing.projector) == (True, False, projector)
    assert size_bytes(seeing) == file.stat().st_size + projector.stat().st_size
    (calling,) = catalog.find(LLAMA)
    assert (calling.vision, calling.tool_use, calling.adapter) == (False, True, adapter)
    assert calling.weights == "smollm2"  # the base of adapters for SmolLM2


def test_real_file_without_projector(
    tmp_path: Path, write_gguf: WriteGguf, user_catalog: UserCatalog
) -> None:
    """A file that replaces a stand-in does not get the stand-in's projector."""
    write_gguf(tmp_path / "mine.gguf")
    user_catalog('[[models]]\nkey = "mobilevlm_v2-1.7b"\nfile = "mine.gguf"\n')
    (model,) = read_catalog().find("mobilevlm_v2-1.7b")
    assert (model.vision, model.projector) == (False, None)


def test_projector_for_a_stand_in(
    tmp_path: Path, write_gguf: WriteGguf, user_catalog: UserCatalog
) -> None:
    """The user's projector replaces the one that comes with the stand-in."""
    projector = write_gguf(tmp_path / "see.gguf", architecture="clip")
    user_catalog('[[models]]\nkey = "mobilevlm_v2-1.7b"\nprojector = "see.gguf"\n')
    (model,) = read_catalog().find("mobilevlm_v2-1.7b")
    assert (model.vision, model.projector, model.weights) == (True, projector, "smollm2-q8_0")


def test_other_stand_in(user_catalog: UserCatalog) -> None:
    """A model may answer with any stand-in of its domain, and then has its abilities."""
    user_catalog(
        f'[[models]]\nkey = "{LLAMA}"\nweights = "smollm2-vision"\n'
        '[[models]]\nkey = "mobilevlm_v2-1.7b"\nweights = "smollm2-tools"\n'
    )
    (seeing,) = read_catalog().find(LLAMA)
    assert (seeing.weights, seeing.vision, seeing.tool_use) == ("smollm2-q8_0", True, False)
    (calling,) = read_catalog().find("mobilevlm_v2-1.7b")
    assert (calling.weights, calling.vision, calling.tool_use) == ("smollm2-tools", False, True)


def test_file_goes_before_the_models_folder(
    tmp_path: Path,
    write_gguf: WriteGguf,
    user_catalog: UserCatalog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file or weights in the TOML file take precedence over the folder."""
    for model in read_catalog().models[1:4]:
        write_gguf(tmp_path / "models" / model.path)
    file = write_gguf(tmp_path / "mine.gguf")
    monkeypatch.setenv("LMSTUDIO_TEST_MODELS", str(tmp_path / "models"))
    user_catalog(
        f'[[models]]\nkey = "{LLAMA}"\nfile = "mine.gguf"\n'
        '[[models]]\nkey = "mobilevlm_v2-1.7b"\nweights = "smollm2"\n'
        '[[models]]\nkey = "qwen2.5-7b-instruct-1m"\nname = "Mine"\n'
    )
    _, llama, mobile, qwen, _ = read_catalog().models
    assert llama.file == file
    assert (mobile.file, mobile.weights) == (None, "smollm2")
    assert qwen.file == tmp_path / "models" / qwen.path
    assert qwen.display_name == "Mine"


def test_size_of_uncached_weights() -> None:
    """Weights that are not in the cache count with the size that they will have."""
    assert [size_bytes(model) for model in read_catalog().models] == [
        SOURCES["minilm"].file_bytes,
        91_726_912,
        144_811_072 + 4_782_656,
        144_811_072,
        98_362_432,
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models = [", "{file}: correct the TOML there: "),
        (
            "[model]\n",
            (
                "{file}: unknown key 'model'; all settings go in [[models]] tables, and what can be"
                " downloaded in [[downloads]] tables"
            ),
        ),
        ("models = 3", "{file}: 'models' must be written as [[models]] tables"),
        ("models = [3]", "{file}: 'models' must be written as [[models]] tables"),
        ("[[models]]\n", "{file}: [[models]] table 1: 'key' is missing; give the model's key"),
        (
            f'[[models]]\nkey = "{LLAMA}"\nfiel = "x.gguf"',
            f"{{file}}: model '{LLAMA}': unknown key 'fiel'; did you mean 'file'?",
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\nvision = true',
            (
                f"{{file}}: model '{LLAMA}': unknown key 'vision'; allowed are key, path, domain,"
                " name, required, context_length, weights, file, projector, adapter"
            ),
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\n[[models]]\nkey = "{LLAMA}"',
            f"{{file}}: two [[models]] tables have the key '{LLAMA}'; merge them into one",
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\nfile = "no/such.gguf"',
            (
                f"{{file}}: model '{LLAMA}': 'file' names {{folder}}/no/such.gguf, which is not a"
                " file; correct the path"
            ),
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\nfile = 3',
            f"{{file}}: model '{LLAMA}': 'file' must be a path in quotes",
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\ncontext_length = "big"',
            (
                f"{{file}}: model '{LLAMA}': 'context_length' is wrong: Expected `int | null`,"
                " got `str`; correct the value"
            ),
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\ncontext_length = 0',
            f"{{file}}: model '{LLAMA}': 'context_length' must be at least 1",
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\ncontext_length = 8193',
            (
                f"{{file}}: model '{LLAMA}': 'context_length' is 8193; the weights that answer"
                " support at most 8192"
            ),
        ),
        (
            "[[models]]\nkey = 3",
            "{file}: model 3: 'key' is wrong: Expected `str`, got `int`; correct the value",
        ),
        (
            '[[models]]\nkey = "lama"\ncontext_length = 5',
            (
                f"{{file}}: model 'lama': the catalog has no such key; use one of {KEYS},"
                " or give 'path' and 'file' to add a model"
            ),
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\npath = "llama.gguf"',
            f"{{file}}: model '{LLAMA}': 'path' must have the form publisher/repo/file.gguf",
        ),
        *(
            (
                f'[[models]]\nkey = "{LLAMA}"\npath = "{path}"',
                (
                    f"{{file}}: model '{LLAMA}': 'path' has a part that begins with a dot, or a"
                    " colon, a backslash or a control character; leave those out"
                ),
            )
            for path in (
                "../../x.gguf",
                "me/../x.gguf",
                "./me/x.gguf",
                "me/.hidden/x.gguf",
                "me/one\\n/x.gguf",
                "me/..\\\\..\\\\up/x.gguf",
                "C:/me/x.gguf",
            )
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\npath = "me/one/x.gguf\\n"',
            f"{{file}}: model '{LLAMA}': 'path' must have the form publisher/repo/file.gguf",
        ),
        (
            "models = " + "[" * 5000 + "]" * 5000,
            "{file}: its values are nested too deep; make them flat",
        ),
        ("models = " + "1" * 5000, "{file}: correct the TOML there: "),
        (
            f'[[models]]\nkey = "{LLAMA}"\ncontext_length = 2147483648',
            f"{{file}}: model '{LLAMA}': 'context_length' must be at most 2147483647",
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\nfile = "~nobody-here/x.gguf"',
            (
                f"{{file}}: model '{LLAMA}': 'file' names {{folder}}/~nobody-here/x.gguf, which is"
                " not a file; correct the path"
            ),
        ),
        (
            (
                f'[[models]]\nkey = "{LLAMA}"\npath = "ZiangWu/MobileVLM_V2-1.7B-GGUF/'
                'GGML-model-q4_k.gguf"'
            ),
            f"{{file}}: model 'mobilevlm_v2-1.7b': 'path' is that of '{LLAMA}'; give each its own",
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\nweights = "gpt"',
            (
                f"{{file}}: model '{LLAMA}': 'weights' is 'gpt'; for the domain 'llm'"
                f" choose {LLM_WEIGHTS}"
            ),
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\nweights = "minilm"',
            (
                f"{{file}}: model '{LLAMA}': 'weights' is 'minilm'; for the domain 'llm'"
                f" choose {LLM_WEIGHTS}"
            ),
        ),
        (
            f'[[models]]\nkey = "{LLAMA}"\nweights = "smollm2"\nfile = "mine.toml"',
            f"{{file}}: model '{LLAMA}': 'file' and 'weights' exclude each other; remove one",
        ),
    ],
)
def test_mistakes(user_catalog: UserCatalog, text: str, message: str) -> None:
    """Each mistake in the file is an error of one line with the file, the key and what to do."""
    file = user_catalog(text)
    with pytest.raises(CatalogError) as caught:
        read_catalog()
    assert "\n" not in str(caught.value)
    expected = message.format(file=file, folder=file.parent)
    # The text of a TOML syntax error depends on the Python version.
    assert str(caught.value).startswith(expected)
    assert len(str(caught.value)) == len(expected) or expected.endswith(": ")


def test_missing_catalog_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing catalog file is an error that names the file and the variable."""
    monkeypatch.setenv("LMSTUDIO_TEST_CATALOG", str(tmp_path / "none.toml"))
    with pytest.raises(CatalogError) as caught:
        read_catalog()
    assert str(caught.value) == (
        f"{tmp_path / 'none.toml'}: cannot be read (No such file or directory);"
        " LMSTUDIO_TEST_CATALOG must name a TOML file"
    )


def test_catalog_file_that_is_no_text(user_catalog: UserCatalog) -> None:
    """Bytes that are not UTF-8 are an error that names the file."""
    file = user_catalog("")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError) as caught:
        read_catalog()
    assert str(caught.value).startswith(f"{file}: correct the TOML there: ")

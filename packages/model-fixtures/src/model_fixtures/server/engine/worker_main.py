"""The worker process: llama.cpp's own HTTP server on a free loopback port.

`worker_process` starts it. The first line on stdin is its configuration as JSON (nothing of it is
visible in the process list). The end of stdin is the order to stop, so no worker outlives its
server, however the server dies. The one line on stdout is `{"url": ...}` once the model is loaded.
llama.cpp's log goes to stderr, where the server reads progress and the reason for a failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from typing import Any


def _parameters(config: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = config["model"]
    if config["alias"]:
        params.model_alias = {config["alias"]}
    params.n_ctx = max(2, config["context_length"])  # llama.cpp aborts at 1
    params.n_parallel = 1  # with more slots equal requests could produce different texts
    params.kv_unified = False
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = config["threads"]
        # llama.cpp's threads spin while they wait and starve a small shared machine.
        cpu.poll = 0
    params.n_threads_http = 4
    params.api_keys = [config["key"]]
    params.cors_origins = ""
    params.ui = False
    params.verbosity = 4  # with less llama.cpp does not log the stages of loading
    params.warmup = False
    params.fit_params = False
    params.cache_ram_mib = 0  # the prompt cache grows to gigabytes otherwise
    params.ctx_shift = True
    params.n_batch = max(2, config["batch"])
    params.n_ubatch = min(512, params.n_batch)
    if not config["mmap"]:
        params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    if config["flash_attention"] is not None:
        states = xllamacpp.llama_flash_attn_type
        on = config["flash_attention"]
        params.flash_attn_type = (
            states.LLAMA_FLASH_ATTN_TYPE_ENABLED if on else states.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
    for name in ("rope_freq_base", "rope_freq_scale"):
        if config[name] is not None:
            setattr(params, name, config[name])
    for name in ("cache_type_k", "cache_type_v"):
        if config[name] is not None:
            setattr(params, name, xllamacpp.ggml_type["GGML_TYPE_" + config[name].upper()])
    if config["draft_model"] is not None:
        params.speculative.types = [
            xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE
        ]
        draft = params.speculative.draft
        draft.mparams.path = config["draft_model"]
        draft.n_max, draft.p_min = 16, 0.75  # the app's defaults; a request can't change them
        for cpu in (draft.cpuparams, draft.cpuparams_batch):
            cpu.n_threads = config["threads"]
            cpu.poll = 0
    if config["projector"] is not None:
        params.mmproj.path = config["projector"]
    if config["adapter"] is not None:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(config["adapter"], 1.0)]
    if config["embedding"]:
        params.embedding = True
        params.n_batch = params.n_ubatch = config["context_length"]
    return params


PARENT_DEATH_SIGNAL = 1  # Linux's PR_SET_PDEATHSIG


def _end_with_the_server() -> threading.Thread:
    """Start a thread that ends this process when stdin ends, even while llama.cpp computes.

    On Linux the kernel also ends it when the server is killed, whatever this process is doing.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)

    def wait() -> None:
        # Not sys.stdin, which belongs to the main thread.
        while os.read(0, 4096):
            pass
        # No clean-up: the system frees the memory, and llama.cpp's own can hang in a request.
        os._exit(0)

    waiting = threading.Thread(target=wait, daemon=True, name="lifeline")
    waiting.start()
    return waiting


def main() -> None:
    """Load the model, print its URL, and wait for the end of stdin."""
    # Ctrl-C in a terminal reaches the whole process group; the server decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = json.loads(sys.stdin.readline())
    lifeline = _end_with_the_server()
    # When llama.cpp aborts it would run a debugger, which takes seconds and writes to stdout.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    import xllamacpp

    server = xllamacpp.Server(_parameters(config))
    print(json.dumps({"url": server.listening_address}), flush=True)
    lifeline.join()


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        print(f"worker: {error}", file=sys.stderr, flush=True)
        os._exit(1)

"""Conversion of all-MiniLM-L6-v2 (safetensors and vocab.txt) to a GGUF of architecture `bert`.

The same input always makes the same bytes: keys and tensors are written in a fixed order, and
rounding to f16 follows IEEE 754. The result is that of llama.cpp's own converter for BERT models.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

# gguf and safetensors, which need numpy, are imported when a conversion runs, so that reading the
# catalog stays fast.

HEADS = 12
LAYER_NORM_EPSILON = 1e-12
# Sentence embeddings do not use the pooler, and llama.cpp counts positions itself.
LEFT_OUT = ("pooler.", "embeddings.position_ids")
# These are looked up rather than multiplied; llama.cpp's converter keeps them in f32, too.
KEPT_F32 = ("token_types.weight", "position_embd.weight")
WORD_START = "\u2581"


def read_vocabulary(path: Path) -> list[str]:
    """Read a WordPiece vocabulary: one token per line, in the order of their ids."""
    # Split at newlines only, since some tokens are characters at which str.splitlines would split.
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def wordpiece_tokens(vocabulary: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return tokens in the form of llama.cpp's `bert` tokenizer, and their types.

    A continuation loses its `##`, and a word start gets U+2581 before it. A token in square
    brackets is a control token (type 3) and keeps its text; all others are normal (type 1).
    """
    from gguf import TokenType

    tokens: list[str] = []
    types: list[int] = []
    for token in vocabulary:
        control = token.startswith("[") and token.endswith("]") and len(token) > 2
        if control:
            tokens.append(token)
        elif token.startswith("##") and len(token) > 2:
            tokens.append(token[2:])
        else:
            tokens.append(WORD_START + token)
        types.append(int(TokenType.CONTROL if control else TokenType.NORMAL))
    return tokens, types


def write_minilm_gguf(members: Mapping[str, Path], output: Path) -> None:
    """Write the GGUF `output` from the files `model.safetensors` and `vocab.txt` in `members`.

    Sizes are taken from the shapes of the tensors.

    Raises:
        ValueError: a tensor has no name in GGUF.
    """
    import gguf
    import numpy as np
    from safetensors import safe_open

    vocabulary = read_vocabulary(members["vocab.txt"])
    tokens, types = wordpiece_tokens(vocabulary)
    with safe_open(members["model.safetensors"], framework="numpy") as tensors:
        held: list[str] = tensors.keys()
        wanted = sorted(name for name in held if not name.startswith(LEFT_OUT))
        positions, width = tensors.get_slice("embeddings.position_embeddings.weight").get_shape()
        token_types = tensors.get_slice("embeddings.token_type_embeddings.weight").get_shape()[0]
        inner = tensors.get_slice("encoder.layer.0.intermediate.dense.weight").get_shape()[0]
        layers = 1 + max(int(name.split(".")[2]) for name in wanted if ".layer." in name)
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, layers)

        writer = gguf.GGUFWriter(None, "bert")
        writer.add_name("all-MiniLM-L6-v2")
        writer.add_size_label("22.7M")
        writer.add_license("apache-2.0")
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
        writer.add_context_length(positions)
        writer.add_embedding_length(width)
        writer.add_block_count(layers)
        writer.add_feed_forward_length(inner)
        writer.add_head_count(HEADS)
        writer.add_layer_norm_eps(LAYER_NORM_EPSILON)
        writer.add_causal_attention(False)
        writer.add_pooling_type(gguf.PoolingType.MEAN)
        writer.add_tokenizer_model("bert")
        writer.add_token_type_count(token_types)
        writer.add_token_list(tokens)
        writer.add_token_types(types)
        writer.add_unk_token_id(vocabulary.index("[UNK]"))
        writer.add_sep_token_id(vocabulary.index("[SEP]"))
        writer.add_pad_token_id(vocabulary.index("[PAD]"))
        writer.add_bos_token_id(vocabulary.index("[CLS]"))  # llama.cpp's name for it
        writer.add_mask_token_id(vocabulary.index("[MASK]"))
        for name in wanted:
            target = names.get_name(name, try_suffixes=(".weight", ".bias"))
            if target is None:
                raise ValueError(f"no GGUF name for the tensor {name!r}")
            array = tensors.get_tensor(name)
            matrix = array.ndim == 2 and target not in KEPT_F32
            writer.add_tensor(target, array.astype(np.float16 if matrix else np.float32))
        writer.write_header_to_file(output)
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

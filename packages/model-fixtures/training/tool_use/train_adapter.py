"""Train the adapter in several processes of one thread each.

Each process computes its share of a step's tokens, then all average their gradients. Threads inside
one process gain much less: a step takes 7.5 s with them and 4.5 s with processes on two cores.

The batch of a step depends only on the seed, the number of processes and the number of the step. So
a run that continues from a checkpoint sees the same data as one that was never stopped.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
import torch.distributed as dist
from model_fixtures.weights.merge_and_requantize import read_adapter
from rich.progress import Progress
from training.atomic_files import replacing
from training.chat.chat_batches import ChatBatchSource

from .gguf_tokenizer import END_OF_TEXT, Tokenizer
from .packed_batches import SMALLEST_BATCH, BatchSource, PackedBatch, draw_batch
from .tool_batches import ToolBatchSource
from .torch_llama import Segment, TorchLlama, fastest_dtype

# What an adapter learns, from the base model's answers by prompt.
SOURCES: Mapping[str, Callable[[Mapping[str, str]], BatchSource]] = MappingProxyType(
    {"tools": ToolBatchSource, "chat": ChatBatchSource}
)
DTYPES = MappingProxyType({"bfloat16": torch.bfloat16, "float32": torch.float32})
SAVED = 20  # steps between checkpoints; an interrupted run continues at a multiple of it
RENDEZVOUS = "rendezvous"  # the file through which the processes find one another


@dataclass(frozen=True)
class TrainingPlan:
    """The learning rate and the seed of a run."""

    ends: tuple[int, ...]  # the steps at which the cycles of the rate end
    peak: float = 1.5e-3
    warmup: int = 30
    decay: float = 0.4  # share of a cycle, at its end, in which the rate falls to 0
    seed: int = 1

    def rate(self, step: int) -> float:
        """Return the learning rate of a step.

        In each cycle it rises linearly, stays constant, and falls linearly.
        """
        start = max((end for end in self.ends if end <= step), default=0)
        length = min(end for end in self.ends if end > step) - start
        rise = min(1.0, (step - start + 1) / self.warmup)
        fall = min(1.0, (start + length - step) / (self.decay * length))
        return self.peak * rise * max(fall, 0.01)


def step_loss(model: TorchLlama, batch: PackedBatch) -> torch.Tensor:
    """Return the mean cross entropy of the targets of a batch, by their weights.

    If the batch has plain texts, the mean divergence from the base model there is added.
    """
    segments = [Segment(start, end, slice(low, high)) for start, end, low, high in batch.spans]
    ids, positions = torch.tensor(batch.ids), torch.tensor(batch.positions)
    hidden = model.hidden(ids, positions, segments)
    loss = _target_loss(model, batch, hidden)
    if not batch.texts:
        return loss
    first = len(batch.ids) - batch.texts
    own = [
        Segment(each.start - first, each.end - first, slice(0, 0))
        for each in segments
        if each.start >= first
    ]
    with torch.no_grad(), model.as_base():
        base = model.hidden(ids[first:], positions[first:], own)
    return loss + model.divergence(hidden[first:], base)


def _target_loss(model: TorchLlama, batch: PackedBatch, hidden: torch.Tensor) -> torch.Tensor:
    targets = torch.tensor(batch.targets)
    weights = torch.tensor(batch.weights)
    return model.loss(hidden[torch.tensor(batch.wanted)], targets, weights / weights.sum())


def save(path: Path, model: TorchLlama, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write a checkpoint in place of the last one."""
    state = {
        "adapter": {name: value.detach().clone() for name, value in model.named_parameters()},
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    with replacing(path) as part:
        torch.save(state, part)


def load_adapter(model: TorchLlama, state: dict[str, torch.Tensor]) -> None:
    """Copy saved adapter matrices into the model."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(state[name])


def average_gradients(model: TorchLlama) -> None:
    """Replace the gradients in every process by their mean over all processes."""
    grads = [value.grad for value in model.parameters() if value.grad is not None]
    flat = torch.cat([grad.flatten() for grad in grads])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for grad, part in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
        grad.copy_(part.view_as(grad))


def start_from(model: TorchLlama, adapter: Path) -> None:
    """Copy the matrices of a GGUF adapter into the model.

    Raises:
        ValueError: the adapter has another rank or another scale than the model's.
    """
    alpha, pairs = read_adapter(adapter)
    rank = len(next(iter(pairs.values()))[0])
    if (rank, alpha) != (model.rank, model.alpha):
        raise ValueError(f"{adapter.name} has rank {rank} and alpha {alpha}, not the model's")
    model.set_adapter(
        {name: (torch.from_numpy(a), torch.from_numpy(b)) for name, (a, b) in pairs.items()}
    )


def read_texts(path: Path, tokenizer: Tokenizer) -> list[list[int]]:
    """Return the token ids of the plain texts in a JSON file, each after <|endoftext|>."""
    texts = json.loads(path.read_text(encoding="utf-8"))
    return [[END_OF_TEXT, *tokenizer.encode(text)] for text in texts]


def end_with_parent() -> None:
    """End this process as soon as its parent process has ended, for whatever reason."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def train(rank: int, args: argparse.Namespace) -> None:
    """Train as process number ``rank``.

    Process 0 also writes checkpoints and the log, and shows the progress.
    """
    end_with_parent()
    store = dist.FileStore(str(args.out / RENDEZVOUS), args.processes)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=args.processes)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    plan = TrainingPlan(tuple(args.steps), peak=args.peak, seed=args.seed)
    total = plan.ends[-1]
    dtype = DTYPES[args.dtype] if args.dtype else fastest_dtype()
    model = TorchLlama(args.base, rank=args.rank, alpha=2.0 * args.rank, dtype=dtype)
    tokenizer = Tokenizer(args.base)
    source = SOURCES[args.data](json.loads(args.answers.read_text(encoding="utf-8")))
    texts = read_texts(args.texts, tokenizer) if args.texts else []
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=plan.peak, betas=(0.9, 0.98), weight_decay=0.0
    )
    checkpoint = args.out / "last.pt"
    first = 0
    if args.start:
        start_from(model, args.start)
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        load_adapter(model, state["adapter"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    average = None
    end = min(args.until or total, total)
    log = (args.out / "log.txt").open("a")
    with Progress(disable=rank > 0) as bar:
        task = bar.add_task("training", total=total, completed=first)
        for step in range(first, end):
            began = time.monotonic()
            rng = random.Random(f"{plan.seed}-{step}-{rank}")  # noqa: S311  # a seed, no secret
            limit = args.tokens // args.processes
            drawn = [rng.choice(texts)] if texts else []
            batch = draw_batch(source, tokenizer, rng, limit - sum(map(len, drawn)))
            for text in drawn:
                batch.add_text(text)
            if args.merge_to == "Q4_0" and step % SAVED == 0:
                model.requantize()
            for group in optimizer.param_groups:
                group["lr"] = plan.rate(step)
            optimizer.zero_grad(set_to_none=True)
            loss = step_loss(model, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            average_gradients(model)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if rank > 0:
                continue
            value = loss.item()
            average = value if average is None else 0.95 * average + 0.05 * value
            bar.update(task, advance=1, description=f"training, loss {average:.4f}")
            log.write(f"{step} {value:.4f} {average:.4f} {time.monotonic() - began:.1f}\n")
            log.flush()
            if (step + 1) % SAVED == 0 or step + 1 == end:
                save(checkpoint, model, optimizer, step + 1)
            if (step + 1) % args.snapshot == 0 or step + 1 in (*plan.ends, end):
                state = {name: value.detach() for name, value in model.named_parameters()}
                with replacing(args.out / f"adapter-{step + 1:05}.pt") as part:
                    torch.save({"adapter": state}, part)
    dist.destroy_process_group()


def main() -> None:
    """Train the adapter, or continue from the checkpoint in the output folder."""
    parser = argparse.ArgumentParser(
        prog="python -m training.tool_use.train_adapter", description=main.__doc__
    )
    parser.add_argument("--base", type=Path, required=True, help="GGUF file of SmolLM2")
    parser.add_argument(
        "--answers",
        type=Path,
        required=True,
        help="JSON file of training.tool_use.plain_prompts or training.chat.free_answers",
    )
    parser.add_argument(
        "--texts",
        type=Path,
        help="JSON file of training.chat.plain_texts: with one of them in each process's batch, the"
        " adapter also learns to predict plain text as the base model does",
    )
    parser.add_argument(
        "--start",
        type=Path,
        help="GGUF adapter of the same rank with which training begins (default: a new one)",
    )
    parser.add_argument(
        "--peak", type=float, default=1.5e-3, help="highest learning rate (default: %(default)s)"
    )
    parser.add_argument(
        "--data",
        choices=list(SOURCES),
        default="tools",
        help="what the adapter learns (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoints")
    parser.add_argument(
        "--steps",
        type=int,
        nargs="+",
        required=True,
        help="steps at which the cycles of the learning rate end; the last ends the training",
    )
    parser.add_argument(
        "--dtype",
        choices=list(DTYPES),
        help="type of the frozen weights (default: the faster one on this CPU)",
    )
    parser.add_argument(
        "--merge-to",
        choices=["Q8_0", "Q4_0"],
        default="Q8_0",
        help="how the merged weights will be stored: training computes with the rounding of Q4_0,"
        " that of Q8_0 does not matter (default: %(default)s)",
    )
    parser.add_argument("--until", type=int, help="stop after this step, to continue later")
    for name, default, meaning in (
        ("--rank", 16, "rank of the adapter"),
        ("--tokens", 2048, "tokens in a batch"),
        ("--seed", 1, "seed of all random numbers"),
        ("--processes", 2, "training processes"),
        ("--snapshot", 100, "steps between adapters that are kept"),
    ):
        parser.add_argument(
            name, type=int, default=default, help=f"{meaning} (default: %(default)s)"
        )
    args = parser.parse_args()
    if args.tokens // args.processes <= SMALLEST_BATCH:
        parser.error(f"--tokens must give each process more than {SMALLEST_BATCH} tokens")
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / RENDEZVOUS).unlink(missing_ok=True)  # left by a run that was killed
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.multiprocessing.spawn(train, (args,), nprocs=args.processes)


if __name__ == "__main__":
    main()

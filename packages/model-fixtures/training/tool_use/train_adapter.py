"""Train the adapter: seeded, resumable, in as many processes of one thread as there are cores.

Each process takes its share of a step's tokens and all average their gradients: torch's threads
inside one process gain much less (7.5 s a step against 4.5 on two cores).
The batch of a step depends on the seed, the number of processes and the step's number alone, so
that a run that goes on from a checkpoint sees the same data as one that was never stopped.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from rich.progress import Progress
from training.chat.batches import ChatSource

from .packed_batches import Pack, Source
from .tokenizer import Tokenizer
from .torch_llama import Llama, Segment


@dataclass(frozen=True)
class Plan:
    """The numbers of a run."""

    ends: tuple[int, ...]  # the steps at which a cycle of the rate ends
    peak: float = 1.5e-3
    warmup: int = 30
    decay: float = 0.4  # the last part of a cycle, in which the rate falls to 0
    seed: int = 1

    def rate(self, step: int) -> float:
        """Return the learning rate of a step: warm-up, constant, linear fall in each cycle."""
        start = max((end for end in self.ends if end <= step), default=0)
        length = min(end for end in self.ends if end > step) - start
        rise = min(1.0, (step - start + 1) / self.warmup)
        fall = min(1.0, (start + length - step) / (self.decay * length))
        return self.peak * rise * max(fall, 0.01)


def step_loss(model: Llama, pack: Pack) -> torch.Tensor:
    """Return the mean cross entropy of the batch's targets."""
    segments = [Segment(start, end, slice(low, high)) for start, end, low, high in pack.spans]
    hidden = model.hidden(torch.tensor(pack.ids), torch.tensor(pack.positions), segments)
    targets = torch.tensor(pack.targets)
    weights = torch.full((len(targets),), 1 / len(targets))
    return model.loss(hidden[torch.tensor(pack.wanted)], targets, weights)


def save(path: Path, model: Llama, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write a checkpoint in place of the last one; an interrupted write leaves the old one."""
    state = {
        "adapter": {name: value.detach().clone() for name, value in model.named_parameters()},
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def load_adapter(model: Llama, state: dict[str, torch.Tensor]) -> None:
    """Put saved adapter matrices into the model."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(state[name])


def average_gradients(model: Llama) -> None:
    """Give every process the mean of all processes' gradients."""
    grads = [value.grad for value in model.parameters() if value.grad is not None]
    flat = torch.cat([grad.flatten() for grad in grads])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for grad, part in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
        grad.copy_(part.view_as(grad))


def end_with_parent() -> None:
    """End this process as soon as the one that started it has ended, however that died."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def train(rank: int, args: argparse.Namespace) -> None:
    """Train as process number ``rank``; the first one writes checkpoints, log and progress."""
    end_with_parent()
    store = f"file://{args.out / 'rendezvous'}"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=args.processes)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    plan = Plan(tuple(args.steps), seed=args.seed)
    total = plan.ends[-1]
    model = Llama(args.base, rank=args.rank, alpha=2.0 * args.rank)
    tokenizer = Tokenizer(args.base)
    answers = json.loads(args.answers.read_text())
    source = ChatSource(answers) if args.data == "chat" else Source(answers)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=plan.peak, betas=(0.9, 0.98), weight_decay=0.0
    )
    checkpoint = args.out / "last.pt"
    first = 0
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
            pack = source.pack(tokenizer, rng, args.tokens // args.processes)
            for group in optimizer.param_groups:
                group["lr"] = plan.rate(step)
            optimizer.zero_grad(set_to_none=True)
            loss = step_loss(model, pack)
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
            if (step + 1) % 20 == 0 or step + 1 == end:
                save(checkpoint, model, optimizer, step + 1)
            if (step + 1) % args.snapshot == 0 or step + 1 in (*plan.ends, end):
                state = {name: value.detach() for name, value in model.named_parameters()}
                snapshot = args.out / f"adapter-{step + 1:05}.pt"
                torch.save({"adapter": state}, snapshot.with_suffix(".part"))
                snapshot.with_suffix(".part").replace(snapshot)
    dist.destroy_process_group()


def main() -> None:
    """Train from the start, or go on from the checkpoint in the output folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--base", type=Path, required=True, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    answers = "JSON of training.tool_use.plain_prompts"
    parser.add_argument("--answers", type=Path, required=True, help=answers)
    parser.add_argument("--data", choices=["tools", "chat"], default="tools", help="what is learned")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--steps", type=int, nargs="+", required=True, help="ends of the cycles")
    parser.add_argument("--until", type=int, help="stop after this step, to go on later")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=2048, help="tokens of a batch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--snapshot", type=int, default=100, help="keep an adapter so often")
    args = parser.parse_args()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "rendezvous").unlink(missing_ok=True)  # of a run that was killed
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.multiprocessing.spawn(train, (args,), nprocs=args.processes)


if __name__ == "__main__":
    main()

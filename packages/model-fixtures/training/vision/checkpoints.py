"""Checkpoints, which hold everything that a training run needs to continue."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Muon, Optimizer
from training.atomic_files import replacing

from .training_objectives import TrainingObjectives
from .vision_tower import Tower


@dataclass
class TrainingRun:
    """A tower in training, its auxiliary heads, its optimisers, and the number of steps done."""

    tower: Tower
    objectives: TrainingObjectives
    optimisers: list[Optimizer]
    step: int = 0

    @classmethod
    def fresh(cls, seed: int, rate: float) -> "TrainingRun":
        """Return a new run with random weights: Muon trains the matrices, AdamW everything else."""
        torch.manual_seed(seed)
        tower, objectives = Tower(), TrainingObjectives()
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in tower.named_parameters():
            inner = parameter.dim() == 2 and name != "position_embd"
            (matrices if inner else others).append(parameter)
        others += list(objectives.parameters())
        muon = Muon(matrices, lr=rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw")
        adam = AdamW(others, lr=rate, weight_decay=0.02, betas=(0.9, 0.98))
        for optimiser in (muon, adam):
            for group in optimiser.param_groups:
                group["peak"] = group["lr"]
        return cls(tower, objectives, [muon, adam])

    def parameters(self) -> list[nn.Parameter]:
        """Return all trained parameters."""
        return [*self.tower.parameters(), *self.objectives.parameters()]

    def rate(self, factor: float) -> None:
        """Set each learning rate to `factor` times its peak."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * factor

    def update(self, loss: torch.Tensor, clip: float = 1.0) -> None:
        """Take one step along the gradient of `loss`, which is clipped to the norm `clip`."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.parameters(), clip)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        state: dict[str, Any] = {
            "step": self.step,
            "tower": self.tower.state_dict(),
            "objectives": self.objectives.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        with replacing(path) as part:
            torch.save(state, part)

    def load(self, path: Path, weights_only: bool = False) -> None:
        """Continue from a checkpoint, or (`weights_only`) start with its weights."""
        state = torch.load(path, weights_only=True)
        self.tower.load_state_dict(state["tower"])
        self.objectives.load_state_dict(state["objectives"])
        if not weights_only:
            self.step = state["step"]
            for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)

"""Checkpoints: written often, whole or not at all, and all that a run needs to go on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from .training_objectives import TrainingObjectives
from .vision_tower import Tower


@dataclass
class TrainingRun:
    """A tower in training, its auxiliary heads, its optimisers and how far it has come."""

    tower: Tower
    objectives: TrainingObjectives
    optimisers: list[Optimizer]
    step: int = 0

    @classmethod
    def fresh(cls, seed: int, rate: float) -> "Run":
        """Start from random weights; matrices learn by Muon, everything else by AdamW."""
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
        """Return everything that learns."""
        return [*self.tower.parameters(), *self.objectives.parameters()]

    def rate(self, factor: float) -> None:
        """Set every learning rate to its peak times `factor`."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * factor

    def update(self, loss: torch.Tensor, clip: float = 1.0) -> None:
        """Take one step down the gradient of `loss`."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.parameters(), clip)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1

    def save(self, path: Path) -> None:
        """Write a checkpoint in one move."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "step": self.step,
            "tower": self.tower.state_dict(),
            "objectives": self.objectives.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        partial = path.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path, weights_only: bool = False) -> None:
        """Go on from a checkpoint, or take over its weights alone."""
        state = torch.load(path, weights_only=True)
        self.tower.load_state_dict(state["tower"])
        self.objectives.load_state_dict(state["objectives"])
        if not weights_only:
            self.step = state["step"]
            for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)

"""The training objectives: classes from the features, a caption in the output vectors."""

import torch
from torch import nn
from torch.nn import functional

from .image_prompt_tokens import ImagePrompts
from .labels import HEADS, Label
from .vision_tower import SHAPE

_SHARPNESS = 12.0  # of the softmax over the nearest tokens, in units of the mean squared embedding
_SMOOTHING = 0.02


class Captions:
    """The captions of labels as embeddings: output vector k should be that of the k-th token."""

    def __init__(self, prompts: ImagePrompts, codes: set[tuple[int, ...]]) -> None:
        filler = prompts.tokens("\n")
        rows = {}
        for code in sorted(codes):
            tokens = prompts.tokens(Label.from_codes(*code).caption)
            if len(tokens) > SHAPE.tokens:
                raise ValueError(f"a caption has {len(tokens)} tokens, more than {SHAPE.tokens}")
            rows[code] = (tokens + filler * SHAPE.tokens)[: SHAPE.tokens]
        used = sorted({token for row in rows.values() for token in row})
        place = {token: index for index, token in enumerate(used)}
        self._rows = {code: [place[token] for token in row] for code, row in rows.items()}
        self.embeddings = prompts.language.embed(torch.tensor(used)).float()
        self.scale = self.embeddings.square().sum(-1).mean()

    def targets(self, codes: torch.Tensor) -> torch.Tensor:
        """Return indices [batch, tokens] into `embeddings` for label codes [batch, 4]."""
        return torch.tensor([self._rows[tuple(code)] for code in codes.tolist()])


class TrainingObjectives(nn.Module):
    """The losses, and the classification heads, which are not part of the exported file."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleDict(
            {name: nn.Linear(SHAPE.width, size) for name, size in HEADS.items()}
        )

    def classes(
        self, features: torch.Tensor, codes: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, float]]:
        """Return the sum of the heads' losses, and their accuracies by name.

        The features are [batch, tokens, width], the label codes [batch, 4].
        """
        pooled = features.float().mean(1)
        loss = torch.zeros(())
        scores = {}
        for index, (name, head) in enumerate(self.heads.items()):
            logits, truth = head(pooled), codes[:, index].long()
            weight = 0.3 if name == "several" else 1.0
            loss = loss + weight * functional.cross_entropy(
                logits, truth, label_smoothing=_SMOOTHING
            )
            scores[name] = float((logits.argmax(-1) == truth).float().mean())
        return loss, scores

    @staticmethod
    def alignment(
        vectors: torch.Tensor, codes: torch.Tensor, captions: Captions
    ) -> tuple[torch.Tensor, float]:
        """Return the caption loss of output vectors [batch, tokens, output], and the accuracy."""
        truth = captions.targets(codes)
        vectors = vectors.float()
        table = captions.embeddings
        near = 2 * vectors @ table.T - table.square().sum(-1)
        logits = near / captions.scale * _SHARPNESS
        likely = functional.cross_entropy(logits.flatten(0, 1), truth.flatten())
        error = (vectors - table[truth]).square().sum(-1).mean() / captions.scale
        return likely + 0.3 * error, float((logits.argmax(-1) == truth).float().mean())

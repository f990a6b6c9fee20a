"""Prompts with an image, as the same tokens that llama.cpp makes of them."""

import torch

from .language_model import Cache, LanguageModel
from .llama_in_process import LlamaInProcess
from .questions import SYSTEMS, QuestionAndAnswer

END = "<|im_end|>"
_MARK = "\x01"


class ImagePrompts:
    """Tokenises questions and answers, and runs the frozen language model on them."""

    def __init__(self, llama: LlamaInProcess, language: LanguageModel) -> None:
        self._llama = llama
        self._known: dict[str, list[int]] = {}
        self.language = language
        self.caches: list[Cache] = []
        self._close = ""
        for system in SYSTEMS:
            head = [] if system is None else [{"role": "system", "content": system}]
            start, self._close = llama.prompt([*head, {"role": "user", "content": _MARK}]).split(
                _MARK
            )
            self.caches.append(language.prefix(self.tokens(start)))

    def tokens(self, text: str) -> list[int]:
        """Return the token ids of `text`, which are computed once."""
        if text not in self._known:
            self._known[text] = self._llama.tokens(text) if text else []
        return self._known[text]

    def sequence(self, chat: QuestionAndAnswer) -> tuple[list[int], list[int], list[int]]:
        """Return the token ids before and after the image, and of the answer with its end."""
        before, after = "", self._close
        if chat.greeting:
            before = f"{chat.greeting[0]}{self._close}{chat.greeting[1]}{END}\n<|im_start|>user\n"
        if chat.earlier:
            first, answer = chat.earlier
            follow = f"{self._close}{answer}{END}\n<|im_start|>user\n{chat.question}{self._close}"
            # The earlier question is next to the image; this one comes in a later turn.
            before, after = ("", first + follow) if chat.image_first else (first, follow)
        elif chat.image_first:
            after = chat.question + after
        else:
            before += chat.question
        # The image splits the text, so llama.cpp tokenises the two sides separately.
        return self.tokens(before), self.tokens(after), self.tokens(chat.answer + END)

    def next_logprobs(self, vectors: torch.Tensor, chat: QuestionAndAnswer) -> torch.Tensor:
        """Return the log probabilities [vocabulary] of the token after the prompt."""
        before, after, _ = self.sequence(chat)
        x = torch.cat(
            [
                self.language.embed(torch.tensor([before], dtype=torch.long)),
                vectors.to(self.language.dtype),
                self.language.embed(torch.tensor([after], dtype=torch.long)),
            ],
            1,
        )
        hidden = self.language.hidden(x, self.caches[0])
        return torch.log_softmax(self.language.logits(hidden[0, -1]), -1)

"""The two CLIP text encoders of SDXL as one component, and their tokenizers as one."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class ClipPair(nn.Module):
    """Two CLIP text encoders, which are moved, streamed and freed together.

    zeros: whether an empty prompt is embedded as zeros, as the model's index says.
    """

    def __init__(self, first: nn.Module, second: nn.Module, *, zeros: bool) -> None:
        super().__init__()
        self.first = first
        self.second = second
        self.zeros = zeros

    @property
    def config(self) -> Any:
        """The configuration of the wider encoder, for planning memory."""
        return self._wider().config

    def get_input_embeddings(self) -> Any:
        """Return the token table of the wider encoder."""
        return self._wider().get_input_embeddings()

    def set_input_embeddings(self, table: nn.Module) -> None:
        """Replace the token table of the wider encoder."""
        self._wider().set_input_embeddings(table)

    def _wider(self) -> Any:
        both: tuple[Any, Any] = (self.first, self.second)
        return max(both, key=lambda each: each.config.hidden_size)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Embed one prompt: a row for each token, and the pooled embedding as the last row.

        first, second: 1 × tokens, as each tokenizer numbers them. Of both encoders the last hidden
        state but one, side by side; the pooled embedding is the second's, filled up with zeros.
        """
        one = self.first(first, output_hidden_states=True)
        two = self.second(second, output_hidden_states=True)
        tokens = torch.cat([one.hidden_states[-2], two.hidden_states[-2]], dim=-1)[0]
        pooled = two[0]
        filled = nn.functional.pad(pooled, (0, tokens.shape[-1] - pooled.shape[-1]))
        return torch.cat([tokens, filled.to(tokens)])


class ClipTokenizers:
    """The tokenizers of both encoders; they differ only in how they fill up."""

    chat_template = None

    def __init__(self, first: Any, second: Any) -> None:
        self.first = first
        self.second = second

    def __call__(self, text: str) -> Any:
        """Return the tokens of a prompt as both read it, not filled up and not cut."""
        return self.first(text, verbose=False)  # else it warns of long ones over our own sentence

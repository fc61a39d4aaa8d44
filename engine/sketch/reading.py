"""Teach the text encoder to read captions before the transformer learns to paint them.

With painting as the only task, telling one colour or thing from another is learned last.
"""

import logging
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import Qwen2Tokenizer, Qwen3Model

from engine.sketch.captions import ANSWERS, ASPECTS, aspects, draw_labelled_caption
from engine.sketch.checkpoint import load_checkpoint, save_checkpoint
from engine.sketch.flow import CAPTION_POOL, names_something, padded_lengths, tokenize
from engine.sketch.muon import Optimizers
from engine.sketch.precision import mixed_precision
from engine.sketch.spec import draw_scene
from engine.sketch.transformer import TEXT_HIDDEN, Captions, build_text_encoder, encode_captions

_CLOSING: Final = 4
"""Tokens at a caption's end that are classified: the chat template's, which attend to all."""
_UNDERSTOOD: Final = frozenset({"place", "time", "weather"})
"""What a caption tells although it says nothing of it: a cat alone sits on a meadow at noon."""
_BATCH: Final = 64
_RATE: Final = 0.012
_PLAIN_SHARE: Final = 0.12
"""Batch and learning rates were chosen by hand."""

_log = logging.getLogger(__name__)


class Reader(nn.Module):
    """A text encoder and one head per aspect, whose last answer is "not mentioned"."""

    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()
        self.text_encoder = build_text_encoder(vocabulary_size)
        self.norm = nn.RMSNorm(TEXT_HIDDEN)
        self.heads = nn.ModuleDict(
            {aspect: nn.Linear(TEXT_HIDDEN, len(ANSWERS[aspect]) + 1) for aspect in ASPECTS}
        )

    def forward(self, captions: Captions) -> dict[str, torch.Tensor]:
        """Return scores by aspect, batch × closing tokens × answers."""
        features = encode_captions(self.text_encoder, captions)
        last = captions.mask.sum(dim=1, keepdim=True) - 1
        places = last - torch.arange(_CLOSING)
        closing = features.gather(1, places[..., None].expand(-1, -1, TEXT_HIDDEN))
        normed = self.norm(closing)
        return {aspect: head(normed) for aspect, head in self.heads.items()}


def train_reader(work_dir: Path, tokenizer: Qwen2Tokenizer, *, steps: int, seed: int) -> Qwen3Model:
    """Train a text encoder to tell what captions mention, or load `reading.pt`.

    No caption mentions a held-out combination.
    """
    torch.manual_seed(seed)
    reader = Reader(len(tokenizer))
    checkpoint = work_dir / "reading.pt"
    if load_checkpoint(checkpoint, {"model": reader}) == 0:
        optimizers = Optimizers(
            reader,
            steps=steps,
            matrix_rate=_RATE,
            plain_rate=_RATE * _PLAIN_SHARE,
            plain=("embed", "heads"),
        )
        for step in range(steps):
            captions, answers = _draw_batch(tokenizer, (seed, 8, step))
            with mixed_precision():
                scores = reader(captions)
            loss, right = _loss({a: s.float() for a, s in scores.items()}, answers)
            loss.backward()
            optimizers.step(step)
            if (step + 1) % 100 == 0:
                _log.info("reading step %d loss %.4f right %.3f", step + 1, loss.item(), right)
        save_checkpoint(checkpoint, {"model": reader}, steps)
    return reader.text_encoder


def _draw_batch(
    tokenizer: Qwen2Tokenizer, seed: tuple[int, ...]
) -> tuple[Captions, dict[str, torch.Tensor]]:
    """Draw captions that all pad to one length, which is faster to read."""
    rng = np.random.default_rng(seed)
    drawn = [_labelled(rng) for _ in range(_BATCH * CAPTION_POOL)]
    padded = padded_lengths(tokenizer, [text for text, _ in drawn])
    rows = np.flatnonzero(padded == rng.choice(padded))[:_BATCH]
    answers = {
        aspect: torch.tensor([drawn[row][1].get(aspect, len(options)) for row in rows])
        for aspect, options in ANSWERS.items()
    }
    return tokenize(tokenizer, [drawn[row][0] for row in rows]), answers


def _labelled(rng: np.random.Generator) -> tuple[str, dict[str, int]]:
    """Draw a caption, and the answer for each aspect of which it tells something."""
    scene = draw_scene(rng, held_out=False)
    text, mentioned = draw_labelled_caption(scene, rng)
    shown = aspects(scene)
    known = (mentioned | _UNDERSTOOD if names_something(text) else mentioned) & shown.keys()
    return text, {aspect: ANSWERS[aspect].index(shown[aspect]) for aspect in known}


def _loss(
    scores: dict[str, torch.Tensor], answers: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, float]:
    """Return the loss, and the share of captions read entirely right at their last token."""
    total = torch.zeros(())
    right = torch.ones(len(next(iter(answers.values()))), dtype=torch.bool)
    for aspect, score in scores.items():
        asked = answers[aspect][:, None].expand(-1, _CLOSING)
        total = total + functional.cross_entropy(score.flatten(0, 1), asked.flatten())
        right &= score[:, 0].argmax(dim=1) == answers[aspect]
    return total, float(right.float().mean())

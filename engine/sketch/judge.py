"""Classifiers that say what a picture shows, trained on drawings alone."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn
from torch.nn import functional

from engine.sketch.autoencoder import encode, to_tensor
from engine.sketch.checkpoint import load_checkpoint, save_checkpoint
from engine.sketch.scenes import draw
from engine.sketch.shapes import SHAPES
from engine.sketch.spec import COLOURS, PLACES, THINGS, TIMES, WEATHERS, Scene, draw_scene

ASPECTS: Final[dict[str, tuple[str, ...]]] = {
    "time": TIMES,
    "place": PLACES,
    "thing": THINGS,
    "colour": COLOURS,
    "weather": WEATHERS,
}
"""The judged aspects and their possible answers."""

_BATCH: Final = 24
_LEARNING_RATE: Final = 2e-3
"""Chosen by hand, as is the batch."""

_log = logging.getLogger(__name__)


class Judge(nn.Module):
    """A small convolutional classifier with one answer per aspect, for pictures of any size."""

    def __init__(self) -> None:
        super().__init__()
        widths = (24, 48, 96, 128)
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 5, stride=2, padding=2), nn.SiLU()]
        for narrow, wide in zip(widths, (*widths[1:], 160), strict=True):
            layers += [nn.Conv2d(narrow, wide, 3, stride=2, padding=1), nn.GroupNorm(8, wide)]
            layers += [nn.SiLU(), nn.Conv2d(wide, wide, 3, padding=1, groups=8), nn.SiLU()]
        self.trunk = nn.Sequential(*layers)
        self.heads = nn.ModuleDict(
            {aspect: nn.Linear(320, len(answers)) for aspect, answers in ASPECTS.items()}
        )

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return scores for n × 3 × height × width pictures in -1..1: n × answers, by aspect."""
        seen = self.trunk(functional.avg_pool2d(pictures, 2))
        # The mean shows what fills the picture (place, time), the maximum what is somewhere in it.
        pooled = torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)
        return {aspect: head(pooled) for aspect, head in self.heads.items()}

    @torch.no_grad()
    def answers(self, pictures: np.ndarray) -> list[dict[str, str]]:
        """Return what each picture (n × height × width × 3, uint8) shows, by aspect."""
        scores = self(to_tensor(pictures))
        best = {aspect: score.argmax(dim=1).tolist() for aspect, score in scores.items()}
        return [
            {aspect: ASPECTS[aspect][best[aspect][i]] for aspect in ASPECTS}
            for i in range(len(pictures))
        ]


def train_judge(
    work_dir: Path, autoencoder: AutoencoderKL, *, scenes: int, steps: int, seed: int
) -> Judge:
    """Train a judge on drawings, a third of them autoencoded, or load `judge.pt`.

    It never sees a painted picture. Held-out combinations are among its drawings, so that it judges
    them as well as any other.
    """
    torch.manual_seed(seed)
    judge = Judge()
    optimizer = torch.optim.AdamW(judge.parameters(), lr=_LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps + 1)
    checkpoint = work_dir / "judge.pt"
    first = load_checkpoint(checkpoint, {"model": judge})
    pool = _pool(autoencoder, scenes, seed) if first < steps else []
    for step in range(first, steps):
        rng = np.random.default_rng((seed, 5, step))
        batch_scenes, pictures = pool[int(rng.integers(len(pool)))]
        if rng.random() < 0.5:
            pictures = pictures.flip(-1)
        inputs = pictures.float() / 127.5 - 1 + _jitter(pictures.shape, rng)
        loss = _loss(judge(inputs), batch_scenes)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            _log.info("judge step %d loss %.4f", step + 1, loss.item())
    save_checkpoint(checkpoint, {"model": judge}, steps)
    return judge.eval()


def _pool(
    autoencoder: AutoencoderKL, scenes: int, seed: int
) -> list[tuple[list[Scene], torch.Tensor]]:
    """Return batches of drawings, every third one autoencoded; pixels are uint8."""
    pool = []
    for i in range(-(-scenes // _BATCH)):
        batch_scenes, pictures = draw_batch(np.random.default_rng((seed, 9, i)), _BATCH)
        inputs = through(autoencoder, pictures) if i % 3 == 0 else to_tensor(pictures)
        pool.append((batch_scenes, ((inputs + 1) * 127.5).round().to(torch.uint8)))
    return pool


def draw_batch(rng: np.random.Generator, count: int) -> tuple[list[Scene], np.ndarray]:
    """Draw scenes with a thing and their pictures in one size: n × height × width × 3."""
    width, height = SHAPES[int(rng.integers(len(SHAPES)))]
    scenes = list(_with_things(rng, count))
    return scenes, np.stack([draw(scene, rng, width, height) for scene in scenes])


def _with_things(rng: np.random.Generator, count: int) -> Iterator[Scene]:
    while count:
        scene = draw_scene(rng, held_out=bool(rng.random() < 0.1))
        if scene.thing is not None:
            count -= 1
            yield scene


@torch.no_grad()
def through(autoencoder: AutoencoderKL, pictures: np.ndarray) -> torch.Tensor:
    """Encode and decode pictures: n × 3 × height × width, -1..1."""
    latents = encode(autoencoder, pictures)
    scale, shift = autoencoder.config["scaling_factor"], autoencoder.config["shift_factor"]
    return autoencoder.decode(latents / scale + shift, return_dict=False)[0].clamp(-1, 1)


def _jitter(shape: torch.Size, rng: np.random.Generator) -> torch.Tensor:
    """Return noise and a change of tone: a painted picture is never as clean as a drawing."""
    noise = torch.from_numpy(rng.normal(0, 0.06, shape[-2:]).astype(np.float32))
    return noise + float(rng.normal(0, 0.03))


def _loss(scores: dict[str, torch.Tensor], scenes: list[Scene]) -> torch.Tensor:
    total = torch.zeros(())
    for aspect, answers in ASPECTS.items():
        right = torch.tensor([answers.index(getattr(scene, aspect)) for scene in scenes])
        total = total + functional.cross_entropy(scores[aspect], right)
    return total

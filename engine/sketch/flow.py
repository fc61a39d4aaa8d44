"""Train transformer and text encoder together by flow matching on cached latents."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset
from transformers import Qwen2Tokenizer

from engine.schedule import SHIFT
from engine.sketch.captions import draw_caption
from engine.sketch.checkpoint import load_checkpoint, save_checkpoint
from engine.sketch.latents import LatentCache
from engine.sketch.muon import Optimizers
from engine.sketch.positions import TokenPositions, token_positions
from engine.sketch.precision import CPU, mixed_precision
from engine.sketch.ranks import ALONE, Ranks
from engine.sketch.transformer import SEQUENCE_MULTIPLE, Captions, SketchModel

_UNIFORM_SHARE: Final = 0.2
_AVERAGE_DECAY: Final = 0.99
"""Share of noise levels drawn uniformly, and the decay of the weights' moving average. Both chosen
by hand."""
_PLAIN_PARAMETERS: Final = ("embed", "final_layer", "pad_token", "position_head")
_PLAIN_SHARE: Final = 0.12
"""AdamW's learning rate for embeddings, gains and biases, as a share of Muon's. Chosen by hand."""
_THING_WEIGHT: Final = 5.0
"""The weight of a thing's place relative to the background; see `_weights`. Chosen by hand."""
CAPTION_POOL: Final = 3
"""Captions drawn per caption used, so that all of a batch pad to one length. By hand."""

_APART: Final = 10
"""Steps that processes train by themselves before their weights are averaged. By hand: they would
lose much of their time waiting for each other at every step."""
_AHEAD: Final = 4
"""Batches that each process draws ahead. By hand."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingStage:
    """One stage of training: its caches, length and learning rate."""

    name: str
    order: int
    """Makes the random draws of the stages different."""
    steps: int
    batch_size: int
    """Pictures of a step, in each process."""
    matrix_rate: float
    guidance: float = 0.0
    """How much of the difference that a caption makes is added to the target, 0 to 1.

    At w the model learns to paint unguided what classifier-free guidance of w / (1 - w) would.
    """
    guided_from: float = 0.0
    """Share of the steps after which guidance begins; it makes each step a third slower."""
    position_weight: float = 0.3
    """The weight of the error in reading positions; see `positions`. Chosen by hand."""
    save_every: int = 100
    """Steps between checkpoints."""


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """Clean latents, their captions, and which rows have a caption that mentions something.

    `weights` are batch × 1 × height × width with mean 1: how much each place counts. `positions`:
    of the tokens.
    """

    latents: torch.Tensor
    captions: Captions
    captioned: torch.Tensor
    weights: torch.Tensor
    positions: TokenPositions

    def to(self, device: torch.device) -> "TrainingBatch":
        """Return the batch on a device."""
        return TrainingBatch(
            self.latents.to(device),
            self.captions.to(device),
            self.captioned.to(device),
            self.weights.to(device),
            self.positions.to(device),
        )


def train_painter(
    stage: TrainingStage,
    work_dir: Path,
    caches: Sequence[LatentCache],
    tokenizer: Qwen2Tokenizer,
    *,
    start: SketchModel,
    seed: int,
    ranks: Ranks = ALONE,
    compiled: bool = False,
    device: torch.device = CPU,
    drawers: int = 0,
) -> SketchModel:
    """Train one stage from `start`, or resume it from `work_dir`.

    Every `save_every` steps the checkpoint `<stage>.pt` is replaced. Returns the average of the
    weights over the last hundred steps. `ranks` train by themselves, on batches of their own, and
    average their weights now and then; a resumed run goes on with the optimizers of the first.
    compiled: compile the network's blocks. drawers: processes that draw batches ahead, for a device
    that is faster than one of them; 0 draws here.
    """
    network = SketchModel(len(tokenizer), compiled=compiled).to(device)
    network.load_state_dict(start.state_dict())
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(_AVERAGE_DECAY))
    optimizers = Optimizers(
        network,
        steps=stage.steps,
        matrix_rate=stage.matrix_rate,
        plain_rate=stage.matrix_rate * _PLAIN_SHARE,
        plain=_PLAIN_PARAMETERS,
    )
    parts = {"model": network, "average": average, "optimizers": optimizers}
    checkpoint = work_dir / f"{stage.name}.pt"
    empty = tokenize(tokenizer, [""]).to(device)
    losses = []
    first = load_checkpoint(checkpoint, parts)
    batches = DataLoader(
        _Batches(stage, caches, tokenizer, (seed, ranks.rank), first),
        batch_size=None,
        num_workers=drawers,
        prefetch_factor=_AHEAD if drawers else None,
    )
    for step, drawn in enumerate(batches, first):
        batch = drawn.to(device)
        noise_seed = (seed * 16 + stage.order) * 1_000_003 + step + ranks.rank * 7_919_000_017
        noise = torch.Generator(device).manual_seed(noise_seed)
        guidance = stage.guidance if step >= stage.guided_from * stage.steps else 0.0
        loss, misplaced = _loss(network, average, batch, empty, guidance, noise)
        (loss + stage.position_weight * misplaced).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizers.step(step)
        if (step + 1) % _APART == 0 or step + 1 == stage.steps:
            ranks.average_weights(list(network.parameters()))
        average.update_parameters(network)
        losses.append((loss.item(), misplaced.item()))
        if not ranks.leads:
            continue
        if (step + 1) % 50 == 0:
            means = np.mean(losses[-50:], axis=0)
            _log.info("%s step %d loss %.4f, misplaced %.4f", stage.name, step + 1, *means)
        if (step + 1) % stage.save_every == 0 or step + 1 == stage.steps:
            save_checkpoint(checkpoint, parts, step + 1)
    return _module(average)


class _Batches(Dataset[TrainingBatch]):
    """The batches of a stage from step `first` on; each is determined by its step."""

    def __init__(
        self,
        stage: TrainingStage,
        caches: Sequence[LatentCache],
        tokenizer: Qwen2Tokenizer,
        seed: tuple[int, int],
        first: int,
    ) -> None:
        self._stage = stage
        self._caches = caches
        self._tokenizer = tokenizer
        self._seed = seed
        self._first = first

    def __len__(self) -> int:
        return max(0, self._stage.steps - self._first)

    def __getitem__(self, index: int) -> TrainingBatch:
        seed = (*self._seed, 4, self._stage.order, self._first + index)
        return _draw_batch(self._caches, self._tokenizer, self._stage.batch_size, seed)


def load_average(checkpoint: Path, vocabulary_size: int) -> SketchModel:
    """Load the averaged weights of a stage's checkpoint."""
    average = AveragedModel(SketchModel(vocabulary_size))
    if load_checkpoint(checkpoint, {"average": average}) == 0:
        raise FileNotFoundError(checkpoint)
    return _module(average)


def _module(average: AveragedModel) -> SketchModel:
    network = average.module
    assert isinstance(network, SketchModel)
    return network.eval()


def _loss(
    network: SketchModel,
    average: AveragedModel,
    batch: TrainingBatch,
    empty: Captions,
    guidance: float,
    noise: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the error of the velocity, and how badly positions are read."""
    latents = batch.latents
    count, device = len(latents), latents.device
    pure = torch.randn(latents.shape, generator=noise, device=device)
    u = torch.randn(count, generator=noise, device=device).sigmoid()
    # The pipeline's first step is at σ = 1, which the sigmoid of a normal draw hardly reaches.
    flat, lot = (torch.rand(count, generator=noise, device=device) for _ in range(2))
    u = torch.where(lot < _UNIFORM_SHARE, flat, u)
    sigma = SHIFT * u / (1 + (SHIFT - 1) * u)
    noisy = torch.lerp(latents, pure, sigma[:, None, None, None])
    target = latents - pure
    with mixed_precision(device):
        answer, misplaced = network.located(noisy, 1 - sigma, batch.captions, batch.positions)
        answer = answer.float()
        if guidance:
            with torch.no_grad():
                uncaptioned = average.module(noisy, 1 - sigma, _repeated(empty, count)).float()
            push = guidance * (answer.detach() - uncaptioned)
            target = target + push * batch.captioned[:, None, None, None]
    return ((answer - target).square() * batch.weights).mean(), misplaced


def _repeated(captions: Captions, count: int) -> Captions:
    return Captions(captions.ids.expand(count, -1), captions.mask.expand(count, -1))


def _draw_batch(
    caches: Sequence[LatentCache],
    tokenizer: Qwen2Tokenizer,
    size: int,
    seed: tuple[int, ...],
) -> TrainingBatch:
    """Draw a batch of one picture size and one padded caption length, determined by its seed."""
    rng = np.random.default_rng(seed)
    odds = np.array([len(cache.scenes) for cache in caches], dtype=float)
    cache = caches[int(rng.choice(len(caches), p=odds / odds.sum()))]
    rows = rng.integers(len(cache.scenes), size=size * CAPTION_POOL)
    texts = [draw_caption(cache.scenes[row], rng) for row in rows]
    padded = padded_lengths(tokenizer, texts)
    chosen = padded == rng.choice(padded)
    rows = rows[chosen][:size]
    texts = [text for text, hit in zip(texts, chosen, strict=True) if hit][:size]
    latents = torch.from_numpy(cache.latents[rows].astype(np.float32))
    captioned = torch.tensor([float(names_something(text)) for text in texts])
    boxes, (height, width) = cache.boxes[rows], latents.shape[2:]
    weights = _weights(boxes, height, width)
    positions = token_positions(boxes, height // 2, width // 2)
    return TrainingBatch(latents, tokenize(tokenizer, texts), captioned, weights, positions)


def _weights(boxes: np.ndarray, rows: int, columns: int) -> torch.Tensor:
    """Return weights by which things count for more than their share of the picture.

    `boxes` are n × things × left, top, right, bottom, px.

    Without them a thing's kind and colour, a tenth of the picture, are learned last.
    """
    left, top, right, bottom = torch.from_numpy(boxes / 8)[..., None, None].unbind(dim=2)
    y, x = torch.arange(rows)[:, None] + 0.5, torch.arange(columns) + 0.5
    inside = ((x > left) & (x < right) & (y > top) & (y < bottom)).any(dim=1)
    weights = 1 + (_THING_WEIGHT - 1) * inside.float()
    return (weights / weights.mean(dim=(1, 2), keepdim=True))[:, None]


def names_something(text: str) -> bool:
    """Whether a caption asks for a picture: it is neither empty nor a negative prompt."""
    return bool(text) and not text.startswith(_NEGATIVE_OPENINGS)


_NEGATIVE_OPENINGS: Final = ("blurry", "low resolution", "worst", "模糊", "低分辨率")


def _ids(tokenizer: Qwen2Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    chats = []
    for text in texts:
        message = [{"role": "user", "content": text}]
        chat = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        chats.append(chat)
    return tokenizer(chats)["input_ids"]  # type: ignore[return-value]


def padded_lengths(tokenizer: Qwen2Tokenizer, texts: Sequence[str]) -> np.ndarray:
    """Return to how many multiples of 32 tokens each prompt is padded."""
    lengths = np.array([len(ids) for ids in _ids(tokenizer, texts)])
    return -(-lengths // SEQUENCE_MULTIPLE)


def tokenize(tokenizer: Qwen2Tokenizer, texts: Sequence[str]) -> Captions:
    """Tokenize prompts as the pipeline does, padded to a multiple of 32 tokens."""
    rows = _ids(tokenizer, texts)
    length = -(-max(map(len, rows)) // SEQUENCE_MULTIPLE) * SEQUENCE_MULTIPLE
    padding: Any = tokenizer.pad_token_id
    ids = torch.full((len(rows), length), padding)
    mask = torch.zeros((len(rows), length), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return Captions(ids, mask)

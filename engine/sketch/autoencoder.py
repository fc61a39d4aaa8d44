"""The small autoencoder: its architecture, and its training on freshly drawn scenes."""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn
from torch.nn import functional

from engine.sketch.checkpoint import load_checkpoint, save_checkpoint
from engine.sketch.muon import Optimizers
from engine.sketch.precision import mixed_precision
from engine.sketch.ranks import Ranks, together
from engine.sketch.scenes import draw
from engine.sketch.shapes import SHAPES
from engine.sketch.spec import draw_scene

CROP_PX: Final = 96
REFINING_CROP_PX: Final = 128
LATENT_NOISE: Final = 0.05
_LOG_VARIANCE: Final = 2 * math.log(LATENT_NOISE)
_PRIOR_WEIGHT: Final = 1e-4
_EDGE_WEIGHT: Final = 0.3
_MATRIX_RATE: Final = 0.02
"""Crops are smaller than the pictures, which makes a step cheap; a last stage on larger ones
refines the decoder. Sizes, loss weights and learning rates were chosen by hand, by trying."""
_PLAIN_RATE: Final = 3e-3
_NORMALISING_SCENES: Final = 128
"""Drawings over which the latents' mean and deviation are taken."""

_log = logging.getLogger(__name__)


def build_autoencoder() -> AutoencoderKL:
    """Build an untrained autoencoder: 16 latent channels, 8 px a latent, no attention."""
    architecture: dict[str, Any] = {
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (16, 32, 32, 64),
        "layers_per_block": 1,
        "latent_channels": 16,
        "norm_num_groups": 4,
        "sample_size": 256,
        "scaling_factor": 1.0,
        "shift_factor": 0.0,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
        "mid_block_add_attention": False,
    }
    return AutoencoderKL(**architecture)


def train_autoencoder(
    work_dir: Path, *, steps: int, batch_size: int, scenes: int, seed: int, processes: int = 1
) -> AutoencoderKL:
    """Train for `steps` on crops of `scenes` drawings, or resume from `work_dir`.

    The checkpoint `autoencoder.pt` is written every 100 steps. Processes share each batch and the
    drawings. Latents of the result have mean 0 and standard deviation 1 through its `shift_factor`
    and `scaling_factor`.
    """
    torch.manual_seed(seed)
    model = build_autoencoder()
    rest = (_encode_and_decode, model, "autoencoder", work_dir, steps, batch_size, scenes, seed)
    together(processes, _size(model), _train, *rest)
    load_checkpoint(work_dir / "autoencoder.pt", {"model": model})
    model.eval()
    normalise_latents(model, _drawings(min(scenes, _NORMALISING_SCENES), seed + 2))
    return model


def refine_decoder(
    autoencoder: AutoencoderKL,
    work_dir: Path,
    *,
    steps: int,
    batch_size: int,
    scenes: int,
    seed: int,
    processes: int = 1,
) -> None:
    """Train the decoder alone for `steps`, on larger crops, or resume from `work_dir`.

    The encoder does not change, so latents made before stay valid: this may run beside the
    transformer's training. The checkpoint is `decoder.pt`.
    """
    rest = (_decode, autoencoder, "decoder", work_dir, steps, batch_size, scenes, seed + 1)
    together(processes, _size(autoencoder), _train, *rest)
    load_checkpoint(work_dir / "decoder.pt", {"model": autoencoder.decoder})


def _size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _train(
    ranks: Ranks,
    error: Callable[[AutoencoderKL, torch.Tensor, torch.Generator], torch.Tensor],
    autoencoder: AutoencoderKL,
    name: str,
    work_dir: Path,
    steps: int,
    batch_size: int,
    scenes: int,
    seed: int,
) -> None:
    """Run one process's part of a stage: the whole autoencoder, or its decoder alone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    decoder_only = error is _decode
    model: nn.Module = autoencoder.decoder if decoder_only else autoencoder
    share = 0.5 if decoder_only else 1.0
    optimizers = Optimizers(
        model,
        steps=steps,
        matrix_rate=share * _MATRIX_RATE,
        plain_rate=share * _PLAIN_RATE,
        ranks=ranks,
    )
    checkpoint = work_dir / f"{name}.pt"
    parts = {"model": model, "optimizers": optimizers}
    first = load_checkpoint(checkpoint, parts)
    if first >= steps:
        return
    pictures = _drawings(max(1, scenes // ranks.size), seed, ranks.rank)
    count = max(1, batch_size // ranks.size)
    for step in range(first, steps):
        rng = np.random.default_rng((seed, 1, ranks.rank, step))
        noise = torch.Generator().manual_seed((seed * 64 + ranks.rank) * 1_000_003 + step)
        batch = _crops(pictures, count, rng, REFINING_CROP_PX if decoder_only else CROP_PX)
        with mixed_precision():
            loss = error(autoencoder, batch, noise)
        loss.backward()
        ranks.average(list(model.parameters()))
        optimizers.step(step)
        if not ranks.leads:
            continue
        if (step + 1) % 50 == 0:
            _log.info("%s step %d loss %.4f", name, step + 1, loss.item())
        if (step + 1) % 100 == 0 or step + 1 == steps:
            save_checkpoint(checkpoint, parts, step + 1)


def _decode(model: AutoencoderKL, batch: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Return the decoder's error on the latents of a batch."""
    with torch.no_grad():
        latents = _means(model, batch).float()
    latents += LATENT_NOISE * torch.randn(latents.shape, generator=noise)
    return _error(model.decoder(latents), batch)


def _encode_and_decode(
    model: AutoencoderKL, batch: torch.Tensor, noise: torch.Generator
) -> torch.Tensor:
    """Return the error of a batch that is encoded and decoded, and how far latents stray."""
    moments = model.encoder(batch).float()
    mean, log_variance = moments.chunk(2, dim=1)
    # A small fixed noise in place of the posterior's own: that one starts as large as the latents
    # and drowns half the channels for good.
    latents = mean + LATENT_NOISE * torch.randn(mean.shape, generator=noise)
    variance_loss = functional.mse_loss(log_variance, torch.full_like(log_variance, _LOG_VARIANCE))
    prior = mean.square().mean()
    return _error(model.decoder(latents), batch) + _PRIOR_WEIGHT * (prior + 0.1 * variance_loss)


def _error(painted: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
    error = painted.float() - batch
    # Differences between neighbours weigh edges more than areas, which keeps edges sharp.
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.abs().mean() + 0.3 * error.square().mean() + _EDGE_WEIGHT * edges


def _drawings(count: int, seed: int, rank: int = 0) -> list[np.ndarray]:
    pictures = []
    for i in range(count):
        rng = np.random.default_rng((seed, 0, rank, i))
        width, height = SHAPES[i % len(SHAPES)]
        pictures.append(draw(draw_scene(rng, held_out=False), rng, width, height))
    return pictures


def _crops(
    pictures: list[np.ndarray], count: int, rng: np.random.Generator, side_px: int = CROP_PX
) -> torch.Tensor:
    crops = []
    for _ in range(count):
        picture = pictures[int(rng.integers(len(pictures)))]
        top = int(rng.integers(picture.shape[0] - side_px + 1))
        left = int(rng.integers(picture.shape[1] - side_px + 1))
        crops.append(picture[top : top + side_px, left : left + side_px])
    return to_tensor(np.stack(crops))


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Convert pixels (n × height × width × 3, uint8) to n × 3 × height × width floats in -1..1."""
    tensor = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2)
    return (tensor.float() / 127.5 - 1).contiguous()


@torch.no_grad()
def encode(model: AutoencoderKL, pixels: np.ndarray) -> torch.Tensor:
    """Return the normalised latents of pictures: n × 16 × height/8 × width/8.

    pixels: n × height × width × 3.
    """
    return (_means(model, to_tensor(pixels)) - model.config["shift_factor"]) * model.config[
        "scaling_factor"
    ]


def _means(model: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    posterior: Any = model.encode(pictures, return_dict=False)[0]
    return posterior.mode()


def normalise_latents(model: AutoencoderKL, pictures: list[np.ndarray]) -> None:
    """Set the autoencoder's shift and scale so that its latents have mean 0 and deviation 1."""
    model.register_to_config(shift_factor=0.0, scaling_factor=1.0)
    flat = torch.cat([encode(model, picture[None]).flatten() for picture in pictures])
    model.register_to_config(shift_factor=float(flat.mean()), scaling_factor=float(1 / flat.std()))

"""Convert between noise, pictures and latents, in float32 and reproducibly."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as nnf

from engine.diffusion.families import Family
from engine.types import ImageRequest, Raster

SCALE_PX = 8
"""Pixels per latent, each way."""
TILE_PX = 512
"""The side of a tile of the autoencoder; the same as a memory plan's (`footprint.TILE_PX`)."""


def noise(seed: int, channels: int, width_px: int, height_px: int) -> torch.Tensor:
    """Return standard normal noise, 1 × channels × height/8 × width/8 in float32 on the CPU.

    It does not depend on the GPU, and is what the pipeline itself would draw.
    """
    shape = (1, channels, height_px // SCALE_PX, width_px // SCALE_PX)
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


class StepNoise:
    """The noise that a sampler draws at its steps, on the CPU: after the first, from the same seed.

    shape: of the latents. The numbers are those that a pipeline with one generator would draw.
    """

    def __init__(self, seed: int, shape: torch.Size, device: torch.device) -> None:
        self._generator = torch.Generator("cpu").manual_seed(seed)
        self._shape = shape
        self._device = device
        self._drawn: list[torch.Tensor] = []

    def __call__(self, step: int) -> torch.Tensor:
        """Return the noise of a step, from 0; the same for a step that is repeated."""
        while len(self._drawn) < step + 2:  # the first is where painting begins
            self._drawn.append(torch.randn(self._shape, generator=self._generator))
        return self._drawn[step + 1].to(self._device)


def request_noise(request: ImageRequest, channels: int) -> torch.Tensor:
    """Return the noise of a request's seed, rotated by each of its variations."""
    size = (channels, request.width_px, request.height_px)
    own = noise(request.seed, *size)
    for variation in request.variations:
        own = slerp(own, noise(variation.seed, *size), variation.amount)
    return own


def slerp(one: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    """Interpolate on the great circle from one to the other.

    Between two noises this is noise again; a straight line would pass through fainter noise.
    """
    # In double precision on the CPU: not every device supports it.
    a, b = (each.flatten().cpu().double() for each in (one, other))
    cosine = torch.clamp(a @ b / (a.norm() * b.norm()), -1.0, 1.0)
    angle = torch.arccos(cosine)
    if float(torch.sin(angle)) < 1e-6:  # the same direction: no great circle is defined
        return torch.lerp(one, other, share)
    mixed = (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
    return mixed.to(one).view_as(one)


def noisy(clean: torch.Tensor, noise: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
    """Mix clean latents with noise to a noise level, 0..1."""
    return (1 - sigma) * clean + sigma * noise


def picture_tensor(raster: Raster, device: torch.device) -> torch.Tensor:
    """Return pixels as the autoencoder reads them: 1 × 3 × height × width, -1..1."""
    flat = torch.frombuffer(bytearray(raster.rgb), dtype=torch.uint8)
    pixels = flat.view(raster.height_px, raster.width_px, 3).to(device)
    return pixels.permute(2, 0, 1).unsqueeze(0).float() / 127.5 - 1


def mask_tensor(raster: Raster, device: torch.device) -> torch.Tensor:
    """Return a mask's lightness: 1 × 1 × height × width, 0 (keep) .. 1 (repaint)."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=device).view(1, 3, 1, 1)
    light = ((picture_tensor(raster, device) + 1) / 2 * weights).sum(1, keepdim=True)
    return light.clamp(0, 1)


def latent_mask(mask: torch.Tensor) -> torch.Tensor:
    """Return the mask for latents: a latent may change if any of its pixels has to."""
    return nnf.max_pool2d(mask, SCALE_PX)


def encode(family: Family, vae: Any, picture: torch.Tensor) -> torch.Tensor:
    """Return the normalised latents of a picture: the mean of the encoding, without sampling."""
    seen = vae.encode(picture.to(vae.dtype)).latent_dist.mode().float()
    return family.normalized(vae, seen)


@contextlib.contextmanager
def tiled(vae: Any, needed: bool) -> Iterator[None]:
    """Let the autoencoder work in tiles of 512 px, and restore it afterwards."""
    if not needed or vae.use_tiling:
        yield
        return
    before = vae.tile_sample_min_size, vae.tile_latent_min_size
    vae.use_tiling = True
    # Its own tile sizes are those of training: with them it would not tile these pictures.
    vae.tile_sample_min_size, vae.tile_latent_min_size = TILE_PX, TILE_PX // SCALE_PX
    try:
        yield
    finally:
        vae.use_tiling = False
        vae.tile_sample_min_size, vae.tile_latent_min_size = before


def decode(family: Family, vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Return the picture of clean latents, 1 × 3 × height × width, about -1..1, not clamped."""
    return vae.decode(family.denormalized(vae, latents.to(vae.dtype)), return_dict=False)[0]


def pixels_of(picture: torch.Tensor) -> torch.Tensor:
    """Return uint8 pixels on the CPU, height × width × 3, rounded as the pipeline rounds them."""
    unit = (picture * 0.5 + 0.5).clamp(0, 1)[0].float()
    return (unit * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu()


def detail(picture: torch.Tensor, reach_px: int = 8) -> torch.Tensor:
    """Return where a picture has fine structure: 1 × 1 × height × width, 0 (flat) .. 1 (detailed).

    picture: -1..1. The local contrast within `reach_px`, with soft edges.
    """
    light = picture.float().mean(1, keepdim=True)
    width = 2 * reach_px + 1
    mean = _blur(light, width)
    contrast = (_blur(light.square(), width) - mean.square()).clamp(min=0).sqrt()
    return _blur((contrast / _FULL_CONTRAST).clamp(0, 1), width)


_FULL_CONTRAST = 0.15
"""Standard deviation in -1..1 of a clearly visible edge or texture. Chosen by eye."""


def feathered(mask: torch.Tensor, reach_px: int = 6) -> torch.Tensor:
    """Return the mask with a soft edge that lies entirely inside it: 0 stays 0."""
    return torch.minimum(mask, _blur(mask, 2 * reach_px + 1))


def _blur(plane: torch.Tensor, width: int) -> torch.Tensor:
    pad = width // 2
    padded = nnf.pad(plane, (pad, pad, pad, pad), mode="replicate")
    return nnf.avg_pool2d(padded, width, stride=1)

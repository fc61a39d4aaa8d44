"""Small previews of the picture so far, from the clean latents that one step predicts.

Right after step k they are x0 = latents − σ_next · noise_pred. The noisy latents themselves show
nothing until the last steps.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import load_file
from torch.nn import functional

from engine.diffusion.devices import pick_dtype
from engine.diffusion.families import Family
from engine.diffusion.latents import SCALE_PX
from engine.types import Raster

PREVIEW_SIDE_PX = 256
"""The longest side of a preview; a smaller picture's preview is as large as the picture."""
MAX_PICTURES = 50
"""A map stops learning after this many pictures; chosen by hand."""
READY_PICTURES = 3
"""From here on `sketch`'s map explains more of a picture than `bootstrap`: on average over unseen
pictures .75 against .72 of the variance at step 1, .85 against .78 at step 8."""
TINY_FOLDER = "vae_tiny"

_FILE_VERSION = 1
_FILE_LIMIT_BYTES = 1 << 18
"""Chosen by hand: a saved map of 16 channels has less than 10 kB."""
_MIN_LATENTS = 8
_POOL = 4
_TINY_LATENTS = 128
"""Sides in latents: the smallest that is decoded, the factor of averaging (which costs a sixteenth
of the decoding), and the largest that a tiny autoencoder decodes whole. Chosen by hand."""
_DAMPING = 1e-4
"""Keeps the fit solvable after one flat picture. With 1e-2 `sketch`'s map explains .66 instead of
.72 of unseen pictures at step 1 after two pictures; with 1e-3 as much."""

_DAMAGE = (
    OSError,
    ValueError,  # includes invalid JSON
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,  # includes RecursionError and torch's errors about matrices
)

Decoder = Callable[[torch.Tensor], Raster | None]
"""Converts predicted clean latents to a preview, or None where they are not finite."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """Normal equations of a least-squares fit, in which pictures of any size count the same.

    gram: n × n, moment: n × 3 with n = channels + 1, float64 on the CPU.
    """

    pictures: int
    gram: torch.Tensor
    moment: torch.Tensor


class PreviewMap:
    """A linear map from a model's latents to colours, learned from its finished pictures.

    revision: of the model's weights. Latents are 1 × channels × height/8 × width/8 or without the
    leading 1, of any float type, on any device. Only one thread may call `learn`; every other
    method may run beside it.
    """

    def __init__(self, revision: str, channels: int = 16) -> None:
        self._revision = revision
        self._channels = channels
        self._accept(_Sums(0, *_zeros(channels)))

    @classmethod
    def load(cls, path: Path | None, revision: str, channels: int = 16) -> PreviewMap:
        """Load the map that `save` wrote for this revision, or return an empty one.

        A file that is missing, damaged or another model's counts as none: it is overwritten.
        """
        made = cls(revision, channels)
        if path is not None:
            # Only valid sums are taken over: any error leaves the map empty.
            with contextlib.suppress(*_DAMAGE):
                made._accept(_parsed(_read(path), revision, channels))
        return made

    def save(self, path: Path | None) -> bool:
        """Write what was learned, completely or not at all; False where it could not be written.

        None keeps it in memory. Blocks on the disk: not for the painting thread.
        """
        if path is None:
            return False
        sums = self._sums
        text = json.dumps(
            {
                "version": _FILE_VERSION,
                "revision": self._revision,
                "pictures": sums.pictures,
                "gram": sums.gram.tolist(),
                "moment": sums.moment.tolist(),
            }
        )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, text)
        except OSError:  # a preview must never cost a picture
            return False
        return True

    @property
    def pictures(self) -> int:
        """How many finished pictures it has learned from."""
        return self._sums.pictures

    @property
    def ready(self) -> bool:
        """Whether it has seen enough to `render`."""
        return self._sums.pictures >= READY_PICTURES

    def learn(self, latents: torch.Tensor, pixels: torch.Tensor) -> bool:
        """Learn from one finished picture; False where it is not finite or enough were seen.

        latents: the last step's. pixels: uint8, height × width × 3. Raises ValueError where their
        shapes do not match.
        """
        if self._sums.pictures >= MAX_PICTURES:
            return False
        field = _single(latents, self._channels)
        rows, columns = field.shape[-2:]
        if tuple(pixels.shape) != (rows * SCALE_PX, columns * SCALE_PX, 3):
            raise ValueError(f"pixels {tuple(pixels.shape)} for latents {tuple(field.shape)}")
        known = field.detach().cpu().double().flatten(1).T
        if not bool(torch.isfinite(known).all()):
            return False
        colours = functional.avg_pool2d(pixels.cpu().float().permute(2, 0, 1) / 255, SCALE_PX)
        wanted = colours.double().flatten(1).T
        known = torch.cat([known, torch.ones(len(known), 1, dtype=torch.float64)], dim=1)
        sums = self._sums
        self._accept(
            _Sums(
                sums.pictures + 1,
                sums.gram + known.T @ known / len(known),
                sums.moment + known.T @ wanted / len(known),
            )
        )
        return True

    @torch.no_grad()
    def render(self, x0: torch.Tensor) -> Raster | None:
        """Return a preview of predicted clean latents; None if they are not finite, or not `ready`.

        Raises ValueError for latents of another shape.
        """
        field = _single(x0, self._channels)
        if not self.ready:
            return None
        weights = self._weights.to(field.device)
        colours = torch.einsum("chw,cr->rhw", field.float(), weights[:-1])
        # A non-finite latent gives a non-finite colour.
        return _raster(colours + weights[-1][:, None, None], _picture_px(field))

    def _accept(self, sums: _Sums) -> None:
        # One assignment each: another thread sees the old sums or the new ones.
        self._weights = _solved(sums)
        self._sums = sums


def bootstrap(family: Family, vae: Any, x0: torch.Tensor) -> Raster | None:
    """Return a preview through the model's own autoencoder, from latents averaged 4 by 4.

    Costs a sixteenth of a decoding, and more for latents under 32 a side, because at least 8 by 8
    are kept. None where x0 is not finite. Only for an autoencoder that is on the device: an
    offloaded one would push the transformer out in the middle of a picture.
    """
    return _decoded(family, vae, _single(x0, vae.config.latent_channels), _pool_factor(x0))


def tiny_decoder(
    family: Family,
    folder: Path,
    device: torch.device | str = "cpu",
    *,
    channels: int = 16,
    on_fault: Callable[[str], None] = lambda _: None,
) -> Decoder | None:
    """Return the tiny autoencoder in a model's folder `vae_tiny` on `device`; None without one.

    `on_fault` is called with one line if an installed one cannot be used; a missing one is no
    fault.
    """
    home = folder / TINY_FOLDER
    if not home.is_dir():
        return None
    try:
        vae = _tiny(home, channels, torch.device(device))
        probe = torch.zeros(channels, _MIN_LATENTS, _MIN_LATENTS, device=device)
        if _decoded(family, vae, probe, 1) is None:
            raise ValueError("its output is not finite")
    except Exception as error:  # a broken folder makes the libraries raise nearly anything
        lines = str(error).strip().splitlines() or [type(error).__name__]
        on_fault(f"{TINY_FOLDER}: {lines[0][:200]}")
        return None

    def decode(x0: torch.Tensor) -> Raster | None:
        field = _single(x0, channels)
        # Beyond 1024 px its activations would take memory that was planned for the transformer.
        pool = 2 if max(field.shape[-2:]) > _TINY_LATENTS else 1
        return _decoded(family, vae, field, pool)

    return decode


def _tiny(home: Path, channels: int, device: torch.device) -> Any:
    """Load it with a check: the library would fill missing tensors with random numbers."""
    config = json.loads((home / "config.json").read_text(encoding="utf-8"))
    if not isinstance(config, dict) or config.get("_class_name") != AutoencoderTiny.__name__:
        raise ValueError(f"it is not an {AutoencoderTiny.__name__}")
    if config.get("latent_channels") != channels:
        raise ValueError(
            f"it has {config.get('latent_channels')} latent channels, the model has {channels}"
        )
    weights = {
        name: tensor.to(device, pick_dtype(device))
        for path in sorted(home.glob("*.safetensors"))
        for name, tensor in load_file(path).items()
        if name.startswith("decoder.")
    }
    # Its own saving writes this entry, and its own loading warns about it.
    config.pop("block_out_channels", None)
    with torch.device("meta"):
        vae: Any = AutoencoderTiny.from_config(config)
    vae.encoder = None  # half of the weights, and never used
    missing = vae.load_state_dict(weights, strict=False, assign=True).missing_keys
    if missing:
        raise ValueError(f"its weights lack {len(missing)} tensors, {missing[0]} among them")
    return vae.eval().requires_grad_(False)


@torch.no_grad()
def _decoded(family: Family, vae: Any, field: torch.Tensor, pool: int) -> Raster | None:
    """Decode latents averaged `pool` by `pool`."""
    rows, columns = field.shape[-2:]
    # Cells at the right and lower edge may be partly outside; that part is cut off.
    pooled = functional.avg_pool2d(
        field.float()[None], pool, ceil_mode=True, count_include_pad=False
    )
    scaled = family.denormalized(vae, pooled)
    image = vae.decode(scaled.to(vae.dtype), return_dict=False)[0][0].float()
    image = image[:, : rows * SCALE_PX // pool, : columns * SCALE_PX // pool] / 2 + 0.5
    # A decoder that squashes its input would show infinity as a colour.
    image = torch.where(torch.isfinite(field).all(), image, math.nan)
    return _raster(image, _picture_px(field))


def _pool_factor(x0: torch.Tensor) -> int:
    pool = _POOL
    while pool > 1 and min(x0.shape[-2:]) < pool * _MIN_LATENTS:
        pool //= 2
    return pool


def _single(latents: torch.Tensor, channels: int) -> torch.Tensor:
    """Return channels × height × width, without the dimension of a batch of one."""
    field = latents[0] if latents.dim() == 4 and len(latents) == 1 else latents
    if field.dim() != 3 or len(field) != channels or not field.numel():
        raise ValueError(f"latents of shape {tuple(latents.shape)}, not of {channels} channels")
    return field


def _picture_px(field: torch.Tensor) -> tuple[int, int]:
    """Width and height of the picture that the latents become."""
    return field.shape[-1] * SCALE_PX, field.shape[-2] * SCALE_PX


def _raster(colours: torch.Tensor, picture_px: tuple[int, int]) -> Raster | None:
    """Scale colours in 0..1, 3 × height × width, to the size of a preview."""
    shrink = min(1.0, PREVIEW_SIDE_PX / max(picture_px))
    width, height = (max(1, round(side * shrink)) for side in picture_px)
    surplus = max(1, min(colours.shape[-1] // width, colours.shape[-2] // height))
    # The device averages down as far as it can, so that one small transfer suffices.
    moved = functional.avg_pool2d(colours, surplus).cpu()
    if not bool(torch.isfinite(moved).all()):
        return None
    fitted = functional.interpolate(
        moved[None], size=(height, width), mode="bilinear", antialias=True
    )[0]
    pixels = (fitted.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    return Raster(width, height, pixels.numpy().tobytes())


def _zeros(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    terms = channels + 1
    return (
        torch.zeros(terms, terms, dtype=torch.float64),
        torch.zeros(terms, 3, dtype=torch.float64),
    )


def _solved(sums: _Sums) -> torch.Tensor:
    """Return the map itself, channels + 1 × 3 in float32; the last row is the constant."""
    terms = len(sums.gram)
    damping = torch.full((terms,), _DAMPING * max(1, sums.pictures), dtype=torch.float64)
    return torch.linalg.solve(sums.gram + damping.diag(), sums.moment).float()


def _replace(path: Path, text: str) -> None:
    """Replace a file atomically: a reader finds the old one or the new one."""
    # No fsync: what a power cut leaves is recognised as damaged, and learned again.
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        data = file.read(_FILE_LIMIT_BYTES + 1)
    if len(data) > _FILE_LIMIT_BYTES:
        raise ValueError("larger than anything that was saved")
    return json.loads(data)


def _parsed(data: Any, revision: str, channels: int) -> _Sums:
    """Parse what `save` wrote; raises ValueError, KeyError or TypeError for anything else."""
    if (data["version"], data["revision"]) != (_FILE_VERSION, revision):
        raise ValueError("another model's")
    pictures = data["pictures"]
    if type(pictures) is not int or not 0 <= pictures <= MAX_PICTURES:
        raise ValueError("not a number of pictures")
    gram, moment = (torch.tensor(data[name], dtype=torch.float64) for name in ("gram", "moment"))
    for found, wanted in zip((gram, moment), _zeros(channels), strict=True):
        if found.shape != wanted.shape or not bool(torch.isfinite(found).all()):
            raise ValueError("not the sums of a map")
    # The constant's own sum counts the pictures, and a sum of squares is never negative.
    if abs(float(gram[-1, -1]) - pictures) > 1e-6 or not torch.allclose(gram, gram.T):
        raise ValueError("sums that no pictures can have")
    if float(torch.linalg.eigvalsh(gram)[0]) < -1e-9 * max(1.0, float(gram.trace())):
        raise ValueError("sums that no pictures can have")
    if float(moment[-1].min()) < 0 or float(moment[-1].max()) > pictures + 1e-6:
        raise ValueError("colours that no pictures can have")
    return _Sums(pictures, gram, moment)

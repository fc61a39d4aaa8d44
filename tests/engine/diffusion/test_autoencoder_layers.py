"""The autoencoder in fewer passes decodes what diffusers' own layers decode."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vae import Decoder
from diffusers.models.upsampling import Upsample2D

from engine.diffusion.autoencoder_layers import (
    ChannelsLastDecoder,
    InPlaceResidual,
    TransposedUpsampling,
    quicken,
)
from engine.diffusion.guard import InFloat32
from engine.diffusion.loading import load_model
from engine.settings import EngineSettings
from tests.engine.diffusion.rendering import hooked


@pytest.fixture(scope="module")
def own() -> Any:
    """An autoencoder of two resolutions, with a shortcut and attention."""
    torch.manual_seed(5)
    parts: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 3,
        "up_block_types": ("UpDecoderBlock2D",) * 3,
        "block_out_channels": (8, 16, 16),
    }
    return AutoencoderKL(**parts, latent_channels=4, norm_num_groups=4).eval()


def quick(own: Any) -> Any:
    """The same weights, in fewer passes."""
    made = copy.deepcopy(own)
    assert quicken(made) == 1 + 2 + 3 * 2 + 2
    return made


def latents(*size: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(2)).to(dtype)


@torch.no_grad()
def decoded(vae: Any, given: torch.Tensor) -> torch.Tensor:
    return vae.decode(given, return_dict=False)[0]


@pytest.mark.parametrize("size", [(1, 4, 8, 8), (1, 4, 5, 12), (3, 4, 6, 6)])
def test_it_decodes_the_same(own: Any, size: tuple[int, ...]) -> None:
    """To a hundredth of a level of 255, at the edges too; what it was given stays as it was."""
    given = latents(*size)
    before, theirs = given.clone(), decoded(own, given)
    ours = decoded(quick(own), given)
    assert float((ours - theirs).abs().max()) <= 0.01 / 127.5
    assert torch.equal(given, before)


def test_doubling_and_convolving_are_one(own: Any) -> None:
    """The transposed convolution is that of the doubled picture, to rounding."""
    made = quick(own)
    theirs = [each for each in own.decoder.modules() if type(each) is Upsample2D]
    ours = [each for each in made.decoder.modules() if type(each) is TransposedUpsampling]
    assert len(theirs) == len(ours) == 2
    for one, other in zip(theirs, ours, strict=True):
        given = latents(2, 16, 5, 7)
        with torch.no_grad():
            assert torch.allclose(one(given), other(given), atol=1e-5)


def test_bfloat16_keeps_its_bits(own: Any) -> None:
    """There, adding up weights would round them."""
    low = copy.deepcopy(own).to(torch.bfloat16)
    given = latents(1, 4, 8, 8, dtype=torch.bfloat16)
    assert torch.equal(decoded(low, given), decoded(quick(low), given))


def test_float32_over_bfloat16_weights(own: Any) -> None:
    """A picture that is decoded again in float32 is that of a float32 copy."""
    low = quick(copy.deepcopy(own).to(torch.bfloat16))
    given = latents(1, 4, 8, 8)
    exact = decoded(copy.deepcopy(low).float(), given)
    with InFloat32():
        assert torch.allclose(decoded(low, given), exact, atol=1e-5)


def test_hooks_are_run(own: Any) -> None:
    """On convolutions that would not be called, the layer computes as its library does."""
    made, seen = quick(own), []
    convolution = made.decoder.up_blocks[0].upsamplers[0].conv
    with hooked(convolution, lambda *_: seen.append(1)):
        decoded(made, latents(1, 4, 8, 8))
    assert seen == [1]


def test_gradients_are_those_of_the_library(own: Any) -> None:
    """With gradients, nothing is written over."""
    found: list[torch.Tensor] = []
    for vae in (own, quick(own)):
        given = latents(1, 4, 8, 8).requires_grad_()
        vae.decode(given, return_dict=False)[0].square().sum().backward()
        assert given.grad is not None
        found.append(given.grad)
    assert torch.allclose(*found, rtol=1e-4, atol=1e-5 * float(found[0].abs().max()))


def test_a_model_is_loaded_with_it(tiny: Path) -> None:
    """Its decoder, and no other class of it, computes so; the encoder is left alone."""
    vae = load_model(EngineSettings(model=str(tiny)), torch.device("cpu")).pipeline.vae
    assert type(vae.decoder) is ChannelsLastDecoder and isinstance(vae.decoder, Decoder)
    assert any(isinstance(each, InPlaceResidual) for each in vae.decoder.modules())
    assert not any(isinstance(each, InPlaceResidual) for each in vae.encoder.modules())

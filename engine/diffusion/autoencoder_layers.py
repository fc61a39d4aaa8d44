"""Layers of the autoencoder that compute what diffusers' do, in fewer passes over the picture."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.autoencoders.vae import Decoder
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import nn
from torch.nn import functional


class ChannelsLastDecoder(Decoder):
    """A decoder whose values lie pixel by pixel, as a processor's convolutions compute fastest."""

    def forward(self, sample: torch.Tensor, latent_embeds: Any = None) -> torch.Tensor:
        if _is_exact_on_processor(sample):
            sample = sample.to(memory_format=torch.channels_last)
        return super().forward(sample, latent_embeds)


class InPlaceResidual(ResnetBlock2D):
    """A residual block that writes over its own intermediate results; to the bit the same."""

    def forward(self, input_tensor: torch.Tensor, temb: Any = None, *args: Any, **options: Any):
        if temb is not None or torch.is_grad_enabled():
            plain: Any = super().forward
            return plain(input_tensor, temb, *args, **options)
        hidden = self.conv1(functional.silu(self.norm1(input_tensor), inplace=True))
        hidden = self.conv2(functional.silu(self.norm2(hidden), inplace=True))
        shortcut = self.conv_shortcut
        return hidden.add_(input_tensor if shortcut is None else shortcut(input_tensor))


class TransposedUpsampling(Upsample2D):
    """Doubles a picture and convolves it as one transposed convolution.

    Of the nine values under a 3 × 3 kernel, doubling makes several equal: adding up their weights
    leaves four of nine multiplications, and the doubled picture is never written. It is the same
    but for rounding, and faster on processors in float32, where it is used.
    """

    def forward(
        self, hidden_states: torch.Tensor, output_size: Any = None, *args: Any, **options: Any
    ) -> torch.Tensor:
        conv: Any = self.conv
        simple = output_size is None and not torch.is_grad_enabled() and not _hooked(conv)
        if not simple or not _is_exact_on_processor(hidden_states):
            return super().forward(hidden_states, output_size, *args, **options)
        kernel = _spread(_spread(conv.weight, 2), 3).transpose(0, 1)
        return functional.conv_transpose2d(hidden_states, kernel, conv.bias, stride=2, padding=1)


def quicken(vae: Any) -> int:
    """Let an autoencoder's decoder compute in fewer passes; return how many layers do.

    They get a subclass of their own class: weights, names and hooks stay. Others are left alone.
    """
    changed = 0
    for module in vae.decoder.modules():
        if type(module) is Decoder:
            module.__class__ = ChannelsLastDecoder
        elif type(module) is ResnetBlock2D and _is_plain(module):
            module.__class__ = InPlaceResidual
        elif type(module) is Upsample2D and _is_doubling(module):
            module.__class__ = TransposedUpsampling
        else:
            continue
        changed += 1
    return changed


def _is_plain(block: Any) -> bool:
    return (
        block.time_emb_proj is None
        and block.upsample is None
        and block.downsample is None
        and block.time_embedding_norm != "scale_shift"
        and block.output_scale_factor == 1.0
        and block.dropout.p == 0.0
        and type(block.nonlinearity) is nn.SiLU
    )


def _is_doubling(layer: Any) -> bool:
    if not (layer.use_conv and layer.interpolate) or layer.use_conv_transpose:
        return False
    conv = getattr(layer, "conv", None)
    return (
        layer.norm is None
        and type(conv) is nn.Conv2d
        and conv.kernel_size == (3, 3)
        and conv.stride == conv.padding == conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
        and conv.groups == 1
    )


def _spread(kernel: torch.Tensor, dim: int) -> torch.Tensor:
    """Return the four weights along `dim` that act on a picture before it is doubled."""
    first, middle, last = kernel.unbind(dim)
    return torch.stack((last, middle + last, first + middle, first), dim)


def _is_exact_on_processor(values: torch.Tensor) -> bool:
    return values.device.type == "cpu" and values.dtype is torch.float32


def _hooked(module: Any) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module))

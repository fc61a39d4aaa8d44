"""The forward pass of Z-Image's transformer, with everything that no step changes computed once.

Diffusers computes positions, rotations and the whole branch of the caption anew at every step, and
each normalisation as six operations. For one picture the first three are the same at all steps; and
multiplications by one value per channel are joined before they meet the tokens. What is left is the
same arithmetic in another order.

The transformer, its blocks and its norms get subclasses of their own classes. Weights, names and
hooks stay, and layers are called as modules: adapted, quantized and streamed ones compute as ever.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from diffusers.models.normalization import RMSNorm
from diffusers.models.transformers.transformer_z_image import (
    SEQ_MULTI_OF,
    ZImageTransformer2DModel,
    ZImageTransformerBlock,
    ZSingleStreamAttnProcessor,
)
from torch.nn import functional

from engine.diffusion.faults import is_memory, is_sticky
from engine.diffusion.guard import in_float32

_PATCH = 2
_EMBEDDER = f"{_PATCH}-1"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Rotations of one size: 1 × tokens × half a head, complex64. both: of picture and caption."""

    picture: torch.Tensor
    both: torch.Tensor


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the steps of one picture share.

    captions: behind their own blocks, 1 × tokens × width, with the text that each was made of,
    which keeps the key its own.
    """

    captions: dict[tuple[int, bool], tuple[torch.Tensor, torch.Tensor]] = field(
        default_factory=dict[tuple[int, bool], tuple[torch.Tensor, torch.Tensor]]
    )
    layouts: dict[tuple[int, ...], _Layout] = field(default_factory=dict[tuple[int, ...], _Layout])


class StaticForward:
    """Is called as a transformer is, for one picture: with the same texts and LoRAs at all steps.

    transformer: a `StaticTransformer`.
    """

    def __init__(self, transformer: Any) -> None:
        self._transformer = transformer
        self._kept = _Kept()
        self.dtype: torch.dtype = transformer.dtype

    def __call__(
        self,
        pictures: Sequence[torch.Tensor],
        times: torch.Tensor,
        texts: Sequence[torch.Tensor],
        *,
        return_dict: bool = False,
    ) -> Any:
        """Return what the transformer returns."""
        self._transformer.kept = self._kept
        try:
            return self._transformer(pictures, times, texts, return_dict=return_dict)
        finally:
            self._transformer.kept = None


def static(transformer: Any) -> Any:
    """Return a stand-in for a transformer for one picture, or itself where there is none."""
    return StaticForward(transformer) if isinstance(transformer, StaticTransformer) else transformer


def quicken(transformer: Any) -> bool:
    """Let a transformer of Z-Image's architecture compute in fewer passes; return whether it does.

    Others are left alone.
    """
    if type(transformer) is not ZImageTransformer2DModel or transformer.training:
        return False
    blocks = [*transformer.noise_refiner, *transformer.context_refiner, *transformer.layers]
    if _EMBEDDER not in transformer.all_x_embedder or not all(map(_is_known, blocks)):
        return False
    for block in blocks:
        for norm in block.modules():
            if type(norm) is RMSNorm:
                norm.__class__ = ScaledNorm
        block.__class__ = StaticBlock
    transformer.__class__ = StaticTransformer
    return True


def _restore(transformer: Any) -> None:
    """Undo `quicken`."""
    own = {cls: cls.__base__ for cls in (ScaledNorm, StaticBlock, StaticTransformer)}
    for module in transformer.modules():
        module.__class__ = own.get(type(module), type(module))


def _is_known(block: Any) -> bool:
    """Whether a block is that of the published architecture, and nothing in it was replaced."""
    attention, norms = block.attention, [block.attention_norm1, block.attention_norm2]
    norms += [block.ffn_norm1, block.ffn_norm2, attention.norm_q, attention.norm_k]
    processor = attention.processor
    return (
        type(block) is ZImageTransformerBlock
        and type(processor) is ZSingleStreamAttnProcessor
        and processor._attention_backend is None
        and processor._parallel_config is None
        and all(type(each) is RMSNorm and each.weight is not None for each in norms)
    )


class StaticTransformer(ZImageTransformer2DModel):
    """The transformer as a picture needs it.

    kept: what steps share, while a `StaticForward` calls. Pictures of several sizes, frames,
    conditions from other models and gradients are left to the class that it extends, and so is
    everything after an error, which is logged.
    """

    kept: _Kept | None = None

    def forward(
        self,
        x: Any,
        t: Any,
        cap_feats: Any,
        return_dict: bool = True,
        *more: Any,
        **options: Any,
    ) -> Any:
        if more or options or return_dict or not _is_plain(x):
            return super().forward(x, t, cap_feats, return_dict, *more, **options)
        try:
            return (self._predicted(x, t, cap_feats, self.kept or _Kept()),)
        except Exception as error:
            # A hook's state is as the error left it.
            if is_memory(error) or is_sticky(error) or _is_streamed(self):
                raise
            first = (str(error).strip().splitlines() or ["no detail"])[0]
            _log.warning("painting goes on with diffusers' forward pass: %s", first[:200])
        _restore(self)
        return self.forward(x, t, cap_feats, return_dict=False)

    def _predicted(
        self,
        pictures: Sequence[torch.Tensor],
        times: torch.Tensor,
        texts: Sequence[torch.Tensor],
        kept: _Kept,
    ) -> list[torch.Tensor]:
        own: Any = self
        adaln = own.t_embedder(times * own.t_scale).type_as(pictures[0])
        answers: list[torch.Tensor] = []
        # Rows of unequal captions one by one: together they would need masks.
        for rows in _equally_long(texts):
            latents = torch.stack([picture[:, 0] for picture in pictures[rows]])
            answers += self._rows(latents, texts[rows], adaln[rows], kept)
        return answers

    def _rows(
        self, latents: torch.Tensor, texts: Sequence[torch.Tensor], adaln: torch.Tensor, kept: _Kept
    ) -> list[torch.Tensor]:
        """Return the predictions for rows of equal shape: channels × 1 × height × width each."""
        own: Any = self
        patches = _patches(latents)
        x = _padded(own.all_x_embedder[_EMBEDDER](patches), own.x_pad_token)
        height, width = latents.shape[2:]
        layout = self._layout(len(texts[0]), height, width, latents.device, kept)
        for block in own.noise_refiner:
            x = block(x, None, layout.picture, adaln)
        x = torch.cat([x, torch.cat([self._caption(text, kept) for text in texts])], dim=1)
        for block in own.layers:
            x = block(x, None, layout.both, adaln)
        final = own.all_final_layer[_EMBEDDER]
        scale = 1.0 + final.adaLN_modulation(adaln).unsqueeze(1)
        answer = final.linear(final.norm_final(x[:, : patches.shape[1]]) * scale)
        return list(_picture(answer, own.out_channels, height, width))

    def _caption(self, text: torch.Tensor, kept: _Kept) -> torch.Tensor:
        """Return a caption as the main blocks take it: the same at all steps."""
        # Apart in float32: a step is repeated in it because something overflowed.
        key = id(text), in_float32()
        if key in kept.captions:
            return kept.captions[key][1]
        own: Any = self
        tokens = _padded(own.cap_embedder(text[None]), own.cap_pad_token)
        rotation = self._rotations(_caption_places(tokens.shape[1]), text.device)
        for block in own.context_refiner:
            tokens = block(tokens, None, rotation)
        # Streamed blocks fetch each other in the order of the first step.
        if not _is_streamed(self):
            kept.captions[key] = text, tokens
        return tokens

    def _layout(
        self, words: int, height: int, width: int, device: torch.device, kept: _Kept
    ) -> _Layout:
        caption = words + -words % SEQ_MULTI_OF
        key = caption, height, width
        if key not in kept.layouts:
            places = _picture_places(caption, height // _PATCH, width // _PATCH)
            both = torch.cat([places, _caption_places(caption)])
            kept.layouts[key] = _Layout(
                self._rotations(places, device), self._rotations(both, device)
            )
        return kept.layouts[key]

    def _rotations(self, places: torch.Tensor, device: torch.device) -> torch.Tensor:
        return self.rope_embedder(places.to(device)).unsqueeze(0)


class StaticBlock(ZImageTransformerBlock):
    """A block in which scales and gates are joined with the weights of the norms."""

    def forward(
        self,
        x: torch.Tensor,
        attn_mask: Any,
        freqs_cis: torch.Tensor,
        adaln_input: torch.Tensor | None = None,
        noise_mask: torch.Tensor | None = None,
        adaln_noisy: torch.Tensor | None = None,
        adaln_clean: torch.Tensor | None = None,
    ) -> torch.Tensor:
        if attn_mask is not None or noise_mask is not None or torch.is_grad_enabled():
            plain: Any = super().forward
            return plain(x, attn_mask, freqs_cis, adaln_input, noise_mask, adaln_noisy, adaln_clean)
        if not self.modulation:
            attended = self._attended(self.attention_norm1(x), freqs_cis)
            x = self.attention_norm2(attended, onto=x)
            return self.ffn_norm2(self._fed(self.ffn_norm1(x)), onto=x)
        modulation = self.adaLN_modulation(adaln_input).unsqueeze(1).chunk(4, dim=2)
        scale_attention, gate_attention, scale_mlp, gate_mlp = modulation
        attended = self._attended(self.attention_norm1(x, 1.0 + scale_attention), freqs_cis)
        x = self.attention_norm2(attended, gate_attention.tanh(), onto=x)
        fed = self._fed(self.ffn_norm1(x, 1.0 + scale_mlp))
        return self.ffn_norm2(fed, gate_mlp.tanh(), onto=x)

    def _attended(self, x: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
        attention: Any = self.attention
        heads = (attention.heads, -1)
        query = _rotated(attention.norm_q(attention.to_q(x).unflatten(-1, heads)), rotation)
        key = _rotated(attention.norm_k(attention.to_k(x).unflatten(-1, heads)), rotation)
        seen = dispatch_attention_fn(query, key, attention.to_v(x).unflatten(-1, heads))
        return attention.to_out[0](seen.flatten(2, 3).to(query.dtype))

    def _fed(self, x: torch.Tensor) -> torch.Tensor:
        layers: Any = self.feed_forward
        gate = functional.silu(layers.w1(x), inplace=True)
        return layers.w2(gate.mul_(layers.w3(x)))


class ScaledNorm(RMSNorm):
    """A norm that multiplies by one more value for each channel, and adds, in the same passes."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        factor: torch.Tensor | None = None,
        onto: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """factor: 1 for each channel if None. onto: what is added to, which is not changed."""
        x, eps = hidden_states, self.eps
        weight: Any = self.weight
        if torch.is_grad_enabled():
            normed = super().forward(x)
            normed = normed if factor is None else normed * factor
            return normed if onto is None else onto + normed
        if not (x.device.type == "cpu" and x.dtype is torch.float32):
            normed = functional.rms_norm(x, (x.shape[-1],), weight, eps)
            if onto is None:
                return normed if factor is None else normed * factor
            return onto + normed if factor is None else torch.addcmul(onto, normed, factor)
        # On a processor torch's own takes six passes. These are two and a half.
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        square = torch.addcmul(length.new_tensor(eps), length, length, value=1 / x.shape[-1])
        normed = x * square.rsqrt_()
        factors = weight if factor is None else weight * factor
        return normed.mul_(factors) if onto is None else torch.addcmul(onto, normed, factors)


def _is_plain(pictures: Any) -> bool:
    if torch.is_grad_enabled() or not all(isinstance(each, torch.Tensor) for each in pictures):
        return False
    _, frames, height, width = first = pictures[0].shape
    whole = frames == 1 and not height % _PATCH and not width % _PATCH
    return whole and all(each.shape == first for each in pictures)


def _is_streamed(module: Any) -> bool:
    return hasattr(module, "_diffusers_hook")


def _equally_long(texts: Sequence[torch.Tensor]) -> Iterator[slice]:
    """Yield neighbouring rows whose captions have equally many tokens."""
    start = 0
    for row in range(1, len(texts) + 1):
        if row == len(texts) or len(texts[row]) != len(texts[start]):
            yield slice(start, row)
            start = row


def _rotated(x: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Turn each pair of channels of rows × tokens × heads × channels by its angle.

    In complex numbers, which take one pass instead of four.
    """
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotation.unsqueeze(2)).flatten(3).to(x.dtype)


def _patches(latents: torch.Tensor) -> torch.Tensor:
    """Rearrange rows × channels × height × width to rows × tokens × values, channels innermost."""
    rows, channels, height, width = latents.shape
    cut = latents.view(rows, channels, height // _PATCH, _PATCH, width // _PATCH, _PATCH)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(rows, -1, _PATCH * _PATCH * channels)


def _picture(tokens: torch.Tensor, channels: int, height: int, width: int) -> torch.Tensor:
    """Undo `_patches`; the result has a dimension of one frame."""
    cut = tokens.view(len(tokens), height // _PATCH, width // _PATCH, _PATCH, _PATCH, channels)
    return cut.permute(0, 5, 1, 3, 2, 4).reshape(len(tokens), channels, 1, height, width)


def _padded(tokens: torch.Tensor, pad: torch.Tensor) -> torch.Tensor:
    """Append padding tokens to rows × tokens × width."""
    missing = -tokens.shape[1] % SEQ_MULTI_OF
    if not missing:
        return tokens
    return torch.cat([tokens, pad.to(tokens.dtype).expand(len(tokens), missing, -1)], dim=1)


def _caption_places(tokens: int) -> torch.Tensor:
    """Return the places of a caption's tokens: they follow each other along the first axis."""
    places = torch.zeros(tokens, 3, dtype=torch.int32)
    places[:, 0] = torch.arange(1, tokens + 1)
    return places


def _picture_places(caption: int, rows: int, columns: int) -> torch.Tensor:
    """Return the places of a picture's tokens, behind its caption; padding is at the origin."""
    axes = (torch.tensor([caption + 1]), torch.arange(rows), torch.arange(columns))
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, 2).int()
    return torch.cat([grid, grid.new_zeros(-len(grid) % SEQ_MULTI_OF, 3)])

"""The small transformer and text encoder, and a batched forward pass for training them.

The pipeline passes the transformer lists of pictures and captions of any size; training has equal
sizes only, so it runs the same blocks on plain batches. A test keeps the two equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from torch import nn
from transformers import Qwen3Config, Qwen3Model

from engine.sketch.positions import PositionReader, TokenPositions

HIDDEN: Final = 192
HEADS: Final = 6
LAYERS: Final = 6
TEXT_HIDDEN: Final = 160
"""Widths, heads and layers were chosen by hand for a training of about an hour on two cores."""
_MOST_GRAPHS: Final = 64
"""How many kinds of block may be compiled. There are nine (with and without modulation, gradients
and so on): at torch's own limit of 8 the rest runs as it is, with a warning."""
MIDDLE: Final = 2
"""The block of the transformer after which positions are read. By hand."""
SEQUENCE_MULTIPLE: Final = 32
"""The architecture pads captions and pictures to multiples of this many tokens."""


@dataclass(frozen=True, slots=True)
class Captions:
    """A batch of tokenized captions that all pad to the same length.

    `ids` and `mask` are batch × length; the mask is 1 on real tokens, which come first.
    """

    ids: torch.Tensor
    mask: torch.Tensor

    def to(self, device: torch.device) -> "Captions":
        """Return the batch on a device."""
        return Captions(self.ids.to(device), self.mask.to(device))


def build_transformer() -> ZImageTransformer2DModel:
    """Build an untrained transformer of the real architecture."""
    return ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=16,
        dim=HIDDEN,
        n_layers=LAYERS,
        n_refiner_layers=1,
        n_heads=HEADS,
        n_kv_heads=HEADS,
        norm_eps=1e-5,
        qk_norm=True,
        cap_feat_dim=TEXT_HIDDEN,
        rope_theta=256.0,
        t_scale=1000.0,
        axes_dims=[8, 12, 12],
        axes_lens=[1024, 128, 128],
    )


def build_text_encoder(vocabulary_size: int) -> Qwen3Model:
    """Build an untrained text encoder of the real architecture; its last layer is not used."""
    return Qwen3Model(
        Qwen3Config(
            hidden_size=TEXT_HIDDEN,
            intermediate_size=2 * TEXT_HIDDEN,
            num_hidden_layers=4,
            num_attention_heads=TEXT_HIDDEN // 32,
            num_key_value_heads=TEXT_HIDDEN // 32,
            head_dim=32,
            vocab_size=vocabulary_size,
            max_position_embeddings=2048,
        )
    )


def encode_captions(text_encoder: Qwen3Model, captions: Captions) -> torch.Tensor:
    """Return the text encoder's output that the pipeline uses: batch × length × hidden."""
    answer = text_encoder(
        input_ids=captions.ids, attention_mask=captions.mask, output_hidden_states=True
    )
    return answer.hidden_states[-2]


def velocity(
    model: ZImageTransformer2DModel,
    latents: torch.Tensor,
    t: torch.Tensor,
    features: torch.Tensor,
    mask: torch.Tensor,
    block: "Block | None" = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the transformer's output for a batch, from noise towards the picture, and the
    picture's tokens after its middle block, batch × tokens × hidden.

    Latents are batch × 16 × height × width, `t` is 1 - σ for each row, features are batch × length
    × hidden with the length a multiple of 32, and the mask is 1 on real caption tokens. block: what
    runs one block, None for `run_block`.
    """
    run = block or run_block
    parts: Any = model
    adaln = parts.t_embedder(t * parts.t_scale)
    rows, columns = latents.shape[2] // 2, latents.shape[3] // 2
    image_rope, caption_rope = _rope(parts, features.shape[1], rows, columns, latents.device)
    image = parts.all_x_embedder["2-1"](_patchify(latents))
    padding = image_rope[0].shape[0] - image.shape[1]
    if padding:
        pad = parts.x_pad_token.to(image.dtype).expand(image.shape[0], padding, -1)
        image = torch.cat([image, pad], dim=1)
    for layer in parts.noise_refiner:
        image = run(layer, image, image_rope, adaln)
    caption = parts.cap_embedder(features)
    caption = torch.where(mask[..., None].bool(), caption, parts.cap_pad_token.to(caption.dtype))
    for layer in parts.context_refiner:
        caption = run(layer, caption, caption_rope, None)
    both = torch.cat([image, caption], dim=1)
    rope = tuple(torch.cat(pair) for pair in zip(image_rope, caption_rope, strict=True))
    middle = both
    for index, layer in enumerate(parts.layers):
        both = run(layer, both, rope, adaln)
        if index == MIDDLE:
            middle = both[:, : rows * columns]
    painted = parts.all_final_layer["2-1"](both[:, : rows * columns], c=adaln)
    return _unpatchify(painted, rows, columns), middle


def run_block(
    block: Any, x: torch.Tensor, rope: tuple[torch.Tensor, ...], adaln: torch.Tensor | None
) -> torch.Tensor:
    """Return what one block of the transformer makes of batch × tokens × hidden."""
    if adaln is None:
        x = x + block.attention_norm2(_attend(block.attention, block.attention_norm1(x), rope))
        return x + block.ffn_norm2(block.feed_forward(block.ffn_norm1(x)))
    modulation = block.adaLN_modulation(adaln)[:, None].chunk(4, dim=2)
    scale_attention, gate_attention, scale_mlp, gate_mlp = modulation
    attended = _attend(block.attention, block.attention_norm1(x) * (1 + scale_attention), rope)
    x = x + gate_attention.tanh() * block.attention_norm2(attended)
    fed = block.feed_forward(block.ffn_norm1(x) * (1 + scale_mlp))
    return x + gate_mlp.tanh() * block.ffn_norm2(fed)


def _attend(attention: Any, x: torch.Tensor, rope: tuple[torch.Tensor, ...]) -> torch.Tensor:
    heads = (*x.shape[:2], attention.heads, -1)
    query = _rotate(attention.norm_q(attention.to_q(x).view(heads)), rope)
    key = _rotate(attention.norm_k(attention.to_k(x).view(heads)), rope)
    value = attention.to_v(x).view(heads).transpose(1, 2)
    query = query.transpose(1, 2).to(value.dtype) * query.shape[-1] ** -0.5
    # Written out, because torch's fused kernel is no faster for so few tokens: a training step took
    # 0.64 to 1.04 of its processor time in four runs in turn (one thread of a Xeon, 2026-11-29).
    odds = (query @ key.transpose(1, 2).to(value.dtype).mT).softmax(dim=-1)
    return attention.to_out[0]((odds.to(value.dtype) @ value).transpose(1, 2).flatten(2))


def _rotate(x: torch.Tensor, rope: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Apply rotary position embedding in real arithmetic: pairs of channels rotate by an angle."""
    cosine, sine = (part.to(x.dtype) for part in rope)
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1)
    return turned.flatten(-2)


_Rope = tuple[torch.Tensor, torch.Tensor]


def _rope(
    model: Any, caption: int, rows: int, columns: int, device: torch.device
) -> tuple[_Rope, _Rope]:
    """Return cosines and sines (tokens × 1 × half head) for the padded picture and caption."""
    across = [torch.tensor([caption + 1]), torch.arange(rows), torch.arange(columns)]
    grid = torch.stack(torch.meshgrid(*across, indexing="ij"), dim=-1).flatten(0, 2)
    padding = -len(grid) % SEQUENCE_MULTIPLE
    image_ids = torch.cat([grid, torch.zeros(padding, 3, dtype=grid.dtype)]).to(device)
    caption_ids = torch.zeros(caption, 3, dtype=grid.dtype)
    caption_ids[:, 0] = torch.arange(1, caption + 1)
    caption_ids = caption_ids.to(device)
    image, words = model.rope_embedder(image_ids), model.rope_embedder(caption_ids)
    return (image.real[:, None], image.imag[:, None]), (words.real[:, None], words.imag[:, None])


def _patchify(latents: torch.Tensor) -> torch.Tensor:
    """Rearrange batch × 16 × height × width → batch × tokens × 64, channels innermost."""
    batch, channels, height, width = latents.shape
    patches = latents.view(batch, channels, height // 2, 2, width // 2, 2)
    return patches.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, 4 * channels)


def _unpatchify(tokens: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    batch, _, width = tokens.shape
    patches = tokens.view(batch, rows, columns, 2, 2, width // 4)
    return patches.permute(0, 5, 1, 3, 2, 4).reshape(batch, width // 4, rows * 2, columns * 2)


Block = Callable[[Any, torch.Tensor, tuple[torch.Tensor, ...], torch.Tensor | None], torch.Tensor]
"""What `run_block` is."""


class SketchModel(nn.Module):
    """Transformer and text encoder together, for the second half of training.

    compiled: its blocks are compiled at their first use, which needs a C++ compiler and takes about
    two minutes. Not the network as a whole, which would take as long for every size of picture.
    """

    def __init__(self, vocabulary_size: int, *, compiled: bool = False) -> None:
        super().__init__()
        self.transformer = build_transformer()
        self.text_encoder = build_text_encoder(vocabulary_size)
        self.position_reader = PositionReader(HIDDEN)
        self._block: Block = run_block
        if compiled:
            torch._dynamo.config.recompile_limit = _MOST_GRAPHS
            self._block = torch.compile(run_block, dynamic=True)

    def forward(self, latents: torch.Tensor, t: torch.Tensor, captions: Captions) -> torch.Tensor:
        """Return the velocity for noisy latents at time `t` (1 - σ) under these captions."""
        return self._velocity(latents, t, captions)[0]

    def located(
        self, latents: torch.Tensor, t: torch.Tensor, captions: Captions, positions: TokenPositions
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the velocity, and how badly positions are read from the tokens in the middle."""
        painted, middle = self._velocity(latents, t, captions)
        return painted, self.position_reader(middle, positions)

    def _velocity(
        self, latents: torch.Tensor, t: torch.Tensor, captions: Captions
    ) -> tuple[torch.Tensor, torch.Tensor]:
        features = encode_captions(self.text_encoder, captions)
        return velocity(self.transformer, latents, t, features, captions.mask, self._block)

"""The sizes of Z-Image-Turbo, for planning before any of its files is here. No torch."""

from __future__ import annotations

from dataclasses import replace

from engine.diffusion.families import Z_IMAGE_TURBO
from engine.diffusion.footprint import Shape, Sizes

SIZES = Sizes(
    transformer_bytes=12_309_817_472,
    encoder_bytes=8_044_936_704,
    vae_bytes=167_639_366,
    transformer_quantized_bytes=6_296_310_912,
    encoder_quantized_bytes=4_413_832_704,
    embedding_bytes=777_912_320,
    transformer_block_bytes=361_820_672,
    encoder_block_bytes=201_861_632,
    layer_bytes=78_643_200,
    width=3840,
    layers=30,
    encoder_width=2560,
    vae_width=128,
    item_bytes=2,
    prompt_tokens=512,
    layout=Z_IMAGE_TURBO.layout,
)
"""Z-Image-Turbo in bfloat16, added up from the shapes of its weights (`make bench-memory` compares
it with the architecture)."""

NATIVE = Shape(Z_IMAGE_TURBO.native_side_px, Z_IMAGE_TURBO.native_side_px)
"""A picture of its native size, painted with the usual number of steps."""

PUBLISHED_BYTES = 33_000_000_000
"""What Z-Image-Turbo takes in its publisher's repository, by the publisher; not measured here."""
_PACKED_BITS = 4.5
"""Bits of a weight in GGUF's blocks Q4_0 and Q4_K, their scales included, by that format."""


def sizes_in(item_bytes: int) -> Sizes:
    """Return the sizes with this many bytes a value: 2 in bfloat16, 4 in float32.

    Quantized, the large matrices take one byte a weight in either.
    """
    if item_bytes == SIZES.item_bytes:
        return SIZES
    factor = item_bytes / SIZES.item_bytes

    def quantized(exact_bytes: int, quantized_bytes: int) -> int:
        large = (exact_bytes - quantized_bytes) / (SIZES.item_bytes - 1)
        return int(large + (quantized_bytes - large) * factor)

    wider = {
        name: int(getattr(SIZES, name) * factor)
        for name in (
            "transformer_bytes",
            "encoder_bytes",
            "vae_bytes",
            "embedding_bytes",
            "transformer_block_bytes",
            "encoder_block_bytes",
            "layer_bytes",
        )
    }
    return replace(
        SIZES,
        **wider,
        transformer_quantized_bytes=quantized(
            SIZES.transformer_bytes, SIZES.transformer_quantized_bytes
        ),
        encoder_quantized_bytes=quantized(SIZES.encoder_bytes, SIZES.encoder_quantized_bytes),
        item_bytes=item_bytes,
    )


def packed_bytes() -> int:
    """Return about what the transformer takes as a 4-bit GGUF file; the encoder is another file."""
    large = SIZES.transformer_bytes - SIZES.transformer_quantized_bytes
    return int(SIZES.transformer_quantized_bytes - large + large * _PACKED_BITS / 8)

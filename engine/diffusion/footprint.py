"""Estimate what a memory plan costs: device memory, host memory and time. No torch.

Peaks were counted tensor by tensor on the full-size Z-Image-Turbo without weights (bf16, eager,
attention that stores no scores); what a library allocates besides is covered by the reserve.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.diffusion.families import TokenLayout

TILE_PX = 512
TILE_OVERLAP = 0.25
"""Tiled decoding: the side of a tile, and the share of it that two neighbours have in common.

512 is half of the side that the autoencoder was trained at; both were chosen by hand.
"""
PARKED_SHARE = 1 / 16
"""The share of the transformer that makes room for a tiled decoding; a tile needs less than a step,
so a small share is enough. Chosen by hand."""
WORKING_SHARE = 0.03
"""Memory that painting takes beside the weights, as a share of them: 510 MB in a step at 1024² of
Z-Image-Turbo, whose weights take 19.1 GiB in bfloat16."""
_DENOISE_VALUES = 16  # live values per token and width: 510 MB at 4192 tokens of 3840
_ENCODE_VALUES = 80  # likewise for a prompt: 205 MB at 512 tokens of 2560
_DECODE_VALUES = 6  # per pixel and width: 1611 MB at 1024² of 128
_DECODE_FLOPS = 611  # per pixel and width²: 10.5 TFLOP at 1024² of 128
_FP16_BYTES = 2
_DEQUANTIZE_BYTES = 3  # per weight: one read, two written


class Placement(StrEnum):
    """Where the weights are; each takes less of the device than the one before."""

    RESIDENT = "resident"
    """Everything on the device, always."""
    ENCODER = "encoder-offload"
    """The text encoder passes through the device in its phase; the rest stays there."""
    MODEL = "model-offload"
    """One component on the device at a time; none between jobs."""
    STREAMED = "streamed"
    """Block after block; the next one is copied while this one computes."""
    SEQUENTIAL = "sequential-offload"
    """Leaf module after leaf module, from ordinary host memory."""


class Weights(StrEnum):
    """How the large matrices of transformer and encoder are stored and multiplied.

    All but `full` change bits.
    """

    FULL = "full"
    FP16 = "fp16"
    """float16, multiplied in it with scaled rows; what lies between the products is as loaded."""
    FP8 = "fp8"
    INT8 = "int8"
    W8A8 = "w8a8"
    """int8, and the transformer's products too are of int8: what enters them is rounded as well."""

    @property
    def eight_bit(self) -> bool:
        """Whether a weight is one byte."""
        return self in (Weights.FP8, Weights.INT8, Weights.W8A8)

    @property
    def of_encoder(self) -> Weights:
        """The text encoder's: read once for a picture, it gains nothing from products in int8."""
        return Weights.INT8 if self is Weights.W8A8 else self


OPTIONS = tuple(weights for weights in Weights if weights is not Weights.FULL)
"""The formats that the name of a memory plan may have."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How a model is kept in memory; `str` and `parse` are inverses ("streamed+fp8+tiled")."""

    placement: Placement
    weights: Weights = Weights.FULL
    tiled: bool = False

    def __str__(self) -> str:
        parts = [self.placement.value]
        if self.weights is not Weights.FULL:
            parts.append(self.weights.value)
        return "+".join([*parts, "tiled"] if self.tiled else parts)

    @property
    def exact(self) -> bool:
        """Whether the weights are as loaded."""
        return self.weights is Weights.FULL

    @classmethod
    def parse(cls, text: str) -> MemoryPlan:
        """Return the plan of that name. Raises ValueError that lists all there are."""
        first, *options = (part.strip() for part in text.lower().split("+"))
        formats = [option for option in options if option != "tiled"]
        try:
            if len(formats) > 1 or len(set(options)) < len(options):
                raise ValueError
            weights = Weights(formats[0]) if formats else Weights.FULL
            return cls(Placement(first), weights, "tiled" in options)
        except ValueError:
            raise ValueError(
                f"{text!r} is not a memory plan: use one of {', '.join(Placement)}, "
                f"optionally with one of +{', +'.join(OPTIONS)}, and with +tiled"
            ) from None


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a model as it was loaded.

    *_quantized_bytes: the same component with its large matrices at one byte a weight.
    embedding_bytes: the encoder's token table, which stays on the host unless everything is
    resident. *_block_bytes: its largest block. layer_bytes: the largest matrix of all. vae_width:
    channels at full resolution. prompt_tokens: the encoder always reads this many, padded. layout:
    how many tokens the transformer reads.
    """

    transformer_bytes: int
    encoder_bytes: int
    vae_bytes: int
    transformer_quantized_bytes: int
    encoder_quantized_bytes: int
    embedding_bytes: int
    transformer_block_bytes: int
    encoder_block_bytes: int
    layer_bytes: int
    width: int
    layers: int
    encoder_width: int
    vae_width: int
    item_bytes: int
    prompt_tokens: int
    layout: TokenLayout

    def transformer(self, weights: Weights) -> int:
        """Bytes of the transformer in that format."""
        whole_bytes, small_bytes = self.transformer_bytes, self.transformer_quantized_bytes
        return self._stored(weights, whole_bytes, small_bytes)

    def encoder(self, weights: Weights) -> int:
        """Bytes of the text encoder in that format, its token table included."""
        return self._stored(weights, self.encoder_bytes, self.encoder_quantized_bytes)

    def tokens(self, shape: Shape) -> int:
        """Tokens of one row of a forward pass."""
        return self.layout.tokens(shape.width_px, shape.height_px)

    def streamed(self, weights: Weights, unit_bytes: int) -> int:
        """Bytes while units pass through: the current one, the next, and one dequantized matrix."""
        ratio = self.transformer(weights) / max(1, self.transformer_bytes)
        return int(2 * unit_bytes * ratio) + (self.layer_bytes if weights.eight_bit else 0)

    def _stored(self, weights: Weights, whole_bytes: int, small_bytes: int) -> int:
        if weights.eight_bit:
            return small_bytes
        if weights is Weights.FULL or self.item_bytes <= _FP16_BYTES:
            return whole_bytes
        large = (whole_bytes - small_bytes) // (self.item_bytes - 1)
        return whole_bytes - large * (self.item_bytes - _FP16_BYTES)


@dataclass(frozen=True, slots=True)
class Shape:
    """A batch to be painted: pixels, steps, pictures at once, and which phases it needs.

    adapter_bytes: of LoRAs, which stay on the device under every plan.
    """

    width_px: int
    height_px: int
    steps: int = 8
    batch: int = 1
    guided: bool = False
    new_prompt: bool = True
    adapter_bytes: int = 0

    @property
    def rows(self) -> int:
        """Rows of a forward pass: guidance doubles them."""
        return self.batch * (2 if self.guided else 1)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, as measured.

    free_bytes: on the device, including what this renderer already holds; None where device and
    host share memory. host_free_bytes: likewise. copy: from pinned host memory; pageable: from
    ordinary. memory_bytes_per_s: the device's own, read and written. fp8_units, int8_units: whether
    it computes in them. fp16_instead: whether it computes in float16 and not in bfloat16, so that
    large models are painted in the former.
    """

    kind: str
    free_bytes: int | None
    total_bytes: int
    host_free_bytes: int
    copy_bytes_per_s: float
    pageable_bytes_per_s: float
    memory_bytes_per_s: float
    flops_per_s: float
    fp8_units: bool = False
    int8_units: bool = False
    fp16_instead: bool = False

    @property
    def int8_products(self) -> bool:
        """Whether 8-bit weights are best multiplied as such: else it were done in float32."""
        return self.fp16_instead and self.int8_units


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a plan: peak memory of the device and of the host, and the time of a batch."""

    peak_bytes: int
    host_bytes: int
    seconds: float


def loading_bytes(weights_bytes: int, *, own_memory: bool) -> int:
    """Return the host memory that a model has to find before it is loaded.

    own_memory: whether the device has memory of its own: the weights pass through the host's once,
    and painting takes nothing more of it.
    """
    return weights_bytes if own_memory else int(weights_bytes * (1 + WORKING_SHARE))


def estimate(plan: MemoryPlan, sizes: Sizes, machine: Machine, shape: Shape) -> Estimate:
    """Estimate the cost of a plan for one batch on this machine."""
    peak_bytes, host_bytes = device_bytes(plan, sizes, shape), waiting_bytes(plan, sizes)
    if machine.free_bytes is None:
        # Shared memory: what leaves the device still takes the same memory.
        peak_bytes, host_bytes = peak_bytes + host_bytes, 0
    return Estimate(peak_bytes, host_bytes, _seconds(plan, sizes, machine, shape))


def device_bytes(plan: MemoryPlan, sizes: Sizes, shape: Shape) -> int:
    """Return the largest of the three phases: present weights and the phase's activations."""
    weights = plan.weights
    prompts = 2 if shape.guided else 1
    encode = prompts * sizes.prompt_tokens * sizes.encoder_width * sizes.item_bytes * _ENCODE_VALUES
    denoise = shape.rows * sizes.tokens(shape) * sizes.width * sizes.item_bytes * _DENOISE_VALUES
    side_px = TILE_PX if plan.tiled else max(shape.width_px, shape.height_px)
    pixels = min(side_px, shape.width_px) * min(side_px, shape.height_px)
    decode = sizes.vae_bytes + pixels * sizes.vae_width * sizes.item_bytes * _DECODE_VALUES
    transformer, encoder = sizes.transformer(weights), sizes.encoder(weights)
    block = sizes.streamed(weights, sizes.transformer_block_bytes)
    encoder_block = sizes.streamed(weights, sizes.encoder_block_bytes)
    leaf = sizes.streamed(weights, sizes.layer_bytes)
    match plan.placement:
        case Placement.RESIDENT:
            rest = transformer + encoder
            made = (sizes.vae_bytes + encode, sizes.vae_bytes + denoise, decode)
            peaks = (rest + made[0], rest + made[1], rest + made[2])
        case Placement.ENCODER:
            vae = 0 if plan.tiled else sizes.vae_bytes
            stay = transformer - (int(transformer * PARKED_SHARE) if plan.tiled else 0)
            peaks = (
                transformer + vae + encoder_block + encode,
                transformer + vae + denoise,
                stay + decode,
            )
        case Placement.MODEL:
            peaks = (encoder - sizes.embedding_bytes + encode, transformer + denoise, decode)
        case Placement.STREAMED:
            peaks = (encoder_block + encode, block + denoise, decode)
        case Placement.SEQUENTIAL:
            peaks = (leaf + encode, leaf + denoise, decode)
    return max(peaks if shape.new_prompt else peaks[1:]) + shape.adapter_bytes


def waiting_bytes(plan: MemoryPlan, sizes: Sizes) -> int:
    """Return the bytes that wait in the host's memory for their phase."""
    transformer, encoder = sizes.transformer(plan.weights), sizes.encoder(plan.weights)
    match plan.placement:
        case Placement.RESIDENT:
            return 0
        case Placement.ENCODER:
            parked = int(transformer * PARKED_SHARE) + sizes.vae_bytes if plan.tiled else 0
            return encoder + parked
        case _:
            return encoder + transformer + sizes.vae_bytes


def _seconds(plan: MemoryPlan, sizes: Sizes, machine: Machine, shape: Shape) -> float:
    """Return the time of arithmetic and of every copy that it does not hide, to compare plans."""
    flops, copy = machine.flops_per_s, machine.copy_bytes_per_s
    transformer, encoder = sizes.transformer(plan.weights), sizes.encoder(plan.weights)
    passing = encoder - sizes.embedding_bytes
    tokens = sizes.tokens(shape)
    forward = 2 * sizes.transformer_bytes / sizes.item_bytes * tokens
    forward += 4 * tokens**2 * sizes.width * sizes.layers
    step_s = shape.rows * forward / flops
    weights = (sizes.encoder_bytes - sizes.embedding_bytes) / sizes.item_bytes
    encode_s = (2 if shape.guided else 1) * 2 * weights * sizes.prompt_tokens / flops
    decode_s = shape.batch * _decoded_px(plan, shape) * sizes.vae_width**2 * _DECODE_FLOPS / flops
    if plan.weights in (Weights.FP8, Weights.INT8):
        many = _DEQUANTIZE_BYTES / machine.memory_bytes_per_s
        step_s += transformer * many
        encode_s += passing * many
    vae_s, parked_s = sizes.vae_bytes / copy, PARKED_SHARE * transformer / copy
    match plan.placement:
        case Placement.RESIDENT:
            pass
        case Placement.ENCODER:
            encode_s = max(encode_s, passing / copy)
            decode_s += vae_s + parked_s if plan.tiled else 0.0
        case Placement.MODEL:
            encode_s += passing / copy
            decode_s += vae_s + transformer / copy
        case Placement.STREAMED:
            encode_s, step_s = max(encode_s, passing / copy), max(step_s, transformer / copy)
            decode_s += vae_s
        case Placement.SEQUENTIAL:
            encode_s += passing / machine.pageable_bytes_per_s
            step_s += transformer / machine.pageable_bytes_per_s
            decode_s += vae_s
    return (encode_s if shape.new_prompt else 0.0) + shape.steps * step_s + decode_s


def _decoded_px(plan: MemoryPlan, shape: Shape) -> int:
    """Return the pixels that one decoding computes: tiles overlap."""
    if not plan.tiled or max(shape.width_px, shape.height_px) <= TILE_PX:
        return shape.width_px * shape.height_px
    stride_px = int(TILE_PX * (1 - TILE_OVERLAP))
    width_px, height_px = (
        sum(min(TILE_PX, side_px - start) for start in range(0, side_px, stride_px))
        for side_px in (shape.width_px, shape.height_px)
    )
    return width_px * height_px

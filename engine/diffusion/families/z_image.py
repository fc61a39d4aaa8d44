"""Z-Image-Turbo, Z-Image, and the conventions of their architecture.

They are those of diffusers' ZImagePipeline, to the bit: tests compare pictures with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.diffusion.families.base import (
    Chat,
    Component,
    Family,
    Prompt,
    Speed,
    Tensor,
    TokenLayout,
    TransformerShape,
)
from engine.diffusion.families.clues import ModelClues

PIPELINE_CLASS = "ZImagePipeline"

QWEN3_CHAT = Chat(
    turn="<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    template="{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\n\n</think>\n\n' }}"
    "{% endif %}{% endif %}",
    start_token="<|im_start|>",
    end_tokens=("<|im_end|>", "<|endoftext|>"),
)
"""The chat template of Qwen3, Z-Image's text encoder."""

COMPONENTS = (
    Component("transformer", "ZImageTransformer2DModel"),
    Component("text_encoder"),
    Component("vae", "AutoencoderKL"),
    Component("tokenizer", has_weights=False),
    Component("scheduler", has_weights=False),
)

LAYOUT = TokenLayout(patch_px=16, multiple=32, caption=96)
"""Patches of 2 × 2 latents of 8 pixels; the transformer pads to multiples of 32. The caption is a
judgement: a prompt of some 65 words and its template."""

NEGATIVE_GUIDANCE = 1.8
"""What a negative prompt needs. Published experience with Turbo: 1.2 to 1.8 only hold a prompt
more strictly, and above 2.5 pictures burn. A negative prompt weighs as much as guidance
exceeds 1, so the upper end is where it acts most without harm."""


ROPE_THETA = 256.0
"""Of the transformer; as in its published configuration, like the next three."""
ENCODER_ROPE_THETA = 1_000_000.0
"""Of Qwen3-4B."""
VAE_SCALING_FACTOR, VAE_SHIFT_FACTOR = 0.3611, 0.1159
"""Of Flux's autoencoder, which Z-Image shares."""
QWEN3_2507_ROPE_THETA = 5_000_000.0
"""Of Qwen3-4B-Instruct-2507 by its publisher: a later training of the encoder, which people use in
its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZImage(Family):
    """A model of Z-Image's architecture."""

    pipeline_class: str = PIPELINE_CLASS
    components: tuple[Component, ...] = COMPONENTS
    chat: Chat = QWEN3_CHAT
    layout: TokenLayout = LAYOUT
    rope_theta: float = ROPE_THETA
    negative_guidance: float | None = NEGATIVE_GUIDANCE

    def recognizes(self, clues: ModelClues) -> str | None:
        """Recognise the pipeline's class, and mention a scheduler that is not this family's.

        Z-Image and Z-Image-Turbo have the same classes and the same tensor names: what Z-Image has
        not recognised by its scheduler is taken for Turbo here.
        """
        if clues.pipeline_class != self.pipeline_class:
            return None
        reason = f"its model_index.json names {self.pipeline_class}"
        shift = clues.config("scheduler").get("shift", self.shift)
        if isinstance(shift, int | float) and shift != self.shift:
            reason += f", though its scheduler's shift is {shift:g} and not {self.shift:g}"
        return reason

    def pipeline_guidance(self, guidance: float) -> float:
        """Return one less than the classic number: pred = pos + g · (pos − neg)."""
        return max(0.0, guidance - 1.0)

    def misfit(self, pipeline: Any) -> str | None:
        """Compare vocabulary, widths and channels of neighbouring components.

        A tokenizer whose vocabulary is missing loads all the same, and reads nothing.
        """
        tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
        transformer, vae = pipeline.transformer.config, pipeline.vae.config
        complaints = {
            "its tokenizer has no chat template": not tokenizer.chat_template,
            "its tokenizer has no vocabulary": tokenizer("a").input_ids == tokenizer("b").input_ids,
            "its tokenizer has more tokens than its text_encoder knows": len(tokenizer)
            > encoder.get_input_embeddings().num_embeddings,
            "its text_encoder does not fit its transformer": encoder.config.hidden_size
            != transformer.cap_feat_dim,
            "its vae does not fit its transformer": vae.latent_channels != transformer.in_channels,
        }
        return next((complaint for complaint, holds in complaints.items() if holds), None)

    def embed(self, pipeline: Any, text: str, device: Any) -> Tensor:
        """Encode a prompt: the last hidden state but one of each token, without padding.

        The pipeline pads every prompt to `max_tokens`. Behind what a causal encoder reads, padding
        changes nothing but the rounding, and takes most of the time of reading.
        """
        inputs = pipeline.tokenizer(
            [self.chat.prompt(pipeline.tokenizer, text)],
            max_length=self.max_tokens,
            truncation=True,
            return_tensors="pt",
        )
        states = pipeline.text_encoder(
            input_ids=inputs.input_ids.to(device), output_hidden_states=True
        ).hidden_states
        return states[-2][0]

    def model_times(self, timesteps: Tensor) -> Tensor:
        """Return 1 − σ."""
        return (1000 - timesteps) / 1000

    def velocity(
        self, transformer: Any, prompt: Prompt, latents: Tensor, time: Tensor, guidance: float
    ) -> Tensor:
        """Predict the velocity; guidance doubles the batch.

        The transformer takes a list of channels × frames × height × width, one per row, and
        predicts picture − noise.
        """
        scale = self.pipeline_guidance(guidance)
        guided = scale > 0 and prompt.negative is not None
        texts = [prompt.positive, prompt.negative] if guided else [prompt.positive]
        pictures = [latents.to(transformer.dtype)[0].unsqueeze(1)] * len(texts)
        times = time.expand(1).repeat(len(texts))
        answers = transformer(pictures, times, texts, return_dict=False)[0]
        rows = [each.float() for each in answers]
        towards = rows[0] + scale * (rows[0] - rows[1]) if guided else rows[0]
        return -towards.unsqueeze(0).squeeze(2)

    def dynamic_shift(self, config: Mapping[str, Any], height: int, width: int) -> float:
        """Interpolate between the configured shifts by the number of image tokens."""
        base_tokens, max_tokens = (
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 4096),
        )
        base, most = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
        slope = (most - base) / (max_tokens - base_tokens)
        return height // 2 * (width // 2) * slope + (base - slope * base_tokens)

    def normalized(self, vae: Any, encoded: Tensor) -> Tensor:
        """Shift, then scale, by the autoencoder's configuration."""
        return (encoded - vae.config.shift_factor) * vae.config.scaling_factor

    def denormalized(self, vae: Any, latents: Tensor) -> Tensor:
        """Undo `normalized`."""
        return latents / vae.config.scaling_factor + vae.config.shift_factor

    def transformer_shape(self, transformer: Any) -> TransformerShape:
        """Read the sizes from the transformer's configuration; refiners are not counted."""
        return TransformerShape(transformer.config.dim, transformer.config.n_layers)

    def blocks(self, transformer: Any) -> list[Any]:
        """The main layers, without the refiners."""
        return list(transformer.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class FullSize(ZImage):
    """A model of Z-Image's published size: what Turbo and Z-Image have in common."""

    native_side_px: int = 1024
    min_side_px: int = 256
    max_side_px: int = 2048
    max_pixels: int = 1536 * 1536
    good_side_px: int = 512
    max_ratio: float = 21 / 9
    encoder_rope_theta: float | None = ENCODER_ROPE_THETA
    encoder_rope_variants: tuple[float, ...] = (QWEN3_2507_ROPE_THETA,)
    vae_scaling_factor: float | None = VAE_SCALING_FACTOR
    vae_shift_factor: float | None = VAE_SHIFT_FACTOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Undistilled(FullSize):
    """Z-Image before its distillation: many steps, with guidance."""

    def recognizes(self, clues: ModelClues) -> str | None:
        """Recognise the scheduler's shift; where none can be read, the publisher's name."""
        if clues.pipeline_class not in (None, self.pipeline_class):
            return None
        shift = clues.config("scheduler").get("shift")
        if shift == self.shift:
            return f"its scheduler's shift is {self.shift:g}"
        if shift is None and clues.pipeline_class and clues.is_called(self.known_names):
            return f"its model_index.json names {self.pipeline_class}, and its name is Z-Image's"
        return None


Z_IMAGE_TURBO: Family = FullSize(
    name="z-image-turbo",
    known_names=("z-image-turbo",),
    max_guidance=3.2,
)
"""Guidance: published experience with Turbo, which is distilled for none. Pictures burn above 2.5
and break above 3.2; 1.8 is the strongest that still only holds a prompt more strictly."""

Z_IMAGE: Family = Undistilled(
    name="z-image",
    known_names=("tongyi-mai/z-image", "z-image-bf16", "z-image-base"),
    shift=6.0,
    speeds={Speed.FAST: 28, Speed.STANDARD: 36, Speed.FINE: 50},
    default_steps=36,
    default_guidance=4.0,
    strict_guidance=5.0,
    negative_guidance=3.0,
    warn_guidance=5.0,
    max_guidance=6.0,
)
"""Its publisher advises 28 to 50 steps and guidance 3 to 5, without saying whether that is classic
guidance or the pipeline's number, which is one less: the default lies within both, and the limit is
the pipeline's 5. Which steps a speed means was chosen by hand within the published bounds. A
negative prompt acts at any guidance above 1; where that is off, the lowest advised one is used.
Its names are those of its publisher and of ComfyUI's files; people call Turbo's files z_image too,
so that alone says nothing."""

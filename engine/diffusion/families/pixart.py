"""PixArt-Alpha, PixArt-Sigma, and the latent consistency model of PixArt-Alpha.

A transformer in the latents of Stable Diffusion (Alpha) or SDXL (Sigma), which predicts noise and
reads its prompt from T5's encoder through cross-attention. The conventions are those of diffusers'
PixArtAlphaPipeline and PixArtSigmaPipeline without `clean_caption`, which needs further packages
and rewrites prompts, and without `use_resolution_binning`, which paints another size than was asked
for: tests compare pictures with them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.diffusion.families import variance_preserving
from engine.diffusion.families.base import (
    Component,
    Family,
    NoiseLevels,
    Prompt,
    Speed,
    Tensor,
    TokenLayout,
    TransformerShape,
)
from engine.diffusion.families.clues import ModelClues
from engine.diffusion.families.features import Feature
from engine.diffusion.families.pixart_layers import TOKENS
from engine.diffusion.families.variance_preserving import DPM, LCM
from engine.prompts import EnhancementLevel

ALPHA_CLASS, SIGMA_CLASS = "PixArtAlphaPipeline", "PixArtSigmaPipeline"
TRANSFORMER = "PixArtTransformer2DModel"
FORMER_TRANSFORMER = "Transformer2DModel"
"""What the published configurations call it: the class that had several architectures in it."""
NORM = "ada_norm_single"
"""The norm by which PixArt's is told from the others of that class."""

COMPONENTS = (
    Component("transformer", TRANSFORMER),
    Component("text_encoder"),
    Component("vae", "AutoencoderKL"),
    Component("tokenizer", has_weights=False),
    Component("scheduler", has_weights=False),
)

LAYOUT = TokenLayout(patch_px=16, multiple=1, caption=0)
"""Patches of 2 × 2 latents of 8 pixels. The prompt is read through cross-attention, which costs
little."""

ALPHA_SCALING, SIGMA_SCALING = 0.18215, 0.13025
"""Of the autoencoders of Stable Diffusion and of SDXL, by their published configurations."""
_PREDICTIONS = ("epsilon", "v_prediction")
_LATENT_PX = 8
_NATIVE_PX = 1024
_CONSISTENT = re.compile(r"(?:^|-)lcm(?:-|$)")
_SIDE_IN_NAME = re.compile(r"(?<![a-z0-9])(256|512|1024|2048|2k)(?:x\1|px|-?ms)?(?![a-z0-9])")
ALPHA_TOKENS, SIGMA_TOKENS = 120, 300
"""The most tokens of a prompt, as the pipelines have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PixArt(Family):
    """A model of PixArt's architecture.

    scheduler: of diffusers, with which it is painted, whichever lies in its folder.
    """

    components: tuple[Component, ...] = COMPONENTS
    scheduler: str = DPM
    layout: TokenLayout = LAYOUT
    levels: tuple[EnhancementLevel, ...] = (
        EnhancementLevel.OFF,
        EnhancementLevel.LIGHT,
        EnhancementLevel.FULL,
    )
    native_side_px: int = _NATIVE_PX
    min_side_px: int = 256
    max_side_px: int = 2 * _NATIVE_PX
    max_pixels: int = 1536 * 1536
    good_side_px: int = 512
    max_ratio: float = 21 / 9

    def sized(self, clues: ModelClues) -> Family:
        """Return the family with the bounds of the side that the model was trained at.

        Models of 256, 512, 1024 and 2048 px were published. All bounds grow with that side.
        """
        side = clues.config("transformer").get("sample_size") or size_in_name(clues.short_name)
        if not isinstance(side, int) or side not in (32, 64, 128, 256):
            return self
        side_px = _LATENT_PX * side
        if side_px == self.native_side_px:
            return self
        return dataclasses.replace(
            self,
            native_side_px=side_px,
            min_side_px=max(128, side_px // 4),
            max_side_px=2 * side_px,
            max_pixels=(3 * side_px // 2) ** 2,
            good_side_px=side_px // 2,
        )

    def recognizes(self, clues: ModelClues) -> str | None:
        """Recognise the pipeline's class; without an index, the transformer.

        Alpha's and Sigma's are of one class: what else tells them apart decides.
        """
        if clues.pipeline_class == self.pipeline_class:
            return f"its model_index.json names {self.pipeline_class}"
        if clues.pipeline_class is not None or not is_pixart(clues.config("transformer")):
            return None
        kind, sign = _told_apart(clues)
        return f"its transformer is PixArt's, and {sign}" if kind == self.pipeline_class else None

    def pipeline_guidance(self, guidance: float) -> float:
        """Return the classic number: pred = neg + g · (pos − neg), which is off up to 1."""
        return guidance if guidance > 1.0 else 0.0

    def token_count(self, tokenizer: Any, text: str) -> int:
        """Count what T5 reads, with the token for the end."""
        # Else it warns of long prompts over our own sentence.
        return len(tokenizer(_read(text), verbose=False).input_ids)

    def misfit(self, pipeline: Any) -> str | None:
        """Compare the encoder's width, the transformer's inputs, scheduler and autoencoder."""
        tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
        transformer, vae = pipeline.transformer.config, pipeline.vae.config
        scheduler = pipeline.scheduler.config
        read = transformer.caption_channels or transformer.cross_attention_dim
        answers = transformer.out_channels or transformer.in_channels
        complaints = {
            "its tokenizer has no vocabulary": tokenizer("a").input_ids == tokenizer("b").input_ids,
            "its tokenizer has more tokens than its text_encoder knows": len(tokenizer)
            > encoder.config.vocab_size,
            "its text_encoder does not fit its transformer": encoder.config.hidden_size != read,
            "its vae does not fit its transformer": vae.latent_channels != transformer.in_channels,
            "its transformer answers with other latents than its own": answers
            not in (transformer.in_channels, 2 * transformer.in_channels),
            f"its scheduler predicts {scheduler.prediction_type}": scheduler.prediction_type
            not in _PREDICTIONS,
        }
        return next((complaint for complaint, holds in complaints.items() if holds), None)

    def embed(self, pipeline: Any, text: str, device: Any) -> Tensor:
        """Encode a prompt: T5's last hidden state of each token, without padding.

        The pipeline pads every prompt to `max_tokens` and masks what it added: only the rounding
        differs.
        """
        inputs = pipeline.tokenizer(
            [_read(text)], max_length=self.max_tokens, truncation=True, return_tensors="pt"
        )
        return pipeline.text_encoder(input_ids=inputs.input_ids.to(device))[0][0]

    def noise_levels(
        self, scheduler: Any, steps: int, start: float, device: Any
    ) -> NoiseLevels | None:
        """Return the levels of its scheduler, which begins with a trace of a picture."""
        return variance_preserving.noise_levels(scheduler, steps, start, device)

    def model_times(self, timesteps: Tensor) -> Tensor:
        """Return them unchanged: what a step needs is in the rows of `noise_levels`."""
        return timesteps

    def velocity(
        self, transformer: Any, prompt: Prompt, latents: Tensor, time: Tensor, guidance: float
    ) -> Tensor:
        """Predict the velocity; guidance doubles the batch, the negative prompt comes first."""
        guided = guidance > 1.0 and prompt.negative is not None
        texts = [prompt.negative, prompt.positive] if guided else [prompt.positive]
        count, channels = len(texts), prompt.positive.shape[-1]
        rows = prompt.positive.new_zeros(count, self.max_tokens, channels)
        mask = prompt.positive.new_zeros(count, self.max_tokens)
        for number, text in enumerate(texts):
            rows[number, : len(text)] = text
            mask[number, : len(text)] = 1
        sample = variance_preserving.sample_of(latents, time).to(transformer.dtype)
        height, width = (_LATENT_PX * side for side in latents.shape[-2:])
        # Read by those models alone that were trained with them: Alpha's of 1024 px.
        sizes = {
            "resolution": rows.new_tensor([[height, width]]).repeat(count, 1),
            "aspect_ratio": rows.new_tensor([[height / width]]).repeat(count, 1),
        }
        answers = transformer(
            sample.repeat(count, 1, 1, 1),
            encoder_hidden_states=rows,
            encoder_attention_mask=mask,
            timestep=time[0].expand(count),
            added_cond_kwargs=sizes,
            return_dict=False,
        )[0].float()
        predicted = answers[:1]
        if guided:
            predicted = predicted + guidance * (answers[1:] - predicted)
        # Those that have learnt how uncertain they are answer with that behind the noise.
        predicted = predicted[:, : latents.shape[1]]
        return variance_preserving.velocity_of(latents, predicted, time)

    def dynamic_shift(self, config: Mapping[str, Any], height: int, width: int) -> float:
        """Return 0: its schedulers shift nothing."""
        return 0.0

    def normalized(self, vae: Any, encoded: Tensor) -> Tensor:
        """Scale by the autoencoder's configuration."""
        return encoded * vae.config.scaling_factor

    def denormalized(self, vae: Any, latents: Tensor) -> Tensor:
        """Undo `normalized`."""
        return latents / vae.config.scaling_factor

    def transformer_shape(self, transformer: Any) -> TransformerShape:
        """Read the sizes from the transformer's configuration."""
        config = transformer.config
        width = config.num_attention_heads * config.attention_head_dim
        return TransformerShape(width, config.num_layers)

    def blocks(self, transformer: Any) -> list[Any]:
        """All of its blocks, which have the same width."""
        return list(transformer.transformer_blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistent(PixArt):
    """A latent consistency model of PixArt-Alpha, which is distilled for a guidance of its own."""

    def recognizes(self, clues: ModelClues) -> str | None:
        """Recognise its scheduler, and its name where another lies in the folder."""
        # No super(): a dataclass with slots is another class than the one it was written as.
        if (reason := PixArt.recognizes(self, clues)) is None:
            return None
        if clues.config("scheduler").get("_class_name") == LCM:
            return f"{reason}, and its scheduler is {LCM}"
        if _CONSISTENT.search(clues.short_name):
            return f"{reason}, and its name has lcm in it"
        return None


def is_pixart(config: Mapping[str, Any]) -> bool:
    """Whether a transformer's configuration describes PixArt's, by its name of today or before."""
    name = config.get("_class_name")
    return name == TRANSFORMER or (name == FORMER_TRANSFORMER and config.get("norm_type") == NORM)


def _told_apart(clues: ModelClues) -> tuple[str | None, str]:
    """Return the pipeline's class of a PixArt model without an index, and what tells it.

    By what training left in a lone file; by the autoencoder's latents; where that lies elsewhere,
    by what its transformer was trained with; else by its name.
    """
    file = clues.config("transformer")
    if (tokens := file.get(TOKENS)) in (ALPHA_TOKENS, SIGMA_TOKENS):
        kind = ALPHA_CLASS if tokens == ALPHA_TOKENS else SIGMA_CLASS
        return kind, f"it was trained with prompts of {tokens} tokens"
    if TOKENS in file and file.get("use_additional_conditions"):
        return ALPHA_CLASS, "it was trained with the sizes of pictures"
    if vae := clues.config("vae"):
        sigma = vae.get("scaling_factor") == SIGMA_SCALING
        whose = "SDXL" if sigma else "Stable Diffusion"
        return SIGMA_CLASS if sigma else ALPHA_CLASS, f"it paints in latents of {whose}"
    transformer = clues.config("transformer")
    if transformer.get("sample_size") == 128:
        # Alpha of this size reads the picture's, whether its configuration says so or not.
        if transformer.get("use_additional_conditions") is False:
            return SIGMA_CLASS, "it was not trained with the sizes of pictures"
        return ALPHA_CLASS, "it was trained with the sizes of pictures"
    for word, kind in (("sigma", SIGMA_CLASS), ("alpha", ALPHA_CLASS)):
        if word in clues.short_name:
            return kind, f"its name has {word} in it"
    return None, ""


def size_in_name(name: str) -> int | None:
    """Return the side in latents that a model's name says it was trained at; None if it does not.

    name: as `ModelClues.short_name`.
    """
    found = _SIDE_IN_NAME.search(name)
    if found is None:
        return None
    return 2048 // _LATENT_PX if found[1] == "2k" else int(found[1]) // _LATENT_PX


def _read(text: str) -> str:
    """Return a prompt as the pipelines read it."""
    return text.lower().strip()


_SPEEDS = {Speed.FAST: 14, Speed.STANDARD: 20, Speed.FINE: 30}

PIXART_LCM: Family = Consistent(
    name="pixart-lcm",
    known_names=("pixart-lcm-xl-2-1024-ms",),
    pipeline_class=ALPHA_CLASS,
    scheduler=LCM,
    max_tokens=ALPHA_TOKENS,
    vae_scaling_factor=ALPHA_SCALING,
    lacks=frozenset({Feature.NEGATIVE}),
    speeds={Speed.FAST: 2, Speed.STANDARD: 4, Speed.FINE: 8},
    default_steps=4,
    max_steps=16,
    strict_guidance=1.2,
    warn_guidance=1.2,
    max_guidance=1.5,
)
"""Its publisher paints it in 4 steps with guidance off, so that no negative prompt acts. The other
numbers were chosen by hand."""

PIXART_ALPHA: Family = PixArt(
    name="pixart-alpha",
    known_names=("pixart-xl-2-1024-ms", "pixart-xl-2-512x512"),
    pipeline_class=ALPHA_CLASS,
    max_tokens=ALPHA_TOKENS,
    vae_scaling_factor=ALPHA_SCALING,
    speeds=_SPEEDS,
    default_steps=20,
    default_guidance=4.5,
    strict_guidance=5.5,
    negative_guidance=3.0,
    warn_guidance=5.5,
    max_guidance=6.0,
)
PIXART_SIGMA: Family = PixArt(
    name="pixart-sigma",
    known_names=(
        "pixart-sigma-xl-2-1024-ms",
        "pixart-sigma-xl-2-512-ms",
        "pixart-sigma-xl-2-2k-ms",
    ),
    pipeline_class=SIGMA_CLASS,
    max_tokens=SIGMA_TOKENS,
    vae_scaling_factor=SIGMA_SCALING,
    speeds=_SPEEDS,
    default_steps=20,
    default_guidance=4.5,
    strict_guidance=5.5,
    negative_guidance=3.0,
    warn_guidance=5.5,
    max_guidance=6.0,
)
"""20 steps, guidance 4.5 and the numbers of tokens (120, 300) are those of the pipelines. The other
numbers were chosen by hand."""

"""SDXL distilled for few steps: SDXL-Turbo, Lightning and latent consistency models.

Its U-Net predicts noise in latents that keep their variance; zimagine's loop runs in latents that
are a straight mix of picture and noise, σ of it noise. With the picture's share a and the noise's
share s of SDXL's latents, these are the same but for a factor: mix = latents / (a + s) and
σ = s / (a + s). So masks, previews, guard and tiles need to know nothing about it.

The conventions are those of diffusers' StableDiffusionXLPipeline: tests compare pictures with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from engine.prompts import EnhancementLevel, Style
from engine.schedule import steps_from

PIPELINE_CLASS = "StableDiffusionXLPipeline"

COMPONENTS = (
    Component("unet", "UNet2DConditionModel"),
    Component("text_encoder"),
    Component("text_encoder_2"),
    Component("vae", "AutoencoderKL"),
    Component("tokenizer", has_weights=False),
    Component("tokenizer_2", has_weights=False),
    Component("scheduler", has_weights=False),
)

ANCESTRAL, EULER, LCM = "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler", "LCMScheduler"

LAYOUT = TokenLayout(patch_px=32, multiple=1, caption=0)
"""The U-Net has most of its weights where a picture is a quarter as wide as its latents: 32 px. It
reads the prompt through cross-attention, which costs little."""
_ACTIVATIONS = 16
"""Cells at full resolution below one of the deepest: what the first level holds counts for memory.
A judgement, not measured."""

GUIDANCE_4_STEPS, GUIDANCE_8_STEPS = 1.5, 1.8
"""Published experience with latent consistency models of SDXL: 4 steps at 1.5, 8 steps at 1.8."""
MAX_TOKENS = 77
"""Of CLIP, with the tokens for start and end."""
_PREDICTIONS = ("epsilon", "v_prediction")
_SIGMAS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
_DISTILLED = re.compile(r"lightning|turbo|hyper")
_CONSISTENT = re.compile(r"(?:^|-)lcm(?:-|$)")
_TURBO = re.compile(r"sd-?xl-turbo")
"""Its publisher's name. What others call turbo is as large as SDXL itself, so that it is painted
with as Lightning is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdxl(Family):
    """A model of SDXL's architecture.

    schedulers: of diffusers, those it may be painted with; the first is used where its folder has
    another. trained_at: the sides of its U-Net's training in latents, smallest and largest. words:
    what its name says where its scheduler says nothing. file_words: what the name of a single file
    says, which has neither.
    """

    pipeline_class: str = PIPELINE_CLASS
    components: tuple[Component, ...] = COMPONENTS
    schedulers: tuple[str, ...]
    trained_at: tuple[int, int]
    words: re.Pattern[str] | None = None
    file_words: re.Pattern[str]
    layout: TokenLayout = LAYOUT
    max_tokens: int = MAX_TOKENS
    style: Style = Style.TAGS
    levels: tuple[EnhancementLevel, ...] = (
        EnhancementLevel.OFF,
        EnhancementLevel.LIGHT,
        EnhancementLevel.FULL,
    )
    min_side_px: int = 256
    max_ratio: float = 21 / 9
    default_steps: int = 4
    max_steps: int = 16
    default_guidance: float = GUIDANCE_4_STEPS
    strict_guidance: float = 2.0
    negative_guidance: float | None = 2.0
    warn_guidance: float = 2.5
    max_guidance: float = 3.0
    vae_scaling_factor: float | None = 0.13025

    def recognizes(self, clues: ModelClues) -> str | None:
        """Recognise scheduler and size of training, and the name where these say nothing.

        SDXL itself has the same classes and tensors: its scheduler begins elsewhere ("leading").
        """
        if clues.pipeline_class != self.pipeline_class:
            return None
        low, high = self.trained_at
        side = clues.config("unet").get("sample_size")
        if not isinstance(side, int) or not low <= side <= high:
            return None
        scheduler = clues.config("scheduler")
        name = scheduler.get("_class_name")
        ends = name == LCM or scheduler.get("timestep_spacing") == "trailing"
        if name in self.schedulers and ends:
            return f"its scheduler is {name}, and its unet was trained at {8 * side} px"
        if self.words is not None and (word := self.words.search(clues.short_name)):
            return f"its name has {word[0].strip('-')} in it, and it is an SDXL model"
        return None

    def guesses(self, clues: ModelClues) -> str | None:
        """Guess by the name of a single file whose tensors are SDXL's: those tell no kind."""
        if clues.of_sdxl and (word := self.file_words.search(clues.short_name)):
            return f"its tensors are SDXL's, and its name has {word[0].strip('-')} in it"
        return None

    def guidance_at(self, steps: int) -> float:
        """Return 1.8 from 8 steps on, and 1.5 below."""
        return GUIDANCE_8_STEPS if steps >= 8 else self.default_guidance

    def pipeline_guidance(self, guidance: float) -> float:
        """Return the classic number: pred = neg + g · (pos − neg), which is off up to 1."""
        return guidance if guidance > 1.0 else 0.0

    def token_count(self, tokenizer: Any, text: str) -> int:
        """Count what CLIP reads, with the tokens for start and end."""
        return len(tokenizer(text).input_ids)

    def misfit(self, pipeline: Any) -> str | None:
        """Compare the encoders' widths, the U-Net's inputs, the scheduler and the autoencoder."""
        encoders = (pipeline.text_encoder.first, pipeline.text_encoder.second)
        unet, vae = pipeline.transformer.config, pipeline.vae.config
        width = sum(each.config.hidden_size for each in encoders)
        pooled = encoders[1].config.projection_dim
        conditions = pooled + 6 * (unet.addition_time_embed_dim or 0)
        scheduler = pipeline.scheduler.config
        tables = zip((pipeline.tokenizer.first, pipeline.tokenizer.second), encoders, strict=True)
        complaints = {
            "its tokenizers have no vocabulary": pipeline.tokenizer.first("a").input_ids
            == pipeline.tokenizer.first("b").input_ids,
            "a tokenizer has more tokens than its text encoder knows": any(
                len(one) > encoder.config.vocab_size for one, encoder in tables
            ),
            "its text encoders do not fit its unet": width != unet.cross_attention_dim
            or pooled > width,
            "its unet does not take SDXL's sizes and pooled prompts": unet.addition_embed_type
            != "text_time"
            or conditions != unet.projection_class_embeddings_input_dim,
            "its unet takes guidance as an input, which zimagine does not give it": (
                unet.time_cond_proj_dim is not None
            ),
            "its vae does not fit its unet (an inpainting model cannot be used)": (
                vae.latent_channels != unet.in_channels
            ),
            "its vae has a mean and deviation of its latents": getattr(vae, "latents_mean", None)
            is not None,
            f"its scheduler predicts {scheduler.prediction_type}": scheduler.prediction_type
            not in _PREDICTIONS,
            "its scheduler spaces its noise levels in a way that zimagine does not know": any(
                scheduler.get(name) for name in _SIGMAS
            ),
            "its scheduler begins with nothing of the picture (zero SNR)": bool(
                scheduler.get("rescale_betas_zero_snr")
            ),
        }
        return next((complaint for complaint, holds in complaints.items() if holds), None)

    def embed(self, pipeline: Any, text: str, device: Any) -> Tensor:
        """Encode a prompt with both encoders: tokens × width, and the pooled embedding below."""
        tokenizers, encoders = pipeline.tokenizer, pipeline.text_encoder
        ids = [
            each(
                text,
                padding="max_length",
                max_length=self.max_tokens,
                truncation=True,
                return_tensors="pt",
            ).input_ids.to(device)
            for each in (tokenizers.first, tokenizers.second)
        ]
        embedded = encoders(*ids)
        return embedded * 0 if encoders.zeros and not text else embedded

    def noise_levels(
        self, scheduler: Any, steps: int, start: float, device: Any
    ) -> NoiseLevels | None:
        """Return the scheduler's levels at full strength; from a later start, evenly spaced ones.

        The latter are clipped to the timesteps that the model was trained at.
        """
        own = type(scheduler).from_config(scheduler.config)
        kept = own.alphas_cumprod  # of the picture, squared, at each timestep
        noise = (1 - kept) ** 0.5 / (kept**0.5 + (1 - kept) ** 0.5)
        if start >= 1.0:
            own.set_timesteps(steps)
            times = own.timesteps.round().long()
        else:
            count = steps_from(start, steps)
            first = int((noise - start).abs().argmin())
            times = kept.new_tensor(
                [first * (count - number) / count for number in range(count)]
            ).round()
            times = times.long().clamp(0, len(kept) - 1)
        a, s = kept[times] ** 0.5, (1 - kept[times]) ** 0.5
        sigmas = noise[times]
        ends = sigmas.new_zeros(len(sigmas) + 1)
        ends[:-1] = sigmas
        rows = sigmas.new_zeros(len(sigmas), 5)
        of_sample, of_prediction = self._clean(own, a, s, times)
        for column, values in enumerate((times, a + s, of_sample, of_prediction, sigmas)):
            rows[:, column] = values
        fresh = self._fresh(type(scheduler).__name__, ends)
        begin = self._begin(own, a[0], s[0], start)
        return NoiseLevels(
            ends.to(device), rows.to(device), begin, None if fresh is None else fresh.to(device)
        )

    def _clean(self, scheduler: Any, a: Tensor, s: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Return the factors of sample and prediction whose sum is the clean picture."""
        config = scheduler.config
        if config.prediction_type == "v_prediction":
            of_sample, of_prediction = a, -s
        else:
            of_sample, of_prediction = 1 / a, -s / a
        if type(scheduler).__name__ != LCM:
            return of_sample, of_prediction
        # A consistency model keeps the less of its input the noisier that is.
        data, scaled = 0.5, times * config.timestep_scaling
        skip = data**2 / (scaled**2 + data**2)
        out = scaled / (scaled**2 + data**2) ** 0.5
        return out * of_sample + skip, out * of_prediction

    def _fresh(self, scheduler: str, ends: Tensor) -> Tensor | None:
        """Return how much of each step's noise is drawn afresh, as a ratio of noise to picture."""
        if scheduler == EULER:
            return None
        ratios = ends / (1 - ends)
        now, then = ratios[:-1], ratios[1:]
        if scheduler == LCM:
            return then
        return (then**2 * (now**2 - then**2) / now**2).clamp(min=0) ** 0.5

    def _begin(self, scheduler: Any, a: Tensor, s: Tensor, start: float) -> float:
        """Return what the noise is multiplied with where painting begins from noise alone."""
        if start < 1.0:
            return 1.0
        share = 1.0 if type(scheduler).__name__ == LCM else float(scheduler.init_noise_sigma * a)
        return share / float(a + s)

    def model_times(self, timesteps: Tensor) -> Tensor:
        """Return them unchanged: what a step needs is in the rows of `noise_levels`."""
        return timesteps

    def velocity(
        self, transformer: Any, prompt: Prompt, latents: Tensor, time: Tensor, guidance: float
    ) -> Tensor:
        """Predict the velocity; guidance doubles the batch, the negative prompt comes first."""
        step, scale, of_sample, of_prediction, sigma = time.unbind()
        sample = latents * scale
        guided = guidance > 1.0 and prompt.negative is not None
        texts = [prompt.negative, prompt.positive] if guided else [prompt.positive]
        rows = prompt.positive.unsqueeze(0).repeat(len(texts), 1, 1)
        for number, text in enumerate(texts):
            rows[number] = text
        height, width = 8 * latents.shape[-2], 8 * latents.shape[-1]
        sizes = rows.new_tensor([[height, width, 0, 0, height, width]]).repeat(len(texts), 1)
        pooled = transformer.config.projection_class_embeddings_input_dim
        pooled -= 6 * transformer.config.addition_time_embed_dim
        answers = transformer(
            sample.to(transformer.dtype).repeat(len(texts), 1, 1, 1),
            step,
            encoder_hidden_states=rows[:, :-1],
            added_cond_kwargs={"text_embeds": rows[:, -1, :pooled], "time_ids": sizes},
            return_dict=False,
        )[0].float()
        predicted = answers[:1]
        if guided:
            predicted = predicted + guidance * (answers[1:] - predicted)
        clean = of_sample * sample + of_prediction * predicted
        return (latents - clean) / sigma

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
        """Count the first level's channels at full resolution; attention is not counted."""
        return TransformerShape(_ACTIVATIONS * transformer.config.block_out_channels[0], 0)

    def blocks(self, transformer: Any) -> list[Any]:
        """The blocks on the way down, in the middle, and on the way up."""
        return [*transformer.down_blocks, transformer.mid_block, *transformer.up_blocks]


_SPEEDS = {Speed.FAST: 2, Speed.STANDARD: 4, Speed.FINE: 8}

SDXL_TURBO: Family = Sdxl(
    name="sdxl-turbo",
    known_names=("sdxl-turbo",),
    schedulers=(ANCESTRAL, LCM, EULER),
    trained_at=(1, 64),
    file_words=_TURBO,
    native_side_px=512,
    max_side_px=1024,
    max_pixels=768 * 768,
    good_side_px=384,
    speeds=_SPEEDS,
)
"""It was trained at 512 × 512; the other bounds were chosen by hand."""

SDXL_LCM: Family = Sdxl(
    name="sdxl-lcm",
    known_names=("lcm-sdxl",),
    schedulers=(LCM,),
    trained_at=(65, 1024),
    words=_CONSISTENT,
    file_words=_CONSISTENT,
    native_side_px=1024,
    max_side_px=2048,
    max_pixels=1536 * 1536,
    good_side_px=512,
    speeds=_SPEEDS,
)
SDXL_LIGHTNING: Family = Sdxl(
    name="sdxl-lightning",
    known_names=("sdxl-lightning",),
    schedulers=(EULER, ANCESTRAL),
    trained_at=(65, 1024),
    words=_DISTILLED,
    file_words=_DISTILLED,
    native_side_px=1024,
    max_side_px=2048,
    max_pixels=1536 * 1536,
    good_side_px=512,
    speeds=_SPEEDS,
)
"""Both of SDXL's own size, 1024 × 1024; the other bounds were chosen by hand, as for Z-Image."""

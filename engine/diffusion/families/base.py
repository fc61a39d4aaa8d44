"""The type of a model family.

This package imports no torch, so that families can be told apart before it is loaded. Methods that
compute are handed tensors, pipelines and tokenizers, and call only their methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.diffusion.families.clues import ModelClues
from engine.diffusion.families.features import Feature
from engine.prompts import EnhancementLevel, PictureStyle, Style, Vocabulary
from engine.schedule import SHIFT

Tensor = Any
"""A torch.Tensor; not named as such, because this package imports no torch."""

MAX_STEPS = 50
MAX_GUIDANCE = 6.0
"""The widest bounds of all families: what Discord offers before it knows the model. Chosen by hand,
as wide as the widest family's own."""


class Speed(StrEnum):
    """How much time a picture may take, as names that hold for every family."""

    FAST = "fast"
    STANDARD = "standard"
    FINE = "fine"


_SPEEDS = {Speed.FAST: 4, Speed.STANDARD: 8, Speed.FINE: 10}
"""Steps: 8 are what Turbo was distilled for; 4 and 10 were chosen by hand."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a pipeline: an attribute of it, and a subfolder of the model's folder.

    class_name: of diffusers; None for the transformers class that model_index.json names.
    has_weights: its tensors are checked before the model is loaded.
    """

    name: str
    class_name: str | None = None
    has_weights: bool = True


@dataclass(frozen=True, slots=True)
class Chat:
    """The chat template through which a family's text encoder reads prompts.

    turn: the text of one user turn with `{}` for the prompt, for counting tokens without the
    tokenizer's own template. template: in Jinja, for a tokenizer that has none. start_token:
    present in the vocabulary of every tokenizer that uses this template. end_tokens: each ends an
    answer that the text encoder writes. small_letters: a tokenizer's own template may write
    prompts in small letters, with a space before the first word.
    """

    turn: str
    template: str
    start_token: str
    end_tokens: tuple[str, ...]
    small_letters: bool = False

    def turn_of(self, text: str) -> str:
        """Return one user turn without the tokenizer's own template, to count its tokens."""
        if self.small_letters and text.strip():
            text = f" {text.strip().lower()}"
        return self.turn.format(text)

    def prompt(self, tokenizer: Any, text: str) -> str:
        """Return a prompt as the pipeline reads it: one user turn, through the template."""
        return self.render(tokenizer, [{"role": "user", "content": text}], thinking=True)

    def render(self, tokenizer: Any, messages: list[dict[str, str]], *, thinking: bool) -> str:
        """Return messages as text that ends where the answer begins, by the tokenizer's template.

        thinking: False appends an empty thought, so that a language model answers at once.
        """
        return tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, enable_thinking=thinking
        )


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """How many tokens the transformer computes with; memory and time are planned by it.

    patch_px: side of the square that is one token. multiple: image tokens are padded to a
    multiple of this. caption: tokens of an ordinary prompt.
    """

    patch_px: int
    multiple: int
    caption: int

    def tokens(self, width_px: int, height_px: int) -> int:
        """Tokens of one picture and its caption."""
        patches = -(-width_px // self.patch_px) * -(-height_px // self.patch_px)
        return -(-patches // self.multiple) * self.multiple + self.caption


@dataclass(frozen=True, slots=True)
class TransformerShape:
    """The sizes of a loaded transformer. width: values per token. layers: of full width."""

    width: int
    layers: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """Prompt embeddings, tokens × width each. negative: only where guidance is on."""

    positive: Tensor
    negative: Tensor | None = None


@dataclass(frozen=True, slots=True)
class NoiseLevels:
    """The noise levels of a run: `sigmas` has one more than there are steps, the last is 0.

    times: the transformer's input at each step, in its family's convention. begin: what the noise
    is multiplied with where painting begins from noise alone. fresh: for samplers that draw noise
    at each step, how much of it the latents have after the step, as a ratio to the picture; the
    rest of their noise is the predicted one. None where nothing is drawn. carried: for samplers of
    second order, how much of the change of the predicted picture since the step before is added to
    it; 0 at the first step. None where nothing is added.
    """

    sigmas: Tensor
    times: Tensor
    begin: float = 1.0
    fresh: Tensor | None = None
    carried: Tensor | None = None

    @property
    def steps(self) -> int:
        """The number of steps from the first level to the last."""
        return len(self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family(ABC):
    """Everything that zimagine knows about one kind of model, in one place.

    A family is one module of this package with a subclass of this class and an instance of it,
    which is listed in `FAMILIES`. Its bounds and defaults are fields, its conventions are methods.

    native_side_px: a square of this side is its pixel budget. good_side_px: smaller pictures lose
    details of the prompt. max_pixels: of a picture painted in one piece; larger ones repeat
    themselves, so they are painted smaller and enlarged. max_ratio: of the longer to the shorter
    side. guidance is classic (1.0 = off); over warn_guidance pictures burn, over max_guidance they
    break; strict_guidance follows a prompt more strictly; negative_guidance is what a negative
    prompt needs to act, None if none acts on this family. speeds: in steps. max_tokens includes the
    chat template. style, enhance: how prompts are worded for it, and how much is added by default.
    levels: of enhancement that differ here. known_styles: those whose words change its pictures,
    None for all. pipeline_class: of diffusers, as model_index.json names it. components: those with
    weights first. chat: None for an encoder that reads plain text. shift: of the noise schedule,
    where the scheduler's configuration has none. rope_theta: base of the transformer's rotations,
    None where it has none. encoder_rope_theta: of the text encoder's; encoder_rope_variants: of its
    later versions, which are read too. vae_scaling_factor, vae_shift_factor: of an autoencoder
    whose configuration has none. These three are None where each model of the family has its own,
    in its configuration.
    bfloat16: whether it keeps its quality in bfloat16, which is used where a device computes in it.
    known_names: what its publisher calls its models (`ModelClues.is_called`); asked only where
    nothing that can be read tells the family.
    lacks: the features that do not work with it; they are refused by name (`supports`).
    vocabulary: returns the words that a model knows which was taught few; None for all others.
    """

    name: str
    native_side_px: int
    min_side_px: int
    max_side_px: int
    max_pixels: int
    good_side_px: int
    pipeline_class: str
    components: tuple[Component, ...]
    chat: Chat | None = None
    layout: TokenLayout
    shift: float = SHIFT
    rope_theta: float | None = None
    encoder_rope_theta: float | None = None
    encoder_rope_variants: tuple[float, ...] = ()
    vae_scaling_factor: float | None = None
    vae_shift_factor: float | None = None
    max_ratio: float = 2.0
    speeds: Mapping[Speed, int] = field(default_factory=lambda: dict(_SPEEDS))
    default_steps: int = 8
    max_steps: int = MAX_STEPS
    default_guidance: float = 1.0
    strict_guidance: float = 1.8
    negative_guidance: float | None = None
    warn_guidance: float = 2.5
    max_guidance: float = 5.0
    known_names: tuple[str, ...] = ()
    lacks: frozenset[Feature] = frozenset()
    max_tokens: int = 512
    style: Style = Style.SENTENCES
    enhance: EnhancementLevel = EnhancementLevel.FULL
    levels: tuple[EnhancementLevel, ...] = tuple(EnhancementLevel)
    known_styles: frozenset[PictureStyle] | None = None
    bfloat16: bool = True
    vocabulary: Callable[[], Vocabulary] | None = None

    @property
    def budget_px(self) -> int:
        """Pixels of a picture at the native resolution."""
        return self.native_side_px**2

    def supports(self, feature: Feature) -> bool:
        """Whether a feature works with this family; the one table that is asked."""
        if feature is Feature.NEGATIVE and self.negative_guidance is None:
            return False
        return feature not in self.lacks

    def sized(self, clues: ModelClues) -> Family:
        """Return the family with the bounds of this very model; itself where all have the same."""
        return self

    @abstractmethod
    def recognizes(self, clues: ModelClues) -> str | None:
        """Return why a model belongs to this family, as text for its owner; None if it does not.

        Families are asked in the order of `FAMILIES`, and the first reason wins.
        """

    def guesses(self, clues: ModelClues) -> str | None:
        """Return why a model may belong to this family that no family recognizes; None if not.

        Its owner is told that it is a guess.
        """
        return None

    @abstractmethod
    def pipeline_guidance(self, guidance: float) -> float:
        """Convert classic guidance (1.0 = off) to the pipeline's number (0 = off)."""

    def guidance_at(self, steps: int) -> float:
        """Return the guidance that suits a number of steps, where none was asked for."""
        return self.default_guidance

    def token_count(self, tokenizer: Any, text: str) -> int:
        """Count the tokens of a prompt as the text encoder reads it, its template included."""
        if self.chat is None:
            raise NotImplementedError(f"{self.name} has no chat template")
        return len(tokenizer(self.chat.prompt(tokenizer, text)).input_ids)

    @abstractmethod
    def misfit(self, pipeline: Any) -> str | None:
        """Return why the loaded components cannot work together, in one line; None if they can."""

    @abstractmethod
    def embed(self, pipeline: Any, text: str, device: Any) -> Tensor:
        """Encode a prompt with the pipeline's tokenizer and text encoder: tokens × width."""

    def noise_levels(
        self, scheduler: Any, steps: int, start: float, device: Any
    ) -> NoiseLevels | None:
        """Return the noise levels of a run; None for flow matching, which all families share.

        start: the σ to begin at, 1 for pure noise.
        """
        return None

    @abstractmethod
    def model_times(self, timesteps: Tensor) -> Tensor:
        """Convert the scheduler's timesteps (1000 · σ) to the times that the transformer takes."""

    @abstractmethod
    def velocity(
        self, transformer: Any, prompt: Prompt, latents: Tensor, time: Tensor, guidance: float
    ) -> Tensor:
        """Predict the velocity noise − picture, float32 and in the shape of `latents`.

        latents: 1 × channels × height × width. time: one of `model_times`. guidance: classic; it
        has no effect where the prompt has no negative embedding.
        """

    @abstractmethod
    def dynamic_shift(self, config: Mapping[str, Any], height: int, width: int) -> float:
        """Return the `mu` that a scheduler with dynamic shifting takes; others ignore it.

        config: the scheduler's. height, width: of the latents.
        """

    @abstractmethod
    def normalized(self, vae: Any, encoded: Tensor) -> Tensor:
        """Bring the encoder's output to the scale of the transformer's latents."""

    @abstractmethod
    def denormalized(self, vae: Any, latents: Tensor) -> Tensor:
        """Bring latents to the scale that the autoencoder's decoder takes."""

    @abstractmethod
    def transformer_shape(self, transformer: Any) -> TransformerShape:
        """Read off the sizes of a loaded transformer."""

    @abstractmethod
    def blocks(self, transformer: Any) -> list[Any]:
        """Return the transformer's blocks of full width in order, as modules for offloading."""

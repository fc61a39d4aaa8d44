"""One picture, from reading the prompt and choosing the start to the finished pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import torch
import torch.nn.functional as nnf

from engine.diffusion import latents as latent
from engine.diffusion import tiles
from engine.diffusion.embeddings import EmbeddingCache
from engine.diffusion.families import Family, Prompt
from engine.diffusion.faults import is_memory
from engine.diffusion.guard import (
    BLANK_SPREAD,
    FAINT_SPREAD,
    Finiteness,
    InFloat32,
    spread,
)
from engine.diffusion.mapped_pages import passing
from engine.diffusion.sampling import Predictor, SamplingRun, Step, levels, predictor
from engine.errors import BlankPicture, InputUnfit, NonFinite
from engine.modes import takes
from engine.prompts.blankness import asks_for_blank
from engine.schedule import steps_from
from engine.types import INPUTS, Adaptation, ImageRequest, Mend, Mode, Raster

VARIETY_SCALE = 1.0
"""Noise on the embedding at variety 1, in standard deviations of the embedding. Chosen by eye."""
_EMBEDDING, _REFINING = 0x5EED_0001, 0x5EED_0002
"""Mixed into the seed where one picture needs several independent kinds of noise."""

Expand = Callable[[ImageRequest, Callable[[], bool]], str | None]
"""Takes a request and a function that says whether to stop; returns the expanded prompt."""


class Adapt(Protocol):
    """Applies the request's LoRAs for the duration of a block.

    model: the transformer; with `encoders`, the text encoder.
    """

    def __call__(self, model: Any, *, encoders: bool = False) -> AbstractContextManager[object]: ...


Blame = Callable[[Any, Callable[[], bool]], None]
"""Takes the transformer and a function that repeats a step that was not finite and says whether it
is; raises LoraRefused if the request's LoRAs are the reason."""


def _nobody(_: Any, __: Callable[[], bool]) -> None:
    pass


def _unadapted(model: Any, *, encoders: bool = False) -> AbstractContextManager[object]:
    return nullcontext()


class Stages(Protocol):
    """Brings each component to the device for as long as it is needed."""

    def encoding(self) -> AbstractContextManager[object]: ...
    def denoising(self) -> AbstractContextManager[object]: ...
    def decoding(self) -> AbstractContextManager[object]: ...


@dataclass(slots=True)
class Painting:
    """Paints one request; used once. Every error leaves the components usable.

    inputs: as many pictures as the request's mode takes, of the request's size (half of it for
    Mode.UPSCALE). watch: called with each step, `alive` between phases and tiles; both may raise to
    stop. expand: rewrites the prompt; gets a function that says whether to stop. adapt: applies the
    request's LoRAs; entered while what it adapts is on the device. blame: entered with the
    transformer there, after a step that could not be recovered. embeddings: of prompts that were
    read before; `reading` is what decides an embedding's bits besides its text. Afterwards
    `request` has the words that were read, `adaptations` how the picture was recovered from errors,
    and `finished` the clean latents; `compiled` is set by whoever lends it compiled blocks.
    """

    pipeline: Any
    family: Family
    stages: Stages
    device: torch.device
    request: ImageRequest
    inputs: Sequence[Raster]
    watch: Callable[[Step], None]
    alive: Callable[[], None] = lambda: None
    expand: Expand | None = None
    stopped: Callable[[], bool] = lambda: False
    adapt: Adapt = _unadapted
    blame: Blame = _nobody
    embeddings: EmbeddingCache = field(default_factory=EmbeddingCache)
    reading: Hashable = None
    adaptations: list[Adaptation] = field(default_factory=list[Adaptation])
    compiled: bool = False
    finished: torch.Tensor = field(init=False)

    @torch.no_grad()
    def paint(self) -> torch.Tensor:
        """Return uint8 pixels on the CPU, height × width × 3.

        Raises InputUnfit, NonFinite, BlankPicture, LoraUnusable.
        """
        self._check_inputs()
        prompt = self._read_before()
        if prompt is None:
            with self.stages.encoding(), self.adapt(self.pipeline.text_encoder, encoders=True):
                prompt = self._read()
        self.alive()
        picture = self._picture(prompt)
        pixels = latent.pixels_of(picture)
        if spread(pixels) < FAINT_SPREAD:
            pixels = self._second_look(prompt, pixels)
        return pixels

    def _second_look(self, prompt: Prompt, pixels: torch.Tensor) -> torch.Tensor:
        """Paint a nearly blank picture once more, in float32; then accept it if that is plausible.

        Raises BlankPicture where neither the request nor the inputs explain it.
        """
        self.watch = lambda _: self.alive()  # its steps have been reported already
        try:
            with InFloat32():
                pixels = latent.pixels_of(self._picture(prompt))
        except Exception as error:
            # float32 takes more memory: running out is no reason to refuse a picture that may be
            # right.
            if not is_memory(error):
                raise
        found = spread(pixels)
        if found < BLANK_SPREAD and not self._may_be_blank():
            raise BlankPicture(found)
        kind = Mend.BLANK if found < FAINT_SPREAD else Mend.AGAIN
        self.adaptations.append(Adaptation(kind, "painting"))
        return pixels

    def _may_be_blank(self) -> bool:
        """Whether the prompt asks for a blank picture, or an input is one."""
        sources = (latent.picture_tensor(each, self.device) for each in self._pictures())
        return asks_for_blank(self.request.prompt) or any(
            spread(latent.pixels_of(each)) < FAINT_SPREAD for each in sources
        )

    def _picture(self, prompt: Prompt) -> torch.Tensor:
        """Return the whole picture, 1 × 3 × height × width, about -1..1."""
        request = self.request
        sources = [latent.picture_tensor(each, self.device) for each in self._pictures()]
        start = self._start(sources)
        noise = latent.request_noise(request, self._channels()).to(self.device)
        constrain = None
        if start is not None and request.mode is Mode.INPAINT:
            mask = latent.latent_mask(self._mask())
            constrain = partial(_protect, start, noise, mask)
        done = self._denoise(prompt, start, noise, request.strength, 0, constrain)
        self.finished = done
        picture = self._decode(done)
        if request.refine:
            picture = self._refined(prompt, done, picture)
        if request.mode is Mode.INPAINT:
            return torch.lerp(sources[0], picture.float(), latent.feathered(self._mask()))
        return picture

    # Reading the prompt

    def _read_before(self) -> Prompt | None:
        """Return the prompt without the text encoder; None where that has to read something."""
        if self.request.expand:
            return None
        kept = all((self.reading, text) in self.embeddings for text in self._texts())
        return self._prompt() if kept else None

    def _read(self) -> Prompt:
        if self.request.expand:
            self.request = self._expanded(self.request)
        # Not while it expands: that runs the encoder once for each word.
        with passing(self.pipeline.text_encoder):
            return self._prompt()

    def _texts(self) -> tuple[str, ...]:
        """What is read: the prompt and, with guidance, the negative prompt."""
        request = self.request
        guided = self.family.pipeline_guidance(request.guidance) > 0
        return (request.effective_prompt, *([request.negative_prompt] if guided else []))

    def _prompt(self) -> Prompt:
        positive, *negative = map(self._embedding, self._texts())
        if self.request.variety:
            positive = self._varied(positive)
        return Prompt(positive, *negative)

    def _expanded(self, request: ImageRequest) -> ImageRequest:
        """Return the request with the expanded prompt, if any, and marked as expanded."""
        text = None if self.expand is None else self.expand(request, self.stopped)
        return dataclasses.replace(
            request, effective_prompt=text or request.effective_prompt, expand=False
        )

    def _embedding(self, text: str) -> torch.Tensor:
        known = self.embeddings.get((self.reading, text), self.device)
        if known is not None:
            return known
        mended = len(self.adaptations)
        found = self._checked(
            lambda: self.family.embed(self.pipeline, text, self.device), "reading"
        )
        if len(self.adaptations) == mended:
            # One that had to be mended says so in the recipe of every picture that has it.
            self.embeddings.keep((self.reading, text), found)
        return found

    def _varied(self, embedding: torch.Tensor) -> torch.Tensor:
        """Add seeded noise to the embedding: else Turbo's pictures of one prompt look alike."""
        generator = torch.Generator("cpu").manual_seed(self.request.seed ^ _EMBEDDING)
        noise = torch.randn(embedding.shape, generator=generator).to(embedding)
        # Relative to the median token: a few tokens of a language model are a hundred times as
        # large.
        usual = embedding.float().std(dim=1).median()
        return embedding + (noise * usual * self.request.variety * VARIETY_SCALE).to(embedding)

    # The start

    def _check_inputs(self) -> None:
        request = self.request
        share = 2 if request.mode is Mode.UPSCALE else 1
        size = (request.width_px // share, request.height_px // share)
        found = [(each.width_px, each.height_px) for each in self.inputs]
        number = len(found) if takes(request.mode, len(found)) else INPUTS[request.mode]
        if found != [size] * number:
            raise InputUnfit(found, [size] * number)

    def _pictures(self) -> Sequence[Raster]:
        return self.inputs[:1] if self.request.mode is Mode.INPAINT else self.inputs

    def _mask(self) -> torch.Tensor:
        return latent.mask_tensor(self.inputs[1], self.device)

    def _start(self, sources: list[torch.Tensor]) -> torch.Tensor | None:
        """Return the clean latents that painting starts from; None where it starts from noise."""
        if not sources:
            return None
        if self.request.mode is Mode.UPSCALE:
            size = (self.request.height_px, self.request.width_px)
            sources = [_enlarged(sources[0], size)]
        seen = [self._encode(each) for each in sources]
        mixed = seen[0]
        for number, each in enumerate(seen[1:], start=2):
            mixed = latent.slerp(mixed, each, 1 / number)  # so that all have the same weight
        return mixed

    def _encode(self, picture: torch.Tensor) -> torch.Tensor:
        with self.stages.decoding(), latent.tiled(self.pipeline.vae, self.is_large):
            return self._checked(
                lambda: latent.encode(self.family, self.pipeline.vae, picture), "looking"
            )

    # Denoising

    def _denoise(
        self,
        prompt: Prompt,
        start: torch.Tensor | None,
        noise: torch.Tensor,
        sigma: float,
        reported_before: int,
        constrain: Any = None,
    ) -> torch.Tensor:
        scheduler, steps = self.pipeline.scheduler, self.request.steps
        plan = levels(self.family, scheduler, steps, sigma, noise.shape, self.device)
        begin = plan.begin * noise if start is None else latent.noisy(start, noise, plan.sigmas[0])
        seed = self.request.seed ^ (_REFINING if reported_before else 0)
        transformer = self.pipeline.transformer
        with self.stages.denoising():
            whole = predictor(self.family, transformer, prompt)
            run = SamplingRun(
                predict=self._in_tiles(whole),
                levels=plan,
                guidance=self.request.guidance,
                watch=self.watch,
                exact=InFloat32,
                adaptations=self.adaptations,
                constrain=constrain,
                reported_before=reported_before,
                draw=latent.StepNoise(seed, noise.shape, self.device),
            )
            try:
                with self.adapt(transformer):
                    return run(begin)
            except NonFinite:
                self.blame(transformer, run.is_finite_now)
                raise

    def _in_tiles(self, predict: Predictor) -> Predictor:
        """Predict an enlarged picture tile by tile.

        All tiles share the noise, and are blended into one picture again after each step.
        """
        size = (self.request.width_px, self.request.height_px)
        if self.request.mode is not Mode.UPSCALE or max(size) <= self.family.native_side_px:
            return predict
        cover = tiles.tile_cover(size, self.family)

        def tile_by_tile(
            latents: torch.Tensor, time: torch.Tensor, guidance: float
        ) -> torch.Tensor:
            found: list[torch.Tensor] = []
            for tile in cover:
                found.append(predict(tiles.cut(latents, tile, size), time, guidance))
                self.alive()
            return tiles.blend(cover, found, size)

        return tile_by_tile

    # The result

    def _decode(self, clean: torch.Tensor) -> torch.Tensor:
        self.alive()
        with self.stages.decoding(), latent.tiled(self.pipeline.vae, self.is_large):
            return self._checked(
                lambda: latent.decode(self.family, self.pipeline.vae, clean), "decoding"
            )

    def _refined(self, prompt: Prompt, done: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        """Paint a second pass from little noise; only fine structure takes anything from it."""
        request = self.request
        noise = latent.noise(
            request.seed ^ _REFINING, self._channels(), request.width_px, request.height_px
        ).to(self.device)
        before = steps_from(request.strength, request.steps)
        again = self._decode(self._denoise(prompt, done, noise, request.refine, before))
        return torch.lerp(picture.float(), again.float(), latent.detail(picture))

    def _checked(self, compute: Callable[[], torch.Tensor], stage: str) -> torch.Tensor:
        """Return the result, computed again in float32 if it is not finite. Raises NonFinite."""
        found = compute()
        if Finiteness(found).read():
            return found
        with InFloat32():
            found = compute()
        if not Finiteness(found).read():
            raise NonFinite(stage)
        self.adaptations.append(Adaptation(Mend.FLOAT32, stage))
        return found

    @property
    def is_large(self) -> bool:
        """Whether the autoencoder needs more memory than a picture of native size would take."""
        return self.request.width_px * self.request.height_px > 2 * self.family.budget_px

    def _channels(self) -> int:
        return self.pipeline.vae.config.latent_channels


def _protect(
    start: torch.Tensor,
    noise: torch.Tensor,
    mask: torch.Tensor,
    latents: torch.Tensor,
    sigma: torch.Tensor,
) -> torch.Tensor:
    """Restore the original at this noise level where the mask is 0."""
    return torch.lerp(latent.noisy(start, noise, sigma), latents, mask)


def _enlarged(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return nnf.interpolate(picture, size=size, mode="bicubic", antialias=True).clamp(-1, 1)

"""The denoising loop, from noise to clean latents: readable, guarded and able to repeat a step.

Latents are float32, 1 × channels × height/8 × width/8, on the painting device; a noise level σ is 1
for pure noise and 0 for a finished picture. A predictor returns the velocity noise − picture, so
that dx/dσ is its output and x0 = x − σ·velocity.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import torch

from engine.diffusion.families import Family, NoiseLevels, Prompt
from engine.diffusion.guard import Finiteness
from engine.diffusion.static_forward import static
from engine.errors import NonFinite
from engine.schedule import levels_from
from engine.types import Adaptation, Mend


@dataclass(frozen=True, slots=True)
class Step:
    """One verified step. number: from 1. latents, sigma: after the step."""

    number: int
    latents: torch.Tensor
    velocity: torch.Tensor
    sigma: torch.Tensor

    def clean(self) -> torch.Tensor:
        """Return the finished latents as predicted at this step (x0)."""
        return self.latents - self.sigma * self.velocity


class Predictor(Protocol):
    """Predicts the velocity at some latents, at a step's time, with a classic guidance."""

    def __call__(
        self, latents: torch.Tensor, time: torch.Tensor, guidance: float
    ) -> torch.Tensor: ...


Draw = Callable[[int], torch.Tensor]
"""Draws the noise of a step, numbered from 0; the same whenever it is asked for."""
Constrain = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Restores what a mask protects in latents of a noise level."""


def levels(
    family: Family, scheduler: Any, steps: int, start: float, shape: torch.Size, device: Any
) -> NoiseLevels:
    """Return the scheduler's noise levels from `start` (1 = pure noise) on.

    steps: of a whole run; fewer are taken from a later start (engine/schedule.py).
    """
    if (own := family.noise_levels(scheduler, steps, start, device)) is not None:
        return own
    config = scheduler.config
    mu = family.dynamic_shift(config, shape[2], shape[3])
    # The pipeline's own list at full strength, to the bit: float32 fractions.
    whole = torch.linspace(1.0, 1 / steps, steps).tolist()
    wanted = whole if start >= 1.0 else levels_from(start, steps, config.get("shift", family.shift))
    flow = type(scheduler).from_config(config)
    flow.set_timesteps(sigmas=wanted, device=device, mu=mu)
    return NoiseLevels(flow.sigmas.to(device), family.model_times(flow.timesteps))


def predictor(family: Family, transformer: Any, prompt: Prompt) -> Predictor:
    """Return the transformer with its prompt, called by its family's conventions.

    For one run: LoRAs must not change between its steps.
    """
    return partial(family.velocity, static(transformer), prompt)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A step that was computed, and perhaps not verified yet.

    number: from 0. clean: the picture that was predicted; earlier: at the step before, None at the
    first. velocity: that was followed.
    """

    number: int
    before: torch.Tensor
    after: torch.Tensor
    velocity: torch.Tensor
    clean: torch.Tensor
    earlier: torch.Tensor | None
    finite: Finiteness


@dataclass(slots=True)
class SamplingRun:
    """One run from noisy latents to clean ones; call it with the noisy ones.

    watch: called with each verified step, in order; may raise to end the run. exact: a context in
    which a step is computed in float32. reported_before: steps of the same picture before these.
    adaptations: extended by how broken steps were recovered. draw: for levels with fresh noise.
    Raises NonFinite where nothing helped.
    """

    predict: Predictor
    levels: NoiseLevels
    guidance: float
    watch: Callable[[Step], None]
    exact: Callable[[], AbstractContextManager[object]]
    adaptations: list[Adaptation]
    constrain: Constrain | None = None
    reported_before: int = 0
    draw: Draw | None = None
    _broken: _Taken | None = field(default=None, init=False)

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        """Denoise these latents."""
        taken = self._take(0, latents, None)
        while True:
            # On a GPU the next step is started before it is known whether this one was finite: the
            # answer has arrived by then, and the GPU never waits for the CPU to read it.
            ahead = self._after(taken) if taken.finite.on_its_way else None
            if not taken.finite.read():
                taken, ahead = self._recovered(taken), None
            self._report(taken)
            if taken.number + 1 == self.levels.steps:
                return taken.after
            taken = ahead or self._take(taken.number + 1, taken.after, taken.clean)

    def is_finite_now(self) -> bool:
        """After NonFinite: repeat that step in float32 and return whether it is finite."""
        assert self._broken is not None
        bad = self._broken
        with self.exact():
            return self._take(bad.number, bad.before, bad.earlier).finite.read()

    def _after(self, taken: _Taken) -> _Taken | None:
        last = taken.number + 1 == self.levels.steps
        return None if last else self._take(taken.number + 1, taken.after, taken.clean)

    def _take(self, number: int, before: torch.Tensor, earlier: torch.Tensor | None) -> _Taken:
        levels = self.levels
        velocity = self.predict(before, levels.times[number], self.guidance)
        now, then = levels.sigmas[number], levels.sigmas[number + 1]
        clean = before - now * velocity
        if levels.carried is not None and earlier is not None:
            velocity = velocity - levels.carried[number] / now * (clean - earlier)
        after = self._moved(number, before, velocity)
        if self.constrain is not None:
            after = self.constrain(after, then)
        return _Taken(number, before, after, velocity, clean, earlier, Finiteness(after))

    def _moved(self, number: int, before: torch.Tensor, velocity: torch.Tensor) -> torch.Tensor:
        """Return the latents at the next level, with fresh noise where the sampler draws it."""
        now, then = self.levels.sigmas[number], self.levels.sigmas[number + 1]
        if self.levels.fresh is None or self.draw is None:
            return before + (then - now) * velocity
        clean = before - now * velocity
        fresh, whole = self.levels.fresh[number], then / (1 - then)
        kept = (whole**2 - fresh**2).clamp(min=0).sqrt()
        return (1 - then) * (clean + kept * (clean + velocity) + fresh * self.draw(number))

    def _recovered(self, bad: _Taken) -> _Taken:
        """Repeat a step from the last good latents: with less guidance, then in float32."""
        stage = f"step {self.reported_before + bad.number + 1}"
        asked = self.guidance
        if asked > 1.0:
            self.guidance = milder(asked)
            again = self._take(bad.number, bad.before, bad.earlier)
            if again.finite.read():
                self._note(Mend.GUIDANCE, stage, f"{self.guidance:g}")
                return again
            self.guidance = asked
        with self.exact():
            again = self._take(bad.number, bad.before, bad.earlier)
        if again.finite.read():
            self._note(Mend.FLOAT32, stage)
            return again
        self._broken = bad
        raise NonFinite(stage)

    def _note(self, mend: Mend, stage: str, value: str = "") -> None:
        self.adaptations.append(Adaptation(mend, stage, value))

    def _report(self, taken: _Taken) -> None:
        number = self.reported_before + taken.number + 1
        sigma = self.levels.sigmas[taken.number + 1]
        self.watch(Step(number, taken.after, taken.velocity, sigma))


def milder(guidance: float) -> float:
    """Halve what guidance adds: 1.8 becomes 1.4."""
    return 1.0 + (guidance - 1.0) / 2

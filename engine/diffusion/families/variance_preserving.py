"""Noise levels of models whose latents keep their variance, for zimagine's straight mixtures.

With the picture's share a and the noise's share s of such latents, the mixture of σ = s / (a + s)
is the same but for a factor: mixture = latents / (a + s). So masks, previews, guard and tiles need
to know nothing about them.
"""

from __future__ import annotations

from typing import Any

from engine.diffusion.families.base import NoiseLevels, Tensor
from engine.schedule import steps_from

DPM, LCM = "DPMSolverMultistepScheduler", "LCMScheduler"
"""The schedulers of diffusers whose steps are computed here."""

_DATA = 0.5
"""Of consistency models: the deviation of pictures, as their scheduler has it."""


def noise_levels(scheduler: Any, steps: int, start: float, device: Any) -> NoiseLevels:
    """Return the scheduler's levels at full strength; from a later start, evenly spaced ones.

    scheduler: a DPM-Solver++ of first or second order (midpoint), or one of consistency models. The
    rows of `times` are what `clean_of` takes.
    """
    kept = scheduler.alphas_cumprod  # of the picture, squared, at each timestep
    noise = (1 - kept) ** 0.5 / (kept**0.5 + (1 - kept) ** 0.5)
    times = _timesteps(scheduler, noise, steps, start)
    a, s = kept[times] ** 0.5, (1 - kept[times]) ** 0.5
    sigmas = noise.new_zeros(len(times) + 1)
    sigmas[:-1] = noise[times]
    rows = noise.new_zeros(len(times), 5)
    columns = (times, a + s, *_factors(scheduler, a, s, times), sigmas[:-1])
    for column, values in enumerate(columns):
        rows[:, column] = values
    consistent = type(scheduler).__name__ == LCM
    carried = None if consistent else _carried(scheduler, (a / s).log())
    return NoiseLevels(
        sigmas.to(device),
        rows.to(device),
        begin=1.0 / float(a[0] + s[0]) if start >= 1.0 else 1.0,
        fresh=(sigmas / (1 - sigmas))[1:].to(device) if consistent else None,
        carried=None if carried is None else carried.to(device),
    )


def sample_of(latents: Tensor, time: Tensor) -> Tensor:
    """Return a mixture as the model takes it. time: a row of `noise_levels`."""
    return latents * time[1]


def velocity_of(latents: Tensor, predicted: Tensor, time: Tensor) -> Tensor:
    """Return the velocity noise − picture of a mixture. predicted: what the model answers."""
    clean = time[2] * sample_of(latents, time) + time[3] * predicted
    return (latents - clean) / time[4]


def _timesteps(scheduler: Any, noise: Tensor, steps: int, start: float) -> Tensor:
    """Return the timesteps to predict at; later starts keep to those of the model's training."""
    if start >= 1.0:
        own = type(scheduler).from_config(scheduler.config)
        own.set_timesteps(steps)
        return own.timesteps.round().long()
    count = steps_from(start, steps)
    first = int((noise - start).abs().argmin())
    spaced = noise.new_tensor([first * (count - number) / count for number in range(count)])
    return spaced.round().long().clamp(0, len(noise) - 1)


def _factors(scheduler: Any, a: Tensor, s: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factors of sample and prediction whose sum is the clean picture."""
    if scheduler.config.prediction_type == "v_prediction":
        of_sample, of_prediction = a, -s
    else:
        of_sample, of_prediction = 1 / a, -s / a
    if type(scheduler).__name__ != LCM:
        return of_sample, of_prediction
    # A consistency model keeps the less of its input the noisier that is.
    scaled = times * scheduler.config.timestep_scaling
    skip = _DATA**2 / (scaled**2 + _DATA**2)
    out = scaled / (scaled**2 + _DATA**2) ** 0.5
    return out * of_sample + skip, out * of_prediction


def _carried(scheduler: Any, logs: Tensor) -> Tensor | None:
    """Return what DPM-Solver++ of second order adds: half the ratio of two steps in log(a / s).

    The first step has none before it, and the last ends at infinity: both are of first order.
    """
    if scheduler.config.solver_order < 2:
        return None
    steps = logs[1:] - logs[:-1]
    carried = logs * 0
    carried[1:-1] = steps[1:] / steps[:-1] / 2
    return carried

"""Make the scheduler of a model, and check what of its configuration would change pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
from diffusers.schedulers.scheduling_utils import SchedulerMixin

from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.families import Family

_CLASS = "FlowMatchEulerDiscreteScheduler"
_PIPELINE = "ZImagePipeline"
"""Whose models are all trained for that class."""
_CONFIG = "scheduler_config.json"
_TRAIN_STEPS = 1000
"""Into which the schedule was divided when Z-Image was trained."""
_OTHER_SCHEDULES = (
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "stochastic_sampling",
    "shift_terminal",
)
"""Settings by which an owner chooses another schedule for the same model."""


def load_scheduler(
    folder: Path | None, index: Config, family: Family, notes: list[str]
) -> SchedulerMixin:
    """Return the scheduler of a model.

    folder: None for a model without one. index: of model_index.json, which names its class. notes:
    gets what was put in, and what differs from the family's. Raises Unusable for another class, or
    for settings with which no picture could come out.
    """
    label = f"scheduler/{_CONFIG}"
    config: Config = {"num_train_timesteps": _TRAIN_STEPS}
    if folder is not None:
        config |= read_json(folder / _CONFIG, label)
    entry = index.get("scheduler")
    named = entry[1] if isinstance(entry, list) and len(entry) == 2 else None
    kind = _class({str(name) for name in (named, config.get("_class_name")) if name}, family, label)
    if config.get("invert_sigmas"):
        raise Unusable(f"{label} has invert_sigmas: its noise would grow")
    if family.pipeline_class == _PIPELINE and config["num_train_timesteps"] != _TRAIN_STEPS:
        raise Unusable(
            f"{label} has the num_train_timesteps {config['num_train_timesteps']!r}; "
            f"{family.name} has {_TRAIN_STEPS}"
        )
    notes += [
        f"{label} has {name}: its schedule is another than the family's"
        for name in _OTHER_SCHEDULES
        if config.get(name)
    ]
    _complete_shift(config, folder, family, label, notes)
    try:
        return kind.from_config(config)  # pyright: ignore[reportAttributeAccessIssue]
    except Exception as error:  # a broken configuration makes the library raise nearly anything
        raise Unusable(f"the configuration of its scheduler is wrong ({error})") from error


def _class(names: set[str], family: Family, label: str) -> Any:
    """Return the class that the index or the configuration names; both have to agree."""
    if len(names) > 1:
        raise Unusable(f"{label} and the index name two schedulers: {' and '.join(sorted(names))}")
    name = next(iter(names), _CLASS)
    kind = getattr(diffusers, name, None)
    if not (isinstance(kind, type) and issubclass(kind, SchedulerMixin)):
        raise Unusable(f"the scheduler {name} is none of diffusers'")
    if family.pipeline_class == _PIPELINE and name != _CLASS:
        raise Unusable(f"its scheduler is a {name}; {family.name} was trained for {_CLASS}")
    return kind


def _complete_shift(
    config: Config, folder: Path | None, family: Family, label: str, notes: list[str]
) -> None:
    shift = config.get("shift")
    if shift is None:
        config["shift"] = family.shift
        where = "it has no scheduler" if folder is None else f"{label} has no shift"
        notes.append(f"{where}: the shift {family.shift:g} of its family is used")
    elif type(shift) not in (int, float) or not 0 < shift < float("inf"):
        raise Unusable(f"{label} has the shift {shift!r}")

"""Make the scheduler of a PixArt model: its own noise, with the steps that its family computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers

from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.families.pixart import PixArt
from engine.diffusion.families.variance_preserving import DPM, LCM

_LABEL = "scheduler/scheduler_config.json"
_DISTILLED = "DDPMScheduler"
_NOISE: Config = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
}
"""Of PixArt's training, by its published configuration."""
_SOLVER: Config = {
    "algorithm_type": "dpmsolver++",
    "solver_type": "midpoint",
    "final_sigmas_type": "zero",
    "thresholding": False,
    "use_karras_sigmas": False,
    "use_exponential_sigmas": False,
    "use_beta_sigmas": False,
    "use_lu_lambdas": False,
    "use_flow_sigmas": False,
}
"""How the steps are computed. None of it belongs to the model, so that another choice gives way."""
_MAX_ORDER = 2


def load_scheduler(root: Path, named: str | None, family: PixArt, notes: list[str]) -> Any:
    """Return the scheduler of a model.

    root: the model's folder. named: its class, by the index; None where that names none. notes:
    gets what was put in its place. Raises Unusable for models that are painted otherwise.
    """
    config, name = dict(_NOISE), family.scheduler
    if (root / _LABEL).exists() or named is not None:
        config = read_json(root / _LABEL, _LABEL)
        name = str(named or config.get("_class_name"))
    else:
        notes.append(f"it has no scheduler: {name} is used with the noise of PixArt's training")
    if name == _DISTILLED or (name == LCM and family.scheduler != LCM):
        raise Unusable(_refusal(name, family))
    if name != family.scheduler:
        notes.append(f"its scheduler is {name}: {family.scheduler} is used with the same noise")
    if config.get("rescale_betas_zero_snr"):
        raise Unusable("its scheduler begins with nothing of the picture (zero SNR)")
    if family.scheduler == DPM:
        _settle(config, notes)
    config.pop("_class_name", None)
    try:
        return getattr(diffusers, family.scheduler).from_config(config)
    except Exception as error:  # a broken configuration makes the library raise nearly anything
        raise Unusable(f"the configuration of its scheduler is wrong ({error})") from error


def _refusal(name: str, family: PixArt) -> str:
    if name == LCM:
        return (
            f"its scheduler is {LCM}, and {family.name} is no consistency model; if it is one of "
            f"PixArt-Alpha, name it with `family` under [engine]: pixart-lcm"
        )
    return (
        f"its scheduler is {name}, as that of PixArt distilled by DMD for one step at timestep "
        f"400, which zimagine does not paint with; if it is not distilled, put {DPM}'s "
        f"scheduler_config.json in its folder scheduler"
    )


def _settle(config: Config, notes: list[str]) -> None:
    """Put in how steps are computed, and note where the folder says otherwise."""
    for name, value in _SOLVER.items():
        found = config.get(name)
        if found not in (None, value):
            notes.append(f"{_LABEL} has the {name} {found!r}: {value!r} is used")
        config[name] = value
    order = config.get("solver_order", _MAX_ORDER)
    if order not in (1, _MAX_ORDER):
        notes.append(f"{_LABEL} has the solver_order {order!r}: {_MAX_ORDER} is used")
        config["solver_order"] = _MAX_ORDER

"""One component's folder as diffusers saves it, with tensors in the names of its own class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.diffusion.checkpoints.candidates import Candidate, Headers, Rank, candidates
from engine.diffusion.checkpoints.configurations import Config
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.names import autoencoder
from engine.diffusion.checkpoints.names.translation import translated
from engine.diffusion.checkpoints.stored import WeightFile
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import Family

_SCALES = (".weight_scale", ".scale_weight", ".comfy_quant", ".absmax", ".quant_state")


def weight_file(folder: Path, headers: Headers, notes: list[str]) -> WeightFile:
    """Return the weights of a component's folder; what lies beside them goes into the notes.

    Raises Unusable for none, and for two that may differ.
    """
    there = [one for one in candidates(folder) if one.rank in (Rank.SAFE, Rank.VARIANT)]
    if not there:
        raise Unusable(f"{folder.name} has no weights in safetensors format")
    best: list[Candidate] = [one for one in there if one.rank is there[0].rank]
    if len(best) > 1:
        names = listed([headers.label(one.paths[0]) for one in best])
        raise Unusable(f"{names} both hold the {folder.name}: remove one")
    for other in there[1:]:
        names = listed([headers.label(path) for path in other.paths])
        notes.append(f"{names} is not read: {best[0].paths[0].name} lies beside it")
    return headers.open(best[0])


def require_unscaled(file: WeightFile, family: Family) -> None:
    """Raise Unusable for weights that mean nothing without their scales."""
    if scaled := sorted(one for one in file.tensors if one.endswith(_SCALES)):
        raise Unusable(
            f"{file.label} has scaled weights, which {family.name} is not read from: "
            f"{listed(scaled)}"
        )


def unscaled_weights(file: WeightFile, family: Family) -> dict[str, Weight]:
    """Return a file's tensors by their names in it. Raises Unusable for scaled ones."""
    require_unscaled(file, family)
    return {one: Weight.of(stored) for one, stored in file.tensors.items()}


def autoencoder_weights(weights: Mapping[str, Weight], label: str) -> Mapping[str, Weight]:
    """Return an autoencoder's weights by the names of its class of today.

    label: their file. Raises Unusable for tensors that it does not have.
    """
    found = translated(weights, autoencoder.renaming(list(weights)))
    if found.unknown:
        raise Unusable(
            f"{label} holds {len(found.unknown)} tensors that its vae does not have: "
            f"{listed(sorted(found.unknown))}"
        )
    return found.weights


def scaled_like(family: Family, config: Config, label: str, notes: list[str]) -> Config:
    """Return an autoencoder's configuration with a scaling factor, its family's if it has none."""
    if config.get("scaling_factor") is not None:
        return config
    factor = family.vae_scaling_factor
    notes.append(f"{label} has no scaling_factor: {family.name}'s, {factor:g}, is used")
    return config | {"scaling_factor": factor}

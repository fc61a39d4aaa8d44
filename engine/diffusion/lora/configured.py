"""The shelf that the settings name, with the parts of the model that they name. No torch."""

from __future__ import annotations

from engine.diffusion.families import (
    SKETCH,
    Feature,
    ModelClues,
    family_of,
)
from engine.diffusion.families.pixart import ALPHA_CLASS, SIGMA_CLASS
from engine.diffusion.families.sdxl import PIPELINE_CLASS as SDXL_PIPELINE
from engine.diffusion.families.sdxl_layers import ENCODERS
from engine.diffusion.lora.admission import Limits
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Targets
from engine.settings import EngineSettings
from engine.sketch import MODEL_DIR

_SIZES = {
    "width": "dim",
    "layers": "n_layers",
    "refiners": "n_refiner_layers",
    "caption_width": "cap_feat_dim",
    "channels": "in_channels",
}
"""The sizes of a transformer, and what its configuration calls them."""


def configured_limits(settings: EngineSettings) -> Limits:
    """Return what the owner allows."""
    return Limits(settings.lora_max_rank, settings.lora_strict)


def configured_shelf(settings: EngineSettings) -> LoraShelf | None:
    """Return the owner's shelf, for listing and checking without a model.

    None without a folder, and for a model of a family without LoRAs. Whether the folder can be read
    shows when it is listed.
    """
    if settings.loras is None or family_without_loras(settings) is not None:
        return None
    return LoraShelf(settings.loras, targets_of(settings), configured_limits(settings))


def family_without_loras(settings: EngineSettings) -> str | None:
    """Return the name of the model's family if it can use no LoRAs; None if it can."""
    family = family_of(settings)
    return None if family.supports(Feature.LORA) else family.name


def targets_of(settings: EngineSettings) -> Targets:
    """Return the parts of a model by what its configuration says, else as its family is published.

    Z-Image's, where the family is none of SDXL's or PixArt's.
    """
    model = str(MODEL_DIR) if settings.model == SKETCH else settings.model
    clues = ModelClues.read(model, settings.revision)
    pipeline = family_of(settings).pipeline_class
    if pipeline in (ALPHA_CLASS, SIGMA_CLASS):
        published = {"use_additional_conditions": pipeline == ALPHA_CLASS}
        try:
            return Targets.pixart(clues.config("transformer") or published)
        except TypeError:  # loading the model says why
            return Targets.pixart(published)
    if pipeline == SDXL_PIPELINE:
        encoders = {name: clues.config(name) for name in ENCODERS}
        try:
            return Targets.sdxl(clues.config("unet"), encoders)
        except (ValueError, TypeError, KeyError, IndexError):  # loading the model says why
            return Targets.sdxl()
    config = clues.config("transformer")
    sizes = {name: config[key] for name, key in _SIZES.items() if type(config.get(key)) is int}
    heads = config.get("n_heads")
    if len(sizes) < len(_SIZES) or type(heads) is not int or heads < 1:
        return Targets.z_image()
    return Targets.z_image(**sizes, head_width=sizes["width"] // heads)

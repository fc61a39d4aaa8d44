"""LoRAs over all models that are offered, each of which has its own. Reads headers; blocking."""

from __future__ import annotations

from bot.request.loras import LoraCatalog, best_first
from bot.request.models import ModelCatalog, OfferedModel
from bot.request.params import GenerationParams
from bot.request.reasons.loras import LoraOfOtherModel, LoraReason, LorasNotOffered, UnknownLora
from bot.request.values.loras import Choices, LoraChoice, take_tags, without_none
from engine.diffusion.lora.shelf import LoraInfo


def any_offered(models: ModelCatalog) -> bool:
    """Return whether one of the models has LoRAs to choose from."""
    return bool(_catalogs(models))


def matching_any(models: ModelCatalog, typed: str) -> tuple[LoraInfo, ...]:
    """Return the LoRAs that one of the models can use, whoever may use them, whose name, title or
    trigger words have the typed text, best first."""
    found: dict[str, LoraInfo] = {}
    for catalog in _catalogs(models):
        for each in catalog.matching(typed, None):
            found.setdefault(each.name, each)
    return best_first(typed, found.values())


def names_for_any(models: ModelCatalog, choices: Choices) -> tuple[str, ...] | LoraReason:
    """Return the names of the LoRAs that are meant, of whichever model; usable or not."""
    found: list[str] = []
    for choice in choices:
        names = _names(models, choice)
        if not isinstance(names, tuple):
            return names
        found += names
    return tuple(dict.fromkeys(found))


def of_other_model(
    params: GenerationParams, model: OfferedModel, models: ModelCatalog
) -> LoraOfOtherModel | None:
    """Return the first LoRA of a request that its model cannot use, and other models can.

    Tags in another program's text do not count: those of LoRAs that are not here do nothing.
    """
    if not models.several:
        return None
    for choice in _named(params):
        if not _usable(model, choice):
            able = (each.name for each in models.models if _usable(each, choice))
            if names := tuple(able):
                return LoraOfOtherModel(choice.name, model.name, names)
    return None


def _catalogs(models: ModelCatalog) -> tuple[LoraCatalog, ...]:
    return tuple(each.loras for each in models.models if each.loras.offered)


def _names(models: ModelCatalog, choice: LoraChoice) -> tuple[str, ...] | LoraReason:
    refused: LoraReason = LorasNotOffered()
    for catalog in _catalogs(models):
        found = catalog.names((choice,))
        if isinstance(found, tuple):
            return found
        if not (isinstance(refused, UnknownLora) and refused.near):
            refused = found
    return refused


def _named(params: GenerationParams) -> Choices:
    named = without_none(params.lora)
    if params.pasted is not None:
        return named
    try:
        return (*named, *without_none(take_tags(params.prompt)[1]))
    except ValueError:  # a tag that is not understood: resolving says so
        return named


def _usable(model: OfferedModel, choice: LoraChoice) -> bool:
    return isinstance(model.loras.uses((choice,)), tuple)

"""Refuse what the model's family cannot do, before anything is charged."""

from __future__ import annotations

from bot.request.reasons.values import FeatureUnsupported, NegativeUnsupported
from engine.diffusion.families import OF_MODE, Family, Feature
from engine.types import ImageRequest, Mode


def unsupported(feature: Feature, family: Family) -> FeatureUnsupported | None:
    """Return the reason if a family does not have this feature."""
    return None if family.supports(feature) else FeatureUnsupported(feature, family.name)


def mode_problem(mode: Mode, family: Family) -> FeatureUnsupported | None:
    """Return why a family does not paint from such inputs; None if it does."""
    feature = OF_MODE[mode]
    return None if feature is None else unsupported(feature, family)


def feature_problem(
    request: ImageRequest, family: Family, pictures: int = 1
) -> FeatureUnsupported | NegativeUnsupported | None:
    """Return the first feature of a request that its family does not have; None if it has all."""
    if request.negative_prompt and request.guidance > 1 and not family.supports(Feature.NEGATIVE):
        return NegativeUnsupported()
    if request.variations and (problem := unsupported(Feature.VARY, family)):
        return problem
    if pictures > 1 and (problem := unsupported(Feature.COUNT, family)):
        return problem
    if request.loras and (problem := unsupported(Feature.LORA, family)):
        return problem
    return mode_problem(request.mode, family)

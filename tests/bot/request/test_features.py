"""Every feature works in every family, or is refused by name before anything is charged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.i18n import words
from bot.request.features import feature_problem
from bot.request.loras import LoraCatalog
from bot.request.outcomes import FeatureUnsupported, NegativeUnsupported, Refused, ResolvedRequest
from bot.request.params import GenerationParams, InitImages
from bot.request.reasons.values import ValueReason
from bot.request.resolve import resolve, resolve_upscale, resolve_variation
from bot.request.values.loras import LoraChoice
from bot.wording.reasons.values import value_refusal
from engine.diffusion.families import FAMILIES, OF_MODE, SKETCH, Family, Feature
from engine.diffusion.lora.configured import targets_of
from engine.diffusion.lora.shelf import LoraShelf
from engine.settings import EngineSettings
from engine.types import ImageRequest, Mode
from tests.bot.lora_files import write_lora

SHA = "a" * 64
OF_EVERY_PICTURE = {
    Feature.PREVIEWS,
    Feature.GUARD,
    Feature.MEMORY_PLANS,
    Feature.TOKENS,
    Feature.RECIPE,
}
"""Nobody asks for these, so no family may lack them: there would be nobody to refuse."""
Outcome = ResolvedRequest | Refused


def _resolved(family: Family, **changes: object) -> Outcome:
    params = dataclasses.replace(GenerationParams("a lake"), **changes)  # pyright: ignore[reportArgumentType]
    return resolve(params, family, lambda: 5)


def _request(family: Family) -> ImageRequest:
    outcome = _resolved(family)
    assert isinstance(outcome, ResolvedRequest)
    return outcome.request


def _from(mode: Mode, count: int) -> Callable[[Family], Outcome]:
    start = InitImages(mode, (SHA,) * count)
    return lambda family: _resolved(family, start=start)


def _several(family: Family) -> Outcome:
    problem = feature_problem(_request(family), family, pictures=2)
    return Refused(problem) if problem else ResolvedRequest(_request(family), "", ())


def _with_lora(family: Family) -> Outcome:
    params = GenerationParams("a lake", lora=(LoraChoice("fox"),))
    with TemporaryDirectory() as folder:
        write_lora(Path(folder), "fox")
        targets = targets_of(EngineSettings(model=SKETCH))
        return resolve(
            params, family, lambda: 5, loras=LoraCatalog(LoraShelf(Path(folder), targets))
        )


ASKED: dict[Feature, Callable[[Family], Outcome]] = {
    Feature.COUNT: _several,
    Feature.PICTURE: _from(Mode.IMAGE, 1),
    Feature.MASK: _from(Mode.INPAINT, 2),
    Feature.BLEND: _from(Mode.BLEND, 2),
    Feature.UPSCALE: lambda family: resolve_upscale(_request(family), SHA, family),
    Feature.VARY: lambda family: resolve_variation(_request(family), 0.2, family, lambda: 7),
    Feature.NEGATIVE: lambda family: _resolved(family, negative="fog"),
    Feature.LORA: _with_lora,
}
"""How a person asks for each feature."""


@pytest.mark.parametrize("feature", ASKED)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_feature_is_there_or_refused_by_name(family: Family, feature: Feature):
    """What the table says is what a request gets, and the refusal names feature and family."""
    able = dataclasses.replace(family, lacks=frozenset())
    unable = dataclasses.replace(family, lacks=frozenset({feature}))
    assert isinstance(ASKED[feature](family), ResolvedRequest) == family.supports(feature)
    if able.supports(feature):
        assert isinstance(ASKED[feature](able), ResolvedRequest)
    refused = ASKED[feature](unable)
    expected = FeatureUnsupported(feature, family.name)
    assert refused == Refused(NegativeUnsupported() if feature is Feature.NEGATIVE else expected)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_engines_own_features_are_in_every_family(family: Family):
    """What is done for every picture works everywhere."""
    assert not OF_EVERY_PICTURE & family.lacks
    assert set(Feature) == {*ASKED, *OF_EVERY_PICTURE}


def test_every_mode_has_its_feature():
    """Each way to start but words alone is a feature that a family may lack."""
    assert set(OF_MODE) == set(Mode)
    assert OF_MODE[Mode.TEXT] is None and None not in list(OF_MODE.values())[1:]


@pytest.mark.parametrize("feature", Feature)
def test_the_refusal_is_a_sentence(feature: Feature):
    """Each feature has words of its own, with the family's name."""
    reason: ValueReason = FeatureUnsupported(feature, "some-family")
    sentence = value_refusal(reason, words())
    assert sentence.endswith(" does not work with the model that paints here (some-family).")
    others = [value_refusal(FeatureUnsupported(each, "some-family"), words()) for each in Feature]
    assert others.count(sentence) == 1

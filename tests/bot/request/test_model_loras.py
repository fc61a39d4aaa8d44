"""Which LoRAs a request of each model means, where the models have different ones."""

from __future__ import annotations

import dataclasses

import pytest

from bot.request.loras import NO_LORAS, LoraCatalog
from bot.request.model_loras import matching_any, names_for_any
from bot.request.models import ModelCatalog, OfferedModel, only
from bot.request.outcomes import FlagProblem, Reason, Refused, ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import model_named
from bot.request.prompt.pasted.settings import take_pasted
from bot.request.reasons.loras import LoraOfOtherModel, LorasNotOffered, UnknownLora
from bot.request.reasons.values import FeatureUnsupported
from bot.request.resolver import RequestResolver
from bot.request.values.loras import read_loras
from engine.diffusion.families import PIXART_ALPHA, SKETCH_FAMILY, Z_IMAGE, Feature
from engine.diffusion.lora.configured import targets_of
from engine.diffusion.lora.shelf import LoraShelf
from engine.settings import EngineSettings
from tests.bot.lora_files import write_large_lora, write_lora

UNABLE = dataclasses.replace(PIXART_ALPHA, lacks=frozenset({Feature.LORA}))
"""A family that can use no LoRAs; every one that there is can."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelCatalog:
    """Three models of one folder: a small one, a large one, and one without LoRAs."""
    folder = tmp_path_factory.mktemp("loras")
    write_lora(folder, "ink", 'title = "Ink wash"\nstyle_words = ["in ink"]\n')
    write_large_lora(folder, "oil", 'title = "Oil"\nstyle_words = ["in oil"]\n')
    small = LoraCatalog(LoraShelf(folder, targets_of(EngineSettings())))
    return ModelCatalog(
        (
            OfferedModel("small", SKETCH_FAMILY, loras=small),
            OfferedModel("large", Z_IMAGE, loras=LoraCatalog(LoraShelf(folder))),
            OfferedModel("bare", UNABLE),
        )
    )


def uncounted(text: str, model: str = "") -> None:
    """Count no tokens, as before a model is loaded."""


@pytest.fixture
def resolver(models: ModelCatalog) -> RequestResolver:
    """Resolves requests for one of these models."""
    return RequestResolver(SKETCH_FAMILY, lambda: 5, uncounted, models=models)


@pytest.mark.parametrize(
    ("prompt", "option", "model", "wanted"),
    [
        ("a lake", "ink", None, ["ink"]),
        ("a lake", "oil", "large", ["oil"]),
        ("a lake", "oil", None, LoraOfOtherModel("oil", "small", ("large",))),
        ("a lake", "ink, Oil", None, LoraOfOtherModel("Oil", "small", ("large",))),
        ("a lake", "Ink Wash", "large", LoraOfOtherModel("Ink Wash", "large", ("small",))),
        ("a lake <lora:oil:0.5>", "", None, LoraOfOtherModel("oil", "small", ("large",))),
        ("a lake <lora:ink:1>", "", "bare", LoraOfOtherModel("ink", "bare", ("small",))),
        ("a lake", "ink", "bare", LoraOfOtherModel("ink", "bare", ("small",))),
        ("a lake", "none", "bare", []),
        ("a lake", "tar", "large", UnknownLora("tar")),
    ],
)
def test_a_lora_of_another_model_is_refused_with_its_name(
    resolver: RequestResolver,
    prompt: str,
    option: str,
    model: str | None,
    wanted: list[str] | Reason,
) -> None:
    """Whether an option or a tag names it, by whatever of its names; what no model has is refused
    as it would be with one model."""
    params = GenerationParams(prompt, lora=read_loras(option), model=model)
    found = resolver.resolve_blocking(params)
    if isinstance(wanted, list):
        assert isinstance(found, ResolvedRequest), found
        assert [each.name for each in found.request.loras] == wanted
    else:
        assert found == Refused(wanted)


async def test_a_flag_is_blamed(resolver: RequestResolver) -> None:
    """The flag that names it is what is wrong, with the model that another flag chooses."""
    outcome = await resolver.parse(GenerationParams("a lake --lora ink --model large"), 1, False)
    reason = LoraOfOtherModel("ink", "large", ("small",))
    assert outcome == Refused(FlagProblem((), (reason,), frozenset({"lora"})))
    unknown = resolver.resolve_blocking(
        GenerationParams("a lake", lora=read_loras("tar"), model="bare")
    )
    assert isinstance(unknown, Refused) and isinstance(unknown.reason, FeatureUnsupported)


def test_a_pasted_tag_of_another_model_does_nothing(resolver: RequestResolver) -> None:
    """As a tag of a LoRA that is nowhere does: the text is another program's."""
    text = "a lake <lora:oil:1>\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 4, Size: 256x256"
    found = resolver.resolve_blocking(take_pasted(GenerationParams(text)))
    assert isinstance(found, ResolvedRequest) and found.request.loras == ()


def test_style_words_are_those_of_the_model(resolver: RequestResolver) -> None:
    """They choose only what the request's model can use."""
    for model, prompt, wanted in (
        (None, "a lake in ink", "ink"),
        (None, "a lake in oil", None),
        ("large", "a lake in oil", "oil"),
        ("bare", "a lake in oil", None),
    ):
        params = GenerationParams(prompt, model=model)
        found = resolver.resolve_blocking(params, LoraCatalog.styled)
        assert isinstance(found, ResolvedRequest)
        assert [each.name for each in found.request.loras] == ([wanted] if wanted else [])


def test_admins_name_the_loras_of_all_models(models: ModelCatalog) -> None:
    """By names and titles of whichever model, also where the default one has none."""
    for offered in (models, ModelCatalog(models.models[::-1])):
        assert [each.name for each in matching_any(offered, "")] == ["ink", "oil"]
        assert [each.name for each in matching_any(offered, "wash")] == ["ink"]
        assert names_for_any(offered, read_loras("Ink wash, OIL")) == ("ink", "oil")
        assert names_for_any(offered, read_loras("ink, oill")) == UnknownLora("oill", ("oil",))
    assert names_for_any(only(UNABLE, NO_LORAS), read_loras("ink")) == LorasNotOffered()


def test_the_model_that_a_prompt_names() -> None:
    """A flag names it; a prompt that cannot be obeyed names none."""
    assert model_named("a {red, blue} lake --model large") == "large"
    assert model_named("a lake") is None and model_named("a lake --model large --size x") is None

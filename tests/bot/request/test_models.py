"""Which model a request means, and that everything is asked of that model."""

from __future__ import annotations

import dataclasses

import pytest

from bot.request.models import ModelCatalog, OfferedModel, only
from bot.request.outcomes import Refused, ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.reasons.models import ModelGone, UnknownModel
from bot.request.resolver import RequestResolver
from bot.request.values.names import read_name
from engine.diffusion.families import SDXL_TURBO, Z_IMAGE, Z_IMAGE_TURBO
from engine.types import ImageRequest

TURBO = OfferedModel("turbo", Z_IMAGE_TURBO, "Z-Image Turbo")
BASE = OfferedModel("base", Z_IMAGE)
SMALL = OfferedModel("sdxl.small", SDXL_TURBO, "Turbo of SDXL")
CATALOG = ModelCatalog((TURBO, BASE, SMALL))


def counted(text: str, model: str = "") -> int | None:
    """Count one token for each word with one model; of the others it is not known."""
    return len(text.split()) if model == "base" else None


RESOLVER = RequestResolver(Z_IMAGE_TURBO, lambda: 5, counted, models=CATALOG)


def resolved(model: str | None = None, prompt: str = "a lake") -> ImageRequest:
    """Resolve a request for a model."""
    outcome = RESOLVER.resolve_blocking(GenerationParams(prompt, model=model))
    assert isinstance(outcome, ResolvedRequest), outcome
    return outcome.request


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (None, "turbo"),
        ("turbo", "turbo"),
        ("BASE", "base"),
        ("z image turbo", "turbo"),
        ("SDXL small", "sdxl.small"),
        ("Turbo of SDXL", "sdxl.small"),
    ],
)
def test_a_model_is_meant_by_name_or_title(typed: str | None, name: str) -> None:
    """Whatever the case and the signs between words."""
    found = CATALOG.meant(typed)
    assert isinstance(found, OfferedModel) and found.name == name


def test_a_name_that_is_not_there_is_refused_with_the_others() -> None:
    """So is a part of a name, which could become ambiguous."""
    for typed in ("flux", "sdxl", ""):
        assert CATALOG.meant(typed) == UnknownModel(typed, ("turbo", "base", "sdxl.small"))
    outcome = RESOLVER.resolve_blocking(GenerationParams("a lake", model="flux"))
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, UnknownModel)


def test_defaults_are_those_of_the_model() -> None:
    """Size, steps and guidance come from the family of the model that is meant."""
    assert (resolved().steps, resolved().width_px, resolved().model) == (8, 1024, "turbo")
    assert (resolved("base").steps, resolved("base").guidance) == (36, 4.0)
    assert (resolved("sdxl small").width_px, resolved("sdxl small").model) == (512, "sdxl.small")


async def test_bounds_are_those_of_the_model() -> None:
    """A flag is refused by the one model that cannot obey it, and blamed."""
    for model, refused in (("base", False), ("sdxl.small", True)):
        flags = f"a lake --size 1024x1024 --model {model}"
        outcome = await RESOLVER.parse(GenerationParams(flags), 1, False)
        assert isinstance(outcome, Refused) is refused
        if isinstance(outcome, Refused):
            assert "SizeTooLarge" in repr(outcome) or "BadSize" in repr(outcome)
    unknown = await RESOLVER.parse(GenerationParams("a lake --model flux"), 1, False)
    assert isinstance(unknown, Refused) and "UnknownModel" in repr(unknown)
    usual = await RESOLVER.parse(GenerationParams("a lake --guidance 5.5"), 1, False, usual="base")
    assert not isinstance(usual, Refused)
    assert isinstance(
        await RESOLVER.parse(GenerationParams("a lake --guidance 5.5"), 1, False), Refused
    )


def test_pictures_are_repeated_by_their_own_model() -> None:
    """One that is gone is refused; one from before there were several is the default model's."""
    picture = resolved("base")
    again = RESOLVER.reroll(picture, None)
    assert isinstance(again, ResolvedRequest) and again.request.model == "base"
    varied = RESOLVER.variation(picture, 0.2)
    assert isinstance(varied, ResolvedRequest) and varied.request.model == "base"
    gone = dataclasses.replace(picture, model="flux")
    for outcome in (
        RESOLVER.reroll(gone, None),
        RESOLVER.variation(gone, 0.2),
        RESOLVER.upscale(gone, ""),
    ):
        assert outcome == Refused(ModelGone("flux", CATALOG.names))
    old = RESOLVER.reroll(dataclasses.replace(resolved(), model=""), None)
    assert isinstance(old, ResolvedRequest) and old.request.model == "turbo"


def test_one_model_has_no_name_in_requests() -> None:
    """Requests of a bot with one model read as they did before there were several."""
    resolver = RequestResolver(Z_IMAGE_TURBO, lambda: 5, lambda _: None)
    outcome = resolver.resolve_blocking(GenerationParams("a lake"))
    assert isinstance(outcome, ResolvedRequest) and outcome.request.model == ""
    single = only(Z_IMAGE)
    assert single.get("") is single.default and not single.several


@pytest.mark.parametrize(
    ("text", "value", "rest"),
    [
        (" turbo at dawn", "turbo", " at dawn"),
        (" turbo.", "turbo", "."),
        (" sdxl.small, a lake", "sdxl.small", ", a lake"),
        (' "Z-Image  Turbo" at dawn', "Z-Image Turbo", " at dawn"),
        ("“Z-Image Turbo”。", "Z-Image Turbo", "。"),
    ],
)
def test_values_of_the_flag(text: str, value: str, rest: str) -> None:
    """A name ends where the prompt goes on; a title is in quotation marks."""
    found = read_name(text)
    assert getattr(found, "value", None) == value and text[getattr(found, "end", 0) :] == rest


@pytest.mark.parametrize("text", ["", "  ", " .", " , a lake"])
def test_a_flag_without_a_name(text: str) -> None:
    """It is refused, and nothing of the prompt is taken for a name."""
    assert not hasattr(read_name(text), "end")

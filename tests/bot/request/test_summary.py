"""The summary of a request lists the settings that differ from the model's defaults."""

from __future__ import annotations

import pytest

from bot.request.options import with_options
from bot.request.outcomes import FlagErrorKind, FlagProblem, Refused, ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.resolve import resolve
from bot.request.summary import DEFAULTS, RequestSummary, summarize
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO, Family, Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.sizing import ASPECTS


def of(
    params: GenerationParams, pictures: int = 1, family: Family = Z_IMAGE_TURBO
) -> RequestSummary:
    """Summarise valid parameters."""
    found = resolve(params, family, lambda: 1)
    assert isinstance(found, ResolvedRequest)
    return summarize(found.request, pictures, family, found.notes)


@pytest.mark.parametrize("family", [SKETCH_FAMILY, Z_IMAGE_TURBO])
def test_a_plain_wish_has_none(family: Family):
    """A request with only default values has an empty summary, even if they are explicit."""
    assert (
        of(GenerationParams("a lake", seed=5, enhance=EnhancementLevel.OFF), family=family)
        == DEFAULTS
    )
    usual = GenerationParams("a lake", aspect="1:1", speed=Speed.STANDARD, guidance=1.0)
    assert of(usual, family=family) == DEFAULTS


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("family", [SKETCH_FAMILY, Z_IMAGE_TURBO])
def test_shapes_have_the_name_that_was_chosen(family: Family, aspect: str):
    """A size that comes from an aspect ratio is shown as that ratio, other sizes in pixels."""
    found = resolve(GenerationParams("x", aspect=aspect), family, lambda: 1)
    if isinstance(found, ResolvedRequest):
        shape = summarize(found.request, 1, family).shape
        assert shape == ("" if aspect == "1:1" else aspect)


def test_everything_that_was_chosen():
    """The summary has count, size, style, steps by name or number, and guidance."""
    params = GenerationParams(
        "x", size=(512, 1024), speed=Speed.FAST, guidance=1.8, style=PictureStyle.OIL
    )
    found = of(params, 4)
    assert found == RequestSummary(4, "512×1024", PictureStyle.OIL, 4, Speed.FAST, 1.8)
    odd = of(GenerationParams("x", steps=7))
    assert (odd.steps, odd.speed) == (7, None)


def test_a_style_that_was_left_out_is_none():
    """An ignored style is left out of the summary; a note mentions it."""
    assert of(GenerationParams("an anime girl", style=PictureStyle.OIL)).style is None
    assert (
        of(GenerationParams("a girl", style=PictureStyle.OIL), family=SKETCH_FAMILY).style is None
    )


def test_choices_from_lists_become_part_of_the_wish():
    """Options from closed lists set their fields; the others keep their defaults."""
    plain = GenerationParams("a lake")
    assert with_options(plain, style=None, speed=None, enhance=None) == plain
    found = with_options(plain, style="line-art", speed="fine", enhance="light")
    assert found == GenerationParams(
        "a lake", style=PictureStyle.LINE_ART, speed=Speed.FINE, enhance=EnhancementLevel.LIGHT
    )


@pytest.mark.parametrize("name", ["style", "speed", "enhance"])
def test_a_value_of_no_list_is_refused(name: str):
    """A value from another version's command is refused and quoted, not dropped."""
    found = with_options(GenerationParams("a lake"), **{name: "odd"})
    assert isinstance(found, Refused) and isinstance(found.reason, FlagProblem)
    bad = found.reason.errors[0]
    assert (bad.kind, bad.flag, bad.value) == (FlagErrorKind.BAD_VALUE, f"--{name}", "odd")
    assert len(bad.expected) >= 3

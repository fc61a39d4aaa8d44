"""From what a person typed to a request, or to the reason why not."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import words
from bot.request.notes import HighGuidance, NegativeAdded, NegativeIgnored, SmallSide, StyleIgnored
from bot.request.outcomes import (
    BadAspect,
    BadSize,
    EmptyPrompt,
    OutOfRange,
    Refused,
    ResolvedRequest,
    SizeTooLarge,
    TextTooLong,
)
from bot.request.params import GenerationParams, InitImages
from bot.request.resolve import (
    STRONG,
    SUBTLE,
    resolve,
    resolve_reroll,
    resolve_upscale,
    resolve_variation,
    size_for,
)
from bot.wording import rejections
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO, Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.types import MAX_SEED, MAX_VARIATIONS, Mode, Variation

SHA = "a" * 64


def resolved(params: GenerationParams, family=SKETCH_FAMILY) -> ResolvedRequest:
    """The request of a wish that is all right."""
    outcome = resolve(params, family, lambda: 42)
    assert isinstance(outcome, ResolvedRequest)
    return outcome


def test_an_untouched_wish_gets_the_familys_defaults():
    """Eight steps, guidance off, the native square, a fresh seed, words for quality."""
    request = resolved(GenerationParams("a lake"), Z_IMAGE_TURBO).request
    assert (request.steps, request.guidance, request.seed) == (8, 1.0, 42)
    assert (request.width_px, request.height_px) == (1024, 1024)
    assert request.effective_prompt.startswith("a lake. ")
    assert request.negative_prompt == ""


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        (GenerationParams(""), EmptyPrompt),
        (GenerationParams("\u200b\ufeff \n"), EmptyPrompt),
        (GenerationParams("\u3164\u2800\ufe0f"), EmptyPrompt),
        (GenerationParams("x" * 4000), TextTooLong),
        (GenerationParams("x", negative="y" * 2001), TextTooLong),
        (GenerationParams("x", seed=-1), OutOfRange),
        (GenerationParams("x", seed=MAX_SEED + 1), OutOfRange),
        (GenerationParams("x", seed=10**400), OutOfRange),
        (GenerationParams("x", steps=0), OutOfRange),
        (GenerationParams("x", steps=51), OutOfRange),
        (GenerationParams("x", guidance=math.nan), OutOfRange),
        (GenerationParams("x", guidance=math.inf), OutOfRange),
        (GenerationParams("x", guidance=0.5), OutOfRange),
        (GenerationParams("x", guidance=5.01), OutOfRange),
        (GenerationParams("x", aspect="wide"), BadAspect),
        (GenerationParams("x", aspect="0:1"), BadAspect),
        (GenerationParams("x", aspect="100:1"), BadAspect),
        (GenerationParams("x", aspect="21:9"), BadAspect),
        (GenerationParams("x", size=(512, 512)), SizeTooLarge),
        (GenerationParams("x", size=(512, 128)), BadAspect),
        (GenerationParams("x", variety=1.1), OutOfRange),
        (GenerationParams("x", variety=math.nan), OutOfRange),
        (GenerationParams("x", refine=0.36), OutOfRange),
        (GenerationParams("x", start=InitImages(Mode.IMAGE, (SHA,), 0.0)), OutOfRange),
        (GenerationParams("x", start=InitImages(Mode.IMAGE, (SHA,), 1.01)), OutOfRange),
        (GenerationParams("x", start=InitImages(Mode.UPSCALE, (SHA,), 0.5)), OutOfRange),
        (GenerationParams("x", size=(250, 256)), BadSize),
        (GenerationParams("x", size=(16, 16)), BadSize),
        (GenerationParams("x", size=(100_000, 256)), BadSize),
        (GenerationParams("x", size=(0, 0)), BadSize),
        (GenerationParams("x", size=(-256, -256)), BadSize),
    ],
)
def test_bad_input_gets_a_reason_and_one_sentence(params: GenerationParams, kind: type):
    """Each mistake has a reason of its own, and words for it."""
    outcome = resolve(params, SKETCH_FAMILY, lambda: 42)
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, kind)
    sentence = rejections.refusal(outcome, words(), lambda moment: moment.isoformat())
    assert sentence and "\n" not in sentence and sentence[-1] == "."


def test_an_idle_negative_prompt_is_noted():
    """A negative prompt at guidance 1 does nothing; above 1 it acts and nothing is noted."""
    assert resolved(GenerationParams("x", negative="fog")).notes == (NegativeIgnored(),)
    assert resolved(GenerationParams("x", negative="fog", guidance=1.5)).notes == ()


def test_high_guidance_is_noted():
    """Over 2.5 pictures burn."""
    (note,) = resolved(GenerationParams("x", guidance=3.0, enhance=EnhancementLevel.OFF)).notes
    assert isinstance(note, HighGuidance)


def test_the_default_negative_prompt_acts_only_with_guidance():
    """With guidance and enhancement, and none given, ours is used and said; else none is."""
    ours = resolved(GenerationParams("x", guidance=1.5))
    assert ours.notes == (NegativeAdded(ours.request.negative_prompt),)
    assert not resolved(GenerationParams("x")).request.negative_prompt
    assert not resolved(
        GenerationParams("x", guidance=1.5, enhance=EnhancementLevel.OFF)
    ).request.negative_prompt


@given(st.text(max_size=300), st.integers(), st.floats(), st.integers(), st.text(max_size=9))
def test_any_input_gives_a_request_within_bounds_or_a_refusal(
    prompt: str, seed: int, guidance: float, steps: int, aspect: str
):
    """Whatever is typed, nothing out of bounds reaches the painter and nothing raises."""
    params = GenerationParams(
        prompt, aspect=aspect or None, seed=seed, steps=steps, guidance=guidance
    )
    outcome = resolve(params, Z_IMAGE_TURBO, lambda: 42)
    if isinstance(outcome, Refused):
        assert rejections.refusal(outcome, words(), str)
        return
    request = outcome.request
    assert 0 <= request.seed <= MAX_SEED and 1 <= request.steps <= 50
    assert 1.0 <= request.guidance <= 5.0
    assert request.width_px % 16 == request.height_px % 16 == 0
    request.effective_prompt.encode("utf-8")


def test_a_reroll_changes_the_seed_and_nothing_else():
    """With a seed given it is that seed, without one a fresh one."""
    original = resolved(GenerationParams("a lake", guidance=1.5, steps=4)).request
    for seed, expected in ((None, 7), (9, 9)):
        again = resolve_reroll(original, seed, SKETCH_FAMILY, lambda: 7)
        assert isinstance(again, ResolvedRequest)
        assert again.request == dataclasses.replace(original, seed=expected)
        assert again.added == resolved(GenerationParams("a lake")).added


def test_times_are_written_by_the_front():
    """The sentence about a spent quota holds the time as the reader's front writes it."""
    from bot.request.outcomes import QuotaSpent

    refused = Refused(QuotaSpent(1, 1, 24), datetime(2026, 1, 2, tzinfo=UTC))
    assert "TIME" in rejections.refusal(refused, words(), lambda _: "TIME")


def test_a_replay_is_held_to_the_bounds_of_the_model_that_paints_it():
    """A picture of a larger model, rerolled after a change to a smaller one, is refused."""
    large = resolved(GenerationParams("a lake"), Z_IMAGE_TURBO).request
    outcome = resolve_reroll(large, 5, SKETCH_FAMILY, lambda: 1)
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, BadSize)


@pytest.mark.parametrize(("speed", "steps"), [("fast", 4), ("standard", 8), ("fine", 10)])
def test_speeds_are_steps(speed: str, steps: int):
    """A speed chooses the steps, unless they are given."""
    assert resolved(GenerationParams("x", speed=Speed(speed))).request.steps == steps
    assert resolved(GenerationParams("x", speed=Speed(speed), steps=3)).request.steps == 3


def test_strict_is_a_guidance():
    """Strict holds the prompt at 1.8, without a note; a guidance that is given wins."""
    strict = resolved(GenerationParams("x", strict=True, enhance=EnhancementLevel.OFF))
    assert strict.request.guidance == 1.8 and strict.notes == ()
    assert resolved(GenerationParams("x", strict=True, guidance=2.0)).request.guidance == 2.0


def test_turbo_breaks_earlier():
    """Over 3.2 Turbo's pictures break: refused with that bound."""
    outcome = resolve(GenerationParams("x", guidance=3.3), Z_IMAGE_TURBO, lambda: 1)
    assert isinstance(outcome, Refused) and outcome.reason == OutOfRange("guidance", 3.3, 1.0, 3.2)


def test_large_pictures_are_advised_to_be_enlarged():
    """2048² in one piece is refused with the size to paint instead, in the same shape."""
    for size, advised in (((2048, 2048), (1024, 1024)), ((2048, 1536), (1184, 880))):
        outcome = resolve(GenerationParams("x", size=size), Z_IMAGE_TURBO, lambda: 1)
        assert isinstance(outcome, Refused)
        assert outcome.reason == SizeTooLarge(*size, *advised, upscaled=False)
        told = rejections.refusal(outcome, words(), str)
        assert f"{advised[0]}×{advised[1]}" in told and "upscale" in told


def test_short_sides_are_noted():
    """A side under the family's floor is painted, and warned of."""
    assert resolved(GenerationParams("x", size=(256, 128))).notes == (SmallSide(128, 160),)
    assert resolved(GenerationParams("x", size=(1024, 496)), Z_IMAGE_TURBO).notes == (
        SmallSide(496, 512),
    )


def test_levels_of_enhancement():
    """Off adds nothing, light a word of quality, full what the words imply; the default is the
    family's own, and smart asks the painter for more with full to fall back on."""
    dawn = "a mountain lake at dawn"

    def added(level: EnhancementLevel | None, family=Z_IMAGE_TURBO) -> str:
        return resolved(GenerationParams(dawn, enhance=level), family).added

    assert added(EnhancementLevel.OFF) == ""
    assert added(None) == added(EnhancementLevel.FULL) != added(EnhancementLevel.LIGHT)
    assert "golden" in added(EnhancementLevel.FULL)
    assert added(None, SKETCH_FAMILY) == added(EnhancementLevel.LIGHT)
    smart = resolved(GenerationParams(dawn, enhance=EnhancementLevel.SMART), Z_IMAGE_TURBO)
    assert smart.request.expand and smart.added == added(EnhancementLevel.FULL)
    assert not resolved(GenerationParams(dawn)).request.expand


def test_a_style_is_read_as_if_it_had_been_named():
    """The model reads the same as with the style in the prompt; it is shown as what was added, and
    the request remembers it, for whoever paints it again."""
    chosen = resolved(GenerationParams("a lake at dawn", style=PictureStyle.OIL), Z_IMAGE_TURBO)
    written = resolved(GenerationParams("a lake at dawn, oil painting"), Z_IMAGE_TURBO)
    assert chosen.request.effective_prompt == written.request.effective_prompt
    assert chosen.added == f"oil painting. {written.added}" and not chosen.notes
    assert (chosen.request.prompt, chosen.request.style) == ("a lake at dawn", PictureStyle.OIL)
    off = resolved(
        GenerationParams("a lake", style=PictureStyle.OIL, enhance=EnhancementLevel.OFF),
        Z_IMAGE_TURBO,
    )
    assert off.request.effective_prompt == "a lake, oil painting" and off.added == "oil painting"
    again = resolve_reroll(chosen.request, 7, Z_IMAGE_TURBO, lambda: 7)
    assert isinstance(again, ResolvedRequest)
    assert again.request == dataclasses.replace(chosen.request, seed=7)


def test_the_persons_words_win_over_a_chosen_style():
    """Another style in the prompt leaves the chosen one out, which a note says, also later."""
    clash = resolved(GenerationParams("an anime girl", style=PictureStyle.OIL), Z_IMAGE_TURBO)
    plain = resolved(GenerationParams("an anime girl"), Z_IMAGE_TURBO)
    assert clash.request.effective_prompt == plain.request.effective_prompt
    assert clash.notes == (StyleIgnored(PictureStyle.OIL, "anime"),)
    told = rejections.note_sentence(clash.notes[0], words())
    assert "“anime”" in told and "oil painting" in told
    again = resolve_reroll(clash.request, 7, Z_IMAGE_TURBO, lambda: 7)
    assert isinstance(again, ResolvedRequest) and again.notes == clash.notes


def test_a_model_that_knows_no_styles_is_told_of_none():
    """Words that sketch never saw would only spoil its pictures: a note says that they are left."""
    sketch = resolved(GenerationParams("a red boat", style=PictureStyle.INK))
    assert (
        sketch.request.effective_prompt
        == resolved(GenerationParams("a red boat")).request.effective_prompt
    )
    assert sketch.notes == (StyleIgnored(PictureStyle.INK),)
    assert "not support styles" in rejections.note_sentence(sketch.notes[0], words())


def test_enhancement_leaves_room_for_the_prompt():
    """What is added never makes a prompt too long that was not."""
    count = len
    params = GenerationParams("a lake at dawn " + "x" * 480)
    outcome = resolve(params, Z_IMAGE_TURBO, lambda: 1, count)
    assert isinstance(outcome, ResolvedRequest)
    assert count(outcome.request.effective_prompt) <= Z_IMAGE_TURBO.max_tokens


def test_the_shape_of_the_input_is_kept():
    """Without a size or an aspect a picture has the shape of what it starts from, as far as the
    family allows; with one it has that."""
    assert size_for(GenerationParams("x"), Z_IMAGE_TURBO, (4000, 3000)) == (1184, 880)
    assert size_for(GenerationParams("x", aspect="1:1"), Z_IMAGE_TURBO, (4000, 3000)) == (
        1024,
        1024,
    )
    wide = size_for(GenerationParams("x"), SKETCH_FAMILY, (10_000, 10))
    assert isinstance(wide, tuple) and 1.8 <= wide[0] / wide[1] <= 2.2


def test_a_start_is_in_the_request():
    """Mode, inputs and the mode's own strength are what is painted from."""
    request = resolved(GenerationParams("x", start=InitImages(Mode.INPAINT, (SHA, SHA)))).request
    assert (request.mode, request.inputs, request.strength) == (Mode.INPAINT, (SHA, SHA), 1.0)
    request = resolved(GenerationParams("x", start=InitImages(Mode.IMAGE, (SHA,), 0.4))).request
    assert (request.strength, request.forwards) == (0.4, 2)


def test_variations_build_on_each_other():
    """Each turns the noise of what it is a variation of; the seed and all else stay."""
    original = resolved(GenerationParams("a lake")).request
    seeds = iter([11, 12])
    once = resolve_variation(original, SUBTLE, SKETCH_FAMILY, lambda: next(seeds))
    assert isinstance(once, ResolvedRequest)
    twice = resolve_variation(once.request, STRONG, SKETCH_FAMILY, lambda: next(seeds))
    assert isinstance(twice, ResolvedRequest)
    turned = (Variation(11, SUBTLE), Variation(12, STRONG))
    assert twice.request == dataclasses.replace(original, variations=turned)
    full = dataclasses.replace(original, variations=(Variation(1, 0.5),) * MAX_VARIATIONS)
    fresh = resolve_variation(full, SUBTLE, SKETCH_FAMILY, lambda: 3)
    assert isinstance(fresh, ResolvedRequest) and fresh.request.variations == ()
    for amount in (0.0, 1.5, math.nan):
        assert isinstance(resolve_variation(original, amount, SKETCH_FAMILY, lambda: 1), Refused)


def test_a_reroll_with_the_same_seed_keeps_its_variations():
    """The same seed is the same picture; another one is a picture of its own."""
    original = resolved(GenerationParams("a lake")).request
    varied = dataclasses.replace(original, variations=(Variation(1, 0.5),))
    for seed, kept in ((varied.seed, varied.variations), (9, ()), (None, ())):
        again = resolve_reroll(varied, seed, SKETCH_FAMILY, lambda: 7)
        assert isinstance(again, ResolvedRequest) and again.request.variations == kept


def test_enlarging_doubles_both_sides():
    """From the picture itself and with little noise; a second time is too large, in words."""
    original = resolved(GenerationParams("a lake", size=(320, 192), refine=0.2)).request
    large = resolve_upscale(original, SHA, SKETCH_FAMILY)
    assert isinstance(large, ResolvedRequest)
    request = large.request
    assert (request.width_px, request.height_px) == (640, 384)
    assert (request.mode, request.inputs, request.strength) == (Mode.UPSCALE, (SHA,), 0.3)
    assert request.prompt == "a lake" and request.refine == 0.0
    assert isinstance(
        resolve_reroll(request, request.seed, SKETCH_FAMILY, lambda: 1), ResolvedRequest
    )
    again = resolve_upscale(request, SHA, SKETCH_FAMILY)
    assert isinstance(again, Refused)
    assert rejections.refusal(again, words(), str).endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        {"refine": 0.9},
        {"mode": Mode.UPSCALE, "inputs": (SHA,), "strength": 1.0},
        {"effective_prompt": "x" * 10_000},
        {"steps": 51},
        {"width_px": 512, "height_px": 128},
    ],
    ids=str,
)
def test_a_replay_keeps_to_the_bounds_of_a_wish(changes: dict[str, object]):
    """A recipe that anybody may have written asks for nothing that a wish could not."""
    original = resolved(GenerationParams("a lake")).request
    hostile = dataclasses.replace(original, **changes)
    outcome = resolve_reroll(hostile, hostile.seed, SKETCH_FAMILY, lambda: 1)
    assert isinstance(outcome, Refused)
    assert rejections.refusal(outcome, words(), str)

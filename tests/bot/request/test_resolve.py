"""Request parameters become a complete request, or are refused with a reason."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import words
from bot.request.notes import (
    HighGuidance,
    InertSyntax,
    NegativeAdded,
    NegativeGuidance,
    NegativeIgnored,
    SmallSide,
    StyleIgnored,
    SyntaxIgnored,
)
from bot.request.outcomes import (
    BadAspect,
    BadSize,
    EmptyPrompt,
    NegativeUnsupported,
    OutOfRange,
    PresetContradicted,
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
)
from bot.request.sizes import size_for
from bot.wording import rejections
from engine import prompts
from engine.diffusion.families import (
    SDXL_LCM,
    SDXL_LIGHTNING,
    SDXL_TURBO,
    SKETCH_FAMILY,
    Z_IMAGE,
    Z_IMAGE_TURBO,
    Family,
    Speed,
)
from engine.prompts import EnhancementLevel, Hint, PictureStyle
from engine.types import MAX_SEED, MAX_VARIATIONS, Mode, Variation
from tests.fakes import KNOWS_ALL

SHA = "a" * 64


def resolved(params: GenerationParams, family: Family = KNOWS_ALL) -> ResolvedRequest:
    """The request of a wish that is all right."""
    outcome = resolve(params, family, lambda: 42)
    assert isinstance(outcome, ResolvedRequest)
    return outcome


def test_an_untouched_wish_gets_the_familys_defaults():
    """The defaults are eight steps, no guidance, the native square, a new seed, and enhancement."""
    request = resolved(GenerationParams("a lake"), Z_IMAGE_TURBO).request
    assert (request.steps, request.guidance, request.seed) == (8, 1.0, 42)
    assert (request.width_px, request.height_px) == (1024, 1024)
    assert request.effective_prompt.startswith("a lake. ")
    assert request.negative_prompt == ""


def test_z_image_has_its_own_steps_and_guidance():
    """The undistilled model gets 36 steps and guidance 4, within bounds of its own."""
    request = resolved(GenerationParams("a lake"), Z_IMAGE).request
    assert (request.steps, request.guidance) == (36, 4.0)
    fine = resolved(GenerationParams("a lake", speed=Speed.FINE, strict=True), Z_IMAGE).request
    assert (fine.steps, fine.guidance) == (50, 5.0)
    params = GenerationParams("a lake", guidance=4.0)
    assert resolve(params, Z_IMAGE_TURBO, lambda: 42) == Refused(
        OutOfRange("guidance", 4.0, 1.0, 3.2)
    )
    above = dataclasses.replace(params, guidance=6.5)
    assert resolve(above, Z_IMAGE, lambda: 42) == Refused(OutOfRange("guidance", 6.5, 1.0, 6.0))


@pytest.mark.parametrize("family", [SDXL_TURBO, SDXL_LCM, SDXL_LIGHTNING], ids=lambda one: one.name)
def test_the_guidance_of_few_step_sdxl_follows_the_steps(family: Family):
    """4 steps get guidance 1.5 and 8 steps 1.8, where nobody asks for another."""
    usual = resolved(GenerationParams("a lake"), family).request
    fine = resolved(GenerationParams("a lake", speed=Speed.FINE), family).request
    chosen = resolved(GenerationParams("a lake", steps=8, guidance=1.2), family).request
    assert (usual.steps, usual.guidance) == (4, 1.5)
    assert (fine.steps, fine.guidance) == (8, 1.8)
    assert (chosen.steps, chosen.guidance) == (8, 1.2)


def test_a_negative_prompt_for_z_image_needs_nothing_raised():
    """Its guidance lets one act; only where it was switched off it is raised, and said."""
    usual = resolved(GenerationParams("a lake", negative="fog"), Z_IMAGE)
    assert (usual.request.guidance, usual.notes) == (4.0, ())
    off = resolved(GenerationParams("a lake", negative="fog", guidance=1.0), Z_IMAGE)
    assert (off.request.guidance, off.notes) == (3.0, (NegativeGuidance(3.0),))


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
    """Each mistake has its own reason and one sentence."""
    outcome = resolve(params, KNOWS_ALL, lambda: 42)
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, kind)
    sentence = rejections.refusal(outcome, words(), lambda moment: moment.isoformat())
    assert sentence and "\n" not in sentence and sentence[-1] == "."


@pytest.mark.parametrize("family", [SKETCH_FAMILY, Z_IMAGE_TURBO])
@pytest.mark.parametrize(
    ("given", "painted"),
    [
        ({}, 1.8),
        ({"guidance": 1.0}, 1.8),
        ({"guidance": 1}, 1.8),
        ({"guidance": 1.2}, 1.2),
        ({"guidance": 2.5}, 2.5),
        ({"strict": True}, 1.8),
    ],
)
def test_a_negative_prompt_gets_the_guidance_that_it_needs(
    family: Family, given: dict[str, Any], painted: float
):
    """Guidance that is off is raised for a negative prompt, and a note says so; guidance at which
    it acts stays as it was chosen."""
    made = resolved(GenerationParams("x", negative="fog", **given), family)
    assert made.request.guidance == painted
    assert family.pipeline_guidance(made.request.guidance) > 0
    assert (NegativeGuidance(1.8) in made.notes) == (painted == 1.8)
    assert NegativeIgnored() not in made.notes


@pytest.mark.parametrize("negative", [None, "", "  ", "\u200b", "\n"])
def test_an_empty_negative_prompt_raises_no_guidance(negative: str | None):
    """Where there is no negative prompt, guidance stays off."""
    made = resolved(GenerationParams("x", negative=negative))
    assert made.request.guidance == 1.0 and made.notes == ()


@pytest.mark.parametrize("guidance", [math.nan, math.inf, 0.5, 0.0, -1.0, 99.0])
def test_a_negative_prompt_hides_no_wrong_guidance(guidance: float):
    """A guidance out of bounds is refused with and without a negative prompt."""
    outcome = resolve(
        GenerationParams("x", negative="fog", guidance=guidance), SKETCH_FAMILY, lambda: 42
    )
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, OutOfRange)


@pytest.mark.parametrize("guidance", [None, 1.0, 1.8])
def test_a_family_without_negative_prompts_refuses_them(guidance: float | None):
    """What cannot act is refused before anything is charged, with a sentence; an empty one is no
    negative prompt."""
    family = dataclasses.replace(SKETCH_FAMILY, negative_guidance=None)
    params = GenerationParams("x", negative="fog", guidance=guidance)
    outcome = resolve(params, family, lambda: 42)
    assert isinstance(outcome, Refused) and outcome == Refused(NegativeUnsupported())
    sentence = rejections.refusal(outcome, words(), lambda moment: moment.isoformat())
    assert "negative prompt" in sentence
    assert isinstance(resolve(GenerationParams("x"), family, lambda: 42), ResolvedRequest)


def test_guidance_that_is_compared_stays():
    """In a comparison of guidances, guidance 1 stays, and a note says that it ignores the negative
    prompt; one that was not given is raised all the same."""
    params = GenerationParams("x", negative="fog", guidance=1.0)
    kept = resolve(params, KNOWS_ALL, lambda: 42, keep_guidance=True)
    assert isinstance(kept, ResolvedRequest) and kept.request.guidance == 1.0
    assert kept.notes == (NegativeIgnored(),)
    open_ = dataclasses.replace(params, guidance=None)
    raised = resolve(open_, SKETCH_FAMILY, lambda: 42, keep_guidance=True)
    assert isinstance(raised, ResolvedRequest) and raised.request.guidance == 1.8


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a (red:1.3) house", ("(red:1.3)",)),
        ("a ((red)) house", ("((red))",)),
        ("a [[red]] house", ("[[red]]",)),
        ("a house::2 in snow::-1", ("house::2", "snow::-1")),
        ("a house <lora:snow:0.8>", ("<lora:snow:0.8>",)),
        ("a house, steps: 30, cfg 7", ("steps: 30", "cfg 7")),
        ("a (red:1.3) house, (red:1.3) door <lora:x:1>", ("(red:1.3)", "<lora:x:1>")),
        ("a house (with a red door)", ()),
        ('a sign that says "(red:1.3)"', ()),
        ("a house on steps of stone", ()),
        ("a clock at 12:30", ()),
    ],
)
def test_syntax_of_other_programs_is_noted(prompt: str, found: tuple[str, ...]):
    """Weights, LoRA tags and settings in a prompt are named in one note, as /explain would."""
    notes = list(resolved(GenerationParams(prompt)).notes)
    assert notes == ([InertSyntax(found)] if found else [])
    advised = {Hint.WEIGHTS, Hint.LORA_TAGS, Hint.SETTINGS}
    analysis = prompts.analyse(prompt)
    explained = [word for each in analysis.advice if each.hint in advised for word in each.words]
    assert sorted(explained) == sorted(found)


def test_the_note_on_syntax_is_one_line():
    """The longest weights are cut, and of many words the first are named."""
    prompt = " ".join(f"({'very ' * 30}red{each}:1.3)" for each in range(9))
    (note,) = resolved(GenerationParams(prompt)).notes
    sentence = rejections.note_sentence(note, words())
    assert len(sentence) < 250 and "\n" not in sentence and sentence.endswith("….")


def test_no_code_of_discord_reaches_the_model():
    """Whatever door a prompt came through, codes in it and in the negative prompt are words."""
    made = resolved(
        GenerationParams(
            "<:red_house:123456789012345678> and <@\u200b123456789012345678>",
            negative="<a:fog_bank:123456789012345678>",
        )
    ).request
    assert made.prompt == "red house and somebody"
    assert made.effective_prompt.startswith("red house and somebody")
    assert made.negative_prompt == "fog bank"


@pytest.mark.parametrize(
    ("prompt", "idle"),
    [
        ("a __colour__ house, __animals/cat__", ("__colour__", "__animals/cat__")),
        ("a [red|blue|green] house", ("[red|blue|green]",)),
        ("a [day:night:0.5] sky", ("[day:night:0.5]",)),
        ("a {2$$red} house", ("2$$",)),
        ("hot:: dog", ("hot::",)),
        ("a [red] house, std::vector, snake_case__name, 16:9, US$$, [1, 2]", ()),
        ('a sign that says "[red|blue]"', ()),
    ],
)
def test_syntax_that_is_read_as_words_is_noted(prompt: str, idle: tuple[str, ...]):
    """What other programs obey and the model reads as words is named in a note."""
    notes = resolved(GenerationParams(prompt)).notes
    assert [each for each in notes if isinstance(each, SyntaxIgnored)] == (
        [SyntaxIgnored(idle)] if idle else []
    )


@pytest.mark.parametrize(
    ("prompt", "inert", "idle"),
    [
        ("a house::2 in fog::-.5", ("house::2", "fog::-.5"), ()),
        ("hot:: dog::2", ("dog::2",), ("hot::",)),
        ("猫::2，__颜色__", ("猫::2",), ("__颜色__",)),
        ("a [[red|blue]] house", ("[[red|blue]]",), ()),
        ("a [(red:1.3)|blue] house", (), ("[(red:1.3)|blue]",)),
        ("a [cfg:0.5] house, [a|b] <lora:x:1>", ("<lora:x:1>",), ("[cfg:0.5]", "[a|b]")),
        ("steps: 30, [steps: 30|x]", ("steps: 30",), ("[steps: 30|x]",)),
    ],
)
def test_no_words_are_in_two_notes(prompt: str, inert: tuple[str, ...], idle: tuple[str, ...]):
    """Where kinds of syntax overlap, only the longer words are named, and in one note."""
    notes = resolved(GenerationParams(prompt)).notes
    wanted = [
        *([InertSyntax(inert)] if inert else []),
        *([SyntaxIgnored(idle)] if idle else []),
    ]
    assert list(notes) == wanted


def test_high_guidance_is_noted():
    """Guidance above 2.5 is noted, as pictures look burnt."""
    (note,) = resolved(GenerationParams("x", guidance=3.0, enhance=EnhancementLevel.OFF)).notes
    assert isinstance(note, HighGuidance)


def test_the_default_negative_prompt_acts_only_with_guidance():
    """With guidance and enhancement, a missing negative prompt is replaced by the default one,
    which a note says; otherwise none is used."""
    ours = resolved(GenerationParams("x", guidance=1.5, enhance=EnhancementLevel.LIGHT))
    assert ours.notes == (NegativeAdded(ours.request.negative_prompt),)
    without = resolved(GenerationParams("x", enhance=EnhancementLevel.LIGHT))
    assert not without.request.negative_prompt
    assert not resolved(
        GenerationParams("x", guidance=1.5, enhance=EnhancementLevel.OFF)
    ).request.negative_prompt


@given(st.text(max_size=300), st.integers(), st.floats(), st.integers(), st.text(max_size=9))
def test_any_input_gives_a_request_within_bounds_or_a_refusal(
    prompt: str, seed: int, guidance: float, steps: int, aspect: str
):
    """For any input, nothing out of bounds reaches the renderer and nothing raises."""
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
    """A reroll uses the given seed, or a new one if none is given."""
    original = resolved(GenerationParams("a lake", guidance=1.5, steps=4)).request
    for seed, expected in ((None, 7), (9, 9)):
        again = resolve_reroll(original, seed, SKETCH_FAMILY, lambda: 7)
        assert isinstance(again, ResolvedRequest)
        assert again.request == dataclasses.replace(original, seed=expected)
        assert again.added == resolved(GenerationParams("a lake")).added


def test_times_are_written_by_the_front():
    """The sentence about a spent quota has the time as the interface formats it."""
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
    """A speed sets the steps; the same number beside it changes nothing, another is refused."""
    assert resolved(GenerationParams("x", speed=Speed(speed))).request.steps == steps
    both = GenerationParams("x", speed=Speed(speed), steps=steps)
    assert resolved(both).request.steps == steps
    refused = resolve(dataclasses.replace(both, steps=3), KNOWS_ALL, lambda: 42)
    assert refused == Refused(PresetContradicted("steps", 3, "speed", speed, steps))


@pytest.mark.parametrize(
    ("aspect", "said"),
    [("47:20", "2.35:1"), ("20:47", "1:2.35"), ("191:50", "3.82:1"), ("100:1", "100:1"),
     ("32:9", "32:9"), ("wide", "wide")],
)  # fmt: skip
def test_a_ratio_is_named_as_people_write_it(aspect: str, said: str):
    """A decimal ratio that cannot be painted is quoted as a decimal one."""
    refused = resolve(GenerationParams("x", aspect=aspect), KNOWS_ALL, lambda: 42)
    assert isinstance(refused, Refused) and isinstance(refused.reason, BadAspect)
    assert f"“{said}” is not an aspect ratio" in rejections.refusal(refused, words(), str)


def test_strict_is_a_guidance():
    """Strict is guidance 1.8, without a note; another guidance beside it is refused."""
    strict = resolved(GenerationParams("x", strict=True, enhance=EnhancementLevel.OFF))
    assert strict.request.guidance == 1.8 and strict.notes == ()
    assert resolved(GenerationParams("x", strict=True, guidance=1.8)).request.guidance == 1.8
    refused = resolve(GenerationParams("x", strict=True, guidance=2.0), KNOWS_ALL, lambda: 42)
    assert refused == Refused(PresetContradicted("guidance", 2.0, "strict", "strict", 1.8))


def test_turbo_breaks_earlier():
    """Turbo's pictures break above guidance 3.2, which is refused with that bound."""
    outcome = resolve(GenerationParams("x", guidance=3.3), Z_IMAGE_TURBO, lambda: 1)
    assert isinstance(outcome, Refused) and outcome.reason == OutOfRange("guidance", 3.3, 1.0, 3.2)


def test_large_pictures_are_advised_to_be_enlarged():
    """2048² in one piece is refused, with a smaller size of the same aspect ratio."""
    for size, advised in (((2048, 2048), (1024, 1024)), ((2048, 1536), (1184, 880))):
        outcome = resolve(GenerationParams("x", size=size), Z_IMAGE_TURBO, lambda: 1)
        assert isinstance(outcome, Refused)
        assert outcome.reason == SizeTooLarge(*size, *advised, upscaled=False)
        sentence = rejections.refusal(outcome, words(), str)
        assert f"{advised[0]}×{advised[1]}" in sentence and "upscale" in sentence


def test_short_sides_are_noted():
    """A side below the advised minimum of the family is accepted with a note."""
    assert resolved(GenerationParams("x", size=(256, 128))).notes == (SmallSide(128, 160),)
    assert resolved(GenerationParams("x", size=(1024, 496)), Z_IMAGE_TURBO).notes == (
        SmallSide(496, 512),
    )


def test_levels_of_enhancement():
    """Off adds nothing, light a word of quality, full what the prompt implies. The default is the
    family's own; smart asks the renderer for more, with full as the fallback."""
    dawn = "a mountain lake at dawn"

    def added(level: EnhancementLevel | None, family=Z_IMAGE_TURBO) -> str:
        return resolved(GenerationParams(dawn, enhance=level), family).added

    assert added(EnhancementLevel.OFF) == ""
    assert added(None) == added(EnhancementLevel.FULL) != added(EnhancementLevel.LIGHT)
    assert "golden" in added(EnhancementLevel.FULL)
    assert added(None, SKETCH_FAMILY) == "" != added(EnhancementLevel.LIGHT, SKETCH_FAMILY)
    smart = resolved(GenerationParams(dawn, enhance=EnhancementLevel.SMART), Z_IMAGE_TURBO)
    assert smart.request.expand and smart.added == added(EnhancementLevel.FULL)
    assert not resolved(GenerationParams(dawn)).request.expand


def test_a_style_is_read_as_if_it_had_been_named():
    """A chosen style has the same effect as in the prompt, is shown as added, and is stored in the
    request."""
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
    """If the prompt names another style, the chosen one is ignored, which a note says, in replays
    too."""
    clash = resolved(GenerationParams("an anime girl", style=PictureStyle.OIL), Z_IMAGE_TURBO)
    plain = resolved(GenerationParams("an anime girl"), Z_IMAGE_TURBO)
    assert clash.request.effective_prompt == plain.request.effective_prompt
    assert clash.notes == (StyleIgnored(PictureStyle.OIL, "anime"),)
    told = rejections.note_sentence(clash.notes[0], words())
    assert "“anime”" in told and "oil painting" in told
    again = resolve_reroll(clash.request, 7, Z_IMAGE_TURBO, lambda: 7)
    assert isinstance(again, ResolvedRequest) and again.notes == clash.notes


def test_a_model_is_told_only_of_styles_that_it_knows():
    """A style that a model was not trained on is ignored with a note; one that it knows is not."""
    sketch = resolved(GenerationParams("a red boat", style=PictureStyle.INK))
    assert (
        sketch.request.effective_prompt
        == resolved(GenerationParams("a red boat")).request.effective_prompt
    )
    assert sketch.notes == (StyleIgnored(PictureStyle.INK),)
    assert "not know the style ink" in rejections.note_sentence(sketch.notes[0], words())
    pixelled = dataclasses.replace(KNOWS_ALL, known_styles=frozenset({PictureStyle.PIXEL}))
    known = resolved(GenerationParams("a red boat", style=PictureStyle.PIXEL), pixelled)
    assert "pixel art" in known.request.effective_prompt and known.notes == ()


def test_enhancement_leaves_room_for_the_prompt():
    """Enhancement never makes a prompt too long."""
    count = len
    params = GenerationParams("a lake at dawn " + "x" * 480)
    outcome = resolve(params, Z_IMAGE_TURBO, lambda: 1, count)
    assert isinstance(outcome, ResolvedRequest)
    assert count(outcome.request.effective_prompt) <= Z_IMAGE_TURBO.max_tokens


def test_the_shape_of_the_input_is_kept():
    """Without a size or an aspect, the source image's aspect ratio is kept as far as the family
    allows; an explicit one takes precedence."""
    assert size_for(GenerationParams("x"), Z_IMAGE_TURBO, (4000, 3000)) == (1184, 880)
    assert size_for(GenerationParams("x", aspect="1:1"), Z_IMAGE_TURBO, (4000, 3000)) == (
        1024,
        1024,
    )
    wide = size_for(GenerationParams("x"), SKETCH_FAMILY, (10_000, 10))
    assert isinstance(wide, tuple) and 1.8 <= wide[0] / wide[1] <= 2.2


def test_a_start_is_in_the_request():
    """The request has the mode, the inputs and the mode's default strength."""
    request = resolved(GenerationParams("x", start=InitImages(Mode.INPAINT, (SHA, SHA)))).request
    assert (request.mode, request.inputs, request.strength) == (Mode.INPAINT, (SHA, SHA), 1.0)
    request = resolved(GenerationParams("x", start=InitImages(Mode.IMAGE, (SHA,), 0.4))).request
    assert (request.strength, request.forwards) == (0.4, 2)


def test_variations_build_on_each_other():
    """A variation of a variation turns its noise further; the seed and all else stay."""
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
    """A reroll keeps variations only with the same seed."""
    original = resolved(GenerationParams("a lake")).request
    varied = dataclasses.replace(original, variations=(Variation(1, 0.5),))
    for seed, kept in ((varied.seed, varied.variations), (9, ()), (None, ())):
        again = resolve_reroll(varied, seed, SKETCH_FAMILY, lambda: 7)
        assert isinstance(again, ResolvedRequest) and again.request.variations == kept


def test_enlarging_doubles_both_sides():
    """Upscaling starts from the picture with little noise; another one is refused as too large."""
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
    ids=lambda changes: " and ".join(changes),
)
def test_a_replay_keeps_to_the_bounds_of_a_wish(changes: dict[str, object]):
    """A forged recipe cannot exceed the bounds of request parameters."""
    original = resolved(GenerationParams("a lake")).request
    hostile = dataclasses.replace(original, **changes)
    outcome = resolve_reroll(hostile, hostile.seed, SKETCH_FAMILY, lambda: 1)
    assert isinstance(outcome, Refused)
    assert rejections.refusal(outcome, words(), str)

"""What is pasted within a prompt is taken as far as possible, and yields to what was given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import words
from bot.request.notes import PastedText
from bot.request.outcomes import FlagProblem, PictureAddress, Refused, ResolvedRequest
from bot.request.params import GenerationParams, InitImages
from bot.request.prompt.apply_flags import apply_flags, apply_flags_to_each, expand_prompts
from bot.request.prompt.flags import without_flags
from bot.request.prompt.pasted.settings import holds_negative
from bot.request.prompt.permutations import Permutations
from bot.request.resolve import resolve
from bot.request.sizes import nearest_size, size_problem
from bot.wording.rejections import note_sentence
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO
from engine.types import MAX_SEED, Mode

LINES = (
    "a red house\nNegative prompt: night, snow\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12345, Size: 512x768, Model: none"
)
ONE_LINE = " ".join(LINES.split())


def resolved(text: str, family: Any = Z_IMAGE_TURBO, **options: Any) -> ResolvedRequest:
    """Return what is painted for a prompt."""
    parsed = apply_flags(GenerationParams(text, **options), 1, False)
    assert not isinstance(parsed, Refused), parsed
    outcome = resolve(parsed.params, family, lambda: 77)
    assert isinstance(outcome, ResolvedRequest), outcome
    return outcome


def note_of(outcome: ResolvedRequest) -> PastedText:
    """Return the note on what was pasted."""
    (note,) = (each for each in outcome.notes if isinstance(each, PastedText))
    return note


@pytest.mark.parametrize(
    "text", [LINES, ONE_LINE, f"parameters\n\n{LINES}", f"parameters {ONE_LINE}"]
)
def test_what_is_possible_is_taken(text: str):
    """Prompt, negative prompt, seed and size are painted; the note names everything else."""
    outcome = resolved(text)
    request = outcome.request
    assert (request.prompt, request.negative_prompt) == ("a red house", "night, snow")
    assert (request.seed, request.width_px, request.height_px) == (12345, 512, 768)
    assert request.steps == Z_IMAGE_TURBO.default_steps
    note = note_of(outcome)
    assert note == PastedText(None, None, (), ("Steps", "Sampler", "CFG scale", "Model"))
    assert "Not taken: Steps, Sampler, CFG scale, Model." in note_sentence(note, words())


@pytest.mark.parametrize(
    "text",
    [
        "雪中的红房子\n反向提示词：夜\n步数: 20, 采样器: Euler a, CFG: 7, 种子: 5, 尺寸: 512x768",
        "雪中的红房子 负面提示词：夜 采样步数：20，采样器：Euler a，种子：5，尺寸：512x768",
        "提示词：雪中的红房子 反向提示词：夜 步数：20，种子：5，尺寸：512x768",
        "正面提示詞：雪中的红房子\n負面提示詞：夜\n步數: 20, 採樣器: x, 種子: 5, 尺寸: 512x768",
        "雪中的红房子\nNegative prompt: 夜\nSteps：20，Sampler：Euler a，Seed：5，Size：512x768",
    ],
)
def test_chinese_names_of_settings_are_read(text: str):
    """Chinese pages name the same settings in Chinese, with full-width signs."""
    request = resolved(text).request
    assert (request.prompt, request.negative_prompt) == ("雪中的红房子", "夜")
    assert (request.seed, request.width_px, request.height_px) == (5, 512, 768)


@pytest.mark.parametrize(
    "text", ["步数是20的梯子，种子和尺寸", "海报，写着“步数: 20, 种子: 5”", "种子: 5, 尺寸: 大"]
)
def test_a_chinese_prompt_with_such_words_stays(text: str):
    """Fewer names, or other values, make no list."""
    assert resolved(text).request.prompt == text


@pytest.mark.parametrize(
    ("given", "found", "overruled"),
    [
        ({"seed": 5}, {"seed": 5, "negative_prompt": "night, snow"}, ("seed",)),
        ({"negative": "fog"}, {"seed": 12345, "negative_prompt": "fog"}, ("negative",)),
        ({"aspect": "1:1"}, {"width_px": 1024, "height_px": 1024}, ("size",)),
        ({"size": (512, 512)}, {"width_px": 512, "height_px": 512}, ("size",)),
        ({"size": (512, 768)}, {"width_px": 512, "height_px": 768}, ("size",)),
    ],
)
def test_options_win(given: dict[str, Any], found: dict[str, Any], overruled: tuple[str, ...]):
    """An option wins over the pasted text, whose other parts stay; the note says so."""
    outcome = resolved(ONE_LINE, **given)
    assert {name: getattr(outcome.request, name) for name in found} == found
    assert note_of(outcome).overruled == overruled
    assert "Your own were used for" in note_sentence(note_of(outcome), words())


def test_flags_win():
    """Flags that were typed behind the text win like options."""
    outcome = resolved(f"{ONE_LINE} --ar 16:9 --seed 9 --no fog")
    request = outcome.request
    assert (request.prompt, request.negative_prompt, request.seed) == ("a red house", "fog", 9)
    assert request.width_px > request.height_px
    assert note_of(outcome).overruled == ("negative", "seed", "size")


@pytest.mark.parametrize(
    ("size", "family", "painted"),
    [
        ("512x768", Z_IMAGE_TURBO, (512, 768)),
        ("1000x1000", Z_IMAGE_TURBO, (1008, 1008)),
        ("513x777", Z_IMAGE_TURBO, (512, 784)),
        ("4096x2048", Z_IMAGE_TURBO, (1456, 720)),
        ("8000x100", Z_IMAGE_TURBO, (1360, 592)),
        ("512x768", SKETCH_FAMILY, (208, 320)),
        ("256x256", SKETCH_FAMILY, (256, 256)),
        ("1x1", SKETCH_FAMILY, (256, 256)),
    ],
)
def test_an_impossible_size_becomes_the_nearest(size: str, family: Any, painted: tuple[int, int]):
    """A size beyond the bounds or off the grid becomes the nearest one of its shape, which is
    said."""
    outcome = resolved(f"a Steps: 20, Seed: 5, Size: {size}", family)
    assert (outcome.request.width_px, outcome.request.height_px) == painted
    note = note_of(outcome)
    if size == f"{painted[0]}x{painted[1]}":
        assert note.size_px is None
    else:
        assert note.size_px == painted
        assert f"became {painted[0]}×{painted[1]}" in note_sentence(note, words())


@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_every_size_has_a_nearest(width: int, height: int):
    """Whatever size another program wrote, there is one that can be painted."""
    for family in (Z_IMAGE_TURBO, SKETCH_FAMILY):
        assert size_problem(*nearest_size((width, height), family), family) is None


@pytest.mark.parametrize(
    ("seed", "painted", "named"),
    [("0", 0, False), (str(MAX_SEED), MAX_SEED, False), (str(MAX_SEED + 1), 77, True),
     ("18446744073709551615", 77, True), ("-1", 77, False), ("-5", 77, True)],
)  # fmt: skip
def test_a_seed_beyond_the_bounds_is_named(seed: str, painted: int, named: bool):
    """A seed that does not exist here is drawn anew and named; -1 asks for any."""
    outcome = resolved(f"a Steps: 20, Sampler: x, Seed: {seed}")
    assert outcome.request.seed == painted
    assert ("Seed" in note_of(outcome).ignored) is named


def test_a_source_image_keeps_its_shape():
    """Where a picture is painted from another one, that one decides the size, which is said."""
    start = InitImages(Mode.IMAGE, ("0" * 64,))
    outcome = resolved(ONE_LINE, start=start, size=(1024, 512))
    assert (outcome.request.width_px, outcome.request.height_px) == (1024, 512)
    assert note_of(outcome).size_px is None


def test_braces_are_expanded_within_the_prompt_alone():
    """Each permutation has the pasted settings, and its text is the prompt alone."""
    text = ONE_LINE.replace("red", "{red, blue}").replace(
        "Model: none", 'Hashes: {"a": "b", "c": 1}'
    )
    parsed = apply_flags_to_each(GenerationParams(text), 1, False)
    assert not isinstance(parsed, Refused)
    assert [each.params.prompt for each in parsed] == ["a red house", "a blue house"]
    assert {each.params.seed for each in parsed} == {12345}
    assert expand_prompts(text) == Permutations(("a red house", "a blue house"), 2)


@pytest.mark.parametrize("text", [LINES, ONE_LINE])
@pytest.mark.parametrize("command", ["/imagine prompt:", "/imagine prompt: /imagine prompt: "])
def test_a_command_in_front_is_dropped(command: str, text: str):
    """A pasted text behind "/imagine prompt:" is read as if it stood alone."""
    outcome = resolved(f"{command}{text}")
    assert outcome == resolved(text) and outcome.request.prompt == "a red house"
    assert holds_negative(f"{command}{text}")


@pytest.mark.parametrize("text", [LINES, ONE_LINE])
def test_an_address_in_front_is_refused(text: str):
    """The address of a picture is named, and the text is read once it is taken out."""
    address = "https://example.com/cat.png"
    refused = apply_flags(GenerationParams(f"/imagine prompt: {address} {text}"), 1, False)
    assert refused == Refused(FlagProblem((), (PictureAddress(address),)))
    assert isinstance(refused, Refused) and isinstance(refused.reason, FlagProblem)
    assert resolved(without_flags(f"{address} {text}", refused.reason)) == resolved(text)


@pytest.mark.parametrize("text", [LINES, ONE_LINE])
@pytest.mark.parametrize("form", ["{} --foo 3 --ar 16:9", "--foo 3 {} --ar 16:9"])
def test_without_its_wrong_flags_it_is_still_read(text: str, form: str):
    """Wrong flags are named, and without them the rest of the text and its good flags count."""
    whole = form.format(text)
    refused = apply_flags(GenerationParams(whole), 1, False)
    assert isinstance(refused, Refused) and isinstance(refused.reason, FlagProblem)
    assert [each.flag for each in refused.reason.errors] == ["--foo"]
    assert resolved(without_flags(whole, refused.reason)) == resolved(f"{text} --ar 16:9")


@pytest.mark.parametrize("dashes", ["--ar 16:9", "—ar 16:9", "-- ar 16:9", "-ar 16:9"])
def test_flags_behind_it_are_read_however_their_dashes_came_out(dashes: str):
    """A flag whose dashes a phone has changed ends the text like any other."""
    assert resolved(f"{ONE_LINE} {dashes}") == resolved(f"{ONE_LINE} --ar 16:9")


def test_a_note_is_short_and_plain():
    """The note names a dozen settings, without Markdown and without long numbers."""
    many = ", ".join(f"Set_{number}_12345678901234567: x" for number in range(40))
    sentence = note_sentence(note_of(resolved(f"a {ONE_LINE}, {many}")), words())
    assert len(sentence) < 700 and "_" not in sentence and "123456" not in sentence


@pytest.mark.parametrize(
    "text",
    [
        "Prompt: a red house Negative prompt: night, snow",
        "Prompt: a red house\nNegative: night, snow",
        "**Prompt:** a red house **Negative prompt:** night, snow",
        "positive: a red house, negative: night, snow",
        "Positive prompt: a red house. Negative prompt: night, snow",
        "/imagine prompt: a red house negative_prompt: night, snow",
        "提示词：a red house 负面提示词：night, snow",
        "正向提示词：a red house，反向提示词：night, snow",
    ],
)
def test_both_prompts_with_their_labels(text: str):
    """Where prompt and negative prompt have labels, each is taken for what it is."""
    request = resolved(text).request
    assert request.prompt.rstrip(".") == "a red house"
    assert request.negative_prompt == "night, snow"


@pytest.mark.parametrize(
    "text",
    [
        "a staircase with steps: 20, wide angle",
        "the words negative prompt: none on a wall",
        "a film negative: a cat",
    ],
)
def test_prose_is_painted_as_it_is(text: str):
    """A prompt that merely contains the words is painted as it was typed, without a note."""
    outcome = resolved(text)
    assert outcome.request.prompt == text and outcome.request.negative_prompt == ""
    assert not any(isinstance(each, PastedText) for each in outcome.notes)

"""The line to copy under a picture: /imagine accepts it, whatever the picture was made from."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.request.outcomes import Refused, ResolvedRequest
from bot.request.params import MAX_LINE_CHARS, GenerationParams
from bot.request.prompt.apply_flags import apply_flags
from bot.request.prompt.prompt_line import prompt_line
from bot.request.resolve import resolve
from engine.diffusion.families import MAX_GUIDANCE, MAX_STEPS, SKETCH_FAMILY, Z_IMAGE_TURBO, Family
from engine.prompts import MAX_PROMPT_CHARS, PictureStyle, clean
from engine.types import MAX_SEED, ImageRequest, Mode, Variation
from tests.bot.request.strange_texts import TEXTS

FAMILIES = [SKETCH_FAMILY, Z_IMAGE_TURBO]
INPUTS = {Mode.TEXT: 0, Mode.IMAGE: 1, Mode.INPAINT: 2, Mode.BLEND: 3, Mode.UPSCALE: 1}
PLAIN = ImageRequest("a lake", "a lake", "", 5, 256, 256, 8, 1.0)
WORDS = TEXTS.map(clean).map(lambda text: text[:MAX_PROMPT_CHARS].strip()).filter(bool)


def of_mode(mode: Mode) -> ImageRequest:
    """Return a request of this mode, of twice the size if it was enlarged."""
    side_px = 512 if mode is Mode.UPSCALE else 256
    inputs = tuple(f"{n}" * 64 for n in range(INPUTS[mode]))
    strength = 1.0 if mode is Mode.TEXT else 0.3
    return dataclasses.replace(
        PLAIN, mode=mode, inputs=inputs, strength=strength, width_px=side_px, height_px=side_px
    )


REQUESTS = st.builds(
    dataclasses.replace,
    st.sampled_from(Mode).map(of_mode),
    prompt=WORDS,
    negative_prompt=st.just("") | WORDS,
    seed=st.integers(0, MAX_SEED),
    width_px=st.integers(1, 4096),
    height_px=st.integers(1, 4096),
    steps=st.integers(1, MAX_STEPS),
    guidance=st.floats(1, MAX_GUIDANCE),
    variety=st.floats(0, 1),
    refine=st.floats(0, 1),
    expand=st.booleans(),
    style=st.none() | st.sampled_from(PictureStyle),
    variations=st.lists(st.builds(Variation, st.integers(0, 9), st.just(0.6)), max_size=3).map(
        tuple
    ),
)


def accepted(line: str, family: Family) -> ImageRequest:
    """Return what /imagine makes of a line; it fails if it refuses it."""
    assert len(line) <= MAX_LINE_CHARS
    parsed = apply_flags(GenerationParams(line), 1, False)
    assert not isinstance(parsed, Refused), (line, parsed)
    resolved = resolve(parsed.params, family, lambda: 42)
    assert isinstance(resolved, ResolvedRequest), (line, resolved)
    assert parsed.count == 1 and not parsed.private
    return resolved.request


@pytest.mark.parametrize("negative", ["", "fog", "a `cat`", 'a "cat"', "**", "- @Bob (fast)"])
@pytest.mark.parametrize(
    "prompt",
    [
        "> a cat",
        ">",
        "/imagine a cat",
        "/imagine prompt: a cat seed:5",
        "Prompt: a cat",
        "Prompt: a cat Negative prompt: a dog",
        "```a cat```",
        "`a cat",
        "**a cat",
        '"a cat --ar 16:9"',
        "a cat --16:9",
        "https://example.com/a.png a cat",
        "**a cat** - Bob (fast)",
        "a cat - Upscaled by @Bob (fast)",
        "/imagine a cat - @Bob (fast)",
        "**a cat** - night",
    ],
)
def test_a_prompt_that_looks_like_a_paste_stays_whole(prompt: str, negative: str):
    """What an earlier version painted with such marks is painted with them again."""
    request = dataclasses.replace(PLAIN, prompt=prompt, negative_prompt=negative, guidance=2.0)
    again = accepted(prompt_line(request, Z_IMAGE_TURBO).text, Z_IMAGE_TURBO)
    assert (again.prompt, again.seed, again.steps) == (prompt, 5, 8)
    if negative:
        assert again.negative_prompt == negative


@given(REQUESTS, st.sampled_from(FAMILIES))
def test_every_line_is_accepted(request_: ImageRequest, family: Family):
    """Whatever was painted, by whatever model, with whatever settings: /imagine takes the line, and
    the prompt and the seed are those of the picture."""
    again = accepted(prompt_line(request_, family).text, family)
    assert (again.prompt, again.seed) == (request_.prompt, request_.seed)
    assert again.mode is Mode.TEXT


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("mode", Mode)
def test_the_line_of_every_kind_of_result(mode: Mode, family: Family):
    """Of each kind of result the line paints what words alone can: without its source images and
    variations, and of an enlarged one with the size before."""
    request = dataclasses.replace(of_mode(mode), variations=(Variation(7, 0.6),))
    line = prompt_line(request, family)
    again = accepted(line.text, family)
    assert again == dataclasses.replace(PLAIN, seed=5) and not line.adjusted
    assert "--strength" not in line.text


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"width_px": 1024, "height_px": 1024}, (256, 256)),
        ({"width_px": 1344, "height_px": 768}, (336, 192)),
        ({"width_px": 768, "height_px": 1344}, (192, 336)),
        ({"width_px": 2016, "height_px": 864}, (368, 176)),
        ({"width_px": 100, "height_px": 100}, (256, 256)),
        ({"width_px": 1, "height_px": 4096}, (176, 368)),
        ({"mode": Mode.UPSCALE, "width_px": 2048, "height_px": 2048}, (256, 256)),
    ],
)
def test_a_size_of_another_model_keeps_its_shape(changes: dict[str, int], size: tuple[int, int]):
    """A size that this model cannot paint becomes the nearest shape that it can, and that is
    said."""
    request = dataclasses.replace(PLAIN, **changes)  # pyright: ignore[reportArgumentType]
    line = prompt_line(request, SKETCH_FAMILY)
    again = accepted(line.text, SKETCH_FAMILY)
    assert (again.width_px, again.height_px) == size and line.adjusted


def test_a_negative_prompt_without_effect_is_left_out():
    """Where guidance is off, a negative prompt did nothing, and the line does not ask for it."""
    request = dataclasses.replace(PLAIN, negative_prompt="fog")
    without = prompt_line(request, SKETCH_FAMILY)
    assert "--no" not in without.text and not without.adjusted
    assert "--no fog" in prompt_line(dataclasses.replace(request, guidance=2.0), SKETCH_FAMILY).text


@pytest.mark.parametrize("negative", ["", "{" * MAX_PROMPT_CHARS])
def test_the_longest_prompt_fits_into_the_option(negative: str):
    """The line of the longest prompt, in which everything must be escaped, can be pasted."""
    request = dataclasses.replace(
        PLAIN, prompt="{" * MAX_PROMPT_CHARS, negative_prompt=negative, guidance=2.0
    )
    again = accepted(prompt_line(request, SKETCH_FAMILY).text, SKETCH_FAMILY)
    assert again.prompt == request.prompt

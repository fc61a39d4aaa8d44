"""A foreign recipe becomes a line that is accepted here and paints what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pictures.foreign.recipe import ForeignRecipe
from bot.request.notes import PastedText
from bot.request.outcomes import Refused, ResolvedRequest
from bot.request.params import MAX_TYPED_CHARS, GenerationParams
from bot.request.prompt.apply_flags import apply_flags
from bot.request.resolve import resolve
from bot.request.sizes import nearest_size
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO
from engine.prompts import MAX_PROMPT_CHARS, clean
from engine.types import MAX_SEED

TEXTS = st.text(max_size=60).map(clean) | st.sampled_from(
    ["a cat --ar 16:9", "{a, b} cat", 'a sign "--no"', "a Steps: 20, Seed: 5, Size: 3x3",
     "Negative prompt: fog", "(a:1.3), <lora:x:1>, [b|c]", "—ar 16:9", "\\{", "C:\\new"]
)  # fmt: skip


@given(
    prompt=TEXTS.filter(bool),
    negative=TEXTS,
    seed=st.none() | st.integers(-1, 2**64),
    size=st.none() | st.tuples(st.integers(1, 99_999), st.integers(1, 99_999)),
)
def test_the_line_is_accepted(
    prompt: str, negative: str, seed: int | None, size: tuple[int, int] | None
):
    """Whatever a file says, the line is one picture with exactly that prompt and negative prompt,
    its seed if that exists here, and the nearest size."""
    recipe = ForeignRecipe("x", prompt, negative, seed, size)
    for family in (Z_IMAGE_TURBO, SKETCH_FAMILY):
        line = recipe.line(family)
        parsed = apply_flags(GenerationParams(clean(line)), 1, False)
        assert not isinstance(parsed, Refused), (line, parsed)
        assert parsed.params.prompt == prompt
        assert (parsed.params.negative or "").strip(",;，；、 ") == negative.strip(",;，；、 ")
        assert parsed.params.seed == (seed if seed is not None and 0 <= seed <= MAX_SEED else None)
        outcome = resolve(parsed.params, family, lambda: 7)
        assert isinstance(outcome, ResolvedRequest)
        if size is not None:
            painted = (outcome.request.width_px, outcome.request.height_px)
            assert painted == nearest_size(size, family)


@pytest.mark.parametrize(
    ("prompt", "negative", "has_line", "has_negative"),
    [
        (10, 10, True, True),
        (1500, 1500, True, True),
        (MAX_PROMPT_CHARS, MAX_PROMPT_CHARS, True, False),
        (10, MAX_PROMPT_CHARS + 1, True, False),
        (MAX_PROMPT_CHARS + 1, 0, False, False),
    ],
)
def test_a_long_line_loses_its_negative_prompt_first(
    prompt: int, negative: int, has_line: bool, has_negative: bool
):
    """The line fits Discord's option and is accepted; what does not fit at all has no line."""
    line = ForeignRecipe("x", "a" * prompt, "b" * negative).line(Z_IMAGE_TURBO)
    assert bool(line) is has_line and ("--no" in line) is has_negative
    assert len(line) <= MAX_TYPED_CHARS


def test_painting_it_says_where_it_is_from():
    """Its parameters carry a note with the program and with what is not taken."""
    recipe = ForeignRecipe("ComfyUI", "a cat", "fog", 2**40, (513, 777), ("steps", "cfg"))
    outcome = resolve(recipe.params(), Z_IMAGE_TURBO, lambda: 7)
    assert isinstance(outcome, ResolvedRequest)
    assert (outcome.request.seed, outcome.request.negative_prompt) == (7, "fog")
    assert outcome.notes[0] == PastedText(
        (513, 777), (512, 784), (), ("steps", "cfg", "seed"), "ComfyUI"
    )

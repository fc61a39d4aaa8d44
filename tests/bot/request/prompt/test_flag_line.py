"""The line of flags that reproduces a picture."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.request.outcomes import ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.prompt.flag_line import flag_line
from bot.request.prompt.flags import ParsedPrompt, expand, parse
from bot.request.resolve import resolve
from bot.request.values.flag_values import SOFT
from engine.diffusion.families import MAX_GUIDANCE, MAX_STEPS, SKETCH_FAMILY, Z_IMAGE_TURBO
from engine.prompts import EnhancementLevel, PictureStyle, clean
from engine.types import MAX_SEED, ImageRequest, Mode
from tests.bot.request.strange_texts import TEXTS

WORDS = TEXTS.map(clean)
REQUESTS = st.builds(
    ImageRequest,
    prompt=WORDS,
    effective_prompt=WORDS,
    negative_prompt=WORDS,
    seed=st.integers(0, MAX_SEED),
    width_px=st.integers(1, 4096),
    height_px=st.integers(1, 4096),
    steps=st.integers(1, MAX_STEPS),
    guidance=st.floats(1, MAX_GUIDANCE),
    variety=st.floats(0, 1),
    refine=st.floats(0, 0.35),
    expand=st.booleans(),
    style=st.none() | st.sampled_from(PictureStyle),
)


@given(REQUESTS)
def test_a_line_says_what_the_request_says(request_: ImageRequest):
    """Parsing the line of a text-to-image picture gives back every setting exactly."""
    flagged = parse(flag_line(request_))
    assert isinstance(flagged, ParsedPrompt), flagged
    assert expand(flag_line(request_)) == (flagged,)
    assert flagged.prompt == request_.prompt
    assert flagged.given.get("size") == (request_.width_px, request_.height_px)
    assert (flagged.given.get("seed"), flagged.given.get("steps")) == (
        request_.seed,
        request_.steps,
    )
    assert flagged.given.get("guidance") == request_.guidance
    assert (flagged.given.get("variety") or 0.0) == request_.variety
    assert (flagged.given.get("refine") or 0.0) == request_.refine
    assert flagged.given.get("style") == request_.style
    if request_.guidance > 1 and request_.negative_prompt.strip(f"{SOFT} "):
        assert flagged.given.get("negative") == request_.negative_prompt


@given(
    WORDS.filter(bool)
    | st.sampled_from(["a red fox in the snow", "山中小屋，黄昏", "a logo: “HI”"]),
    st.sampled_from(list(EnhancementLevel)),
    st.sampled_from([1.0, 1.8]),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([SKETCH_FAMILY, Z_IMAGE_TURBO]),
    st.none() | st.sampled_from(PictureStyle),
)
def test_a_line_asks_for_the_same_picture(prompt, level, guidance, variety, family, style):
    """Resolving the line gives the original request again, enhancement included."""
    params = GenerationParams(
        prompt, guidance=guidance, enhance=level, variety=variety, style=style
    )
    first = resolve(params, family, lambda: 42)
    assert isinstance(first, ResolvedRequest)
    flagged = parse(flag_line(first.request))
    assert isinstance(flagged, ParsedPrompt)
    again = GenerationParams(
        flagged.prompt,
        size=flagged.given.get("size"),
        seed=flagged.given.get("seed"),
        steps=flagged.given.get("steps"),
        guidance=flagged.given.get("guidance"),
        negative=flagged.given.get("negative"),
        enhance=flagged.given.get("enhance"),
        variety=flagged.given.get("variety") or 0.0,
        style=flagged.given.get("style"),
    )
    second = resolve(again, family, lambda: 7)
    assert isinstance(second, ResolvedRequest)
    assert second.request == first.request


def test_a_line_reads_as_somebody_would_type_it():
    """The prompt comes first, then the flags; special characters are escaped."""
    request = ImageRequest("a {red} cat --v 6", "x", "fog", 5, 1024, 768, 8, 1.5)
    assert flag_line(request) == (
        r"a \{red\} cat \--v 6 --size 1024x768 --seed 5 --steps 8 --guidance 1.5 --no fog"
    )


def test_a_line_leaves_out_a_negative_prompt_that_did_nothing():
    """Earlier versions painted negative prompts without guidance; the line paints that picture
    again, and raises no guidance."""
    request = ImageRequest("a cat", "a cat", "fog", 5, 1024, 768, 8, 1.0)
    assert flag_line(request) == (
        "a cat --size 1024x768 --seed 5 --steps 8 --guidance 1 --enhance off"
    )


def test_a_line_for_a_picture_from_a_picture_says_how_strongly():
    """The line has the strength, but cannot name the source image."""
    request = ImageRequest(
        "a cat", "a cat", "", 5, 64, 64, 8, 1.0, Mode.IMAGE, ("a" * 64,), strength=0.6
    )
    assert flag_line(request) == (
        "a cat --size 64x64 --seed 5 --steps 8 --guidance 1 --strength 0.6 --enhance off"
    )

"""Settings that a request takes from a preset or from defaults where it leaves them open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.request.outcomes import FlagProblem, Refused, ResolvedRequest
from bot.request.params import GenerationParams, InitImages
from bot.request.presets import PresetSettings, filled, read_settings, settings_line
from bot.request.prompt.apply_flags import ParsedRequest, apply_flags
from bot.request.reasons.presets import BracesInPreset, EmptyPreset, NotInPreset, PresetTooLong
from bot.request.resolve import resolve
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.types import Mode
from tests.fakes import KNOWS_ALL


def settings(line: str) -> PresetSettings:
    read = read_settings(line)
    assert isinstance(read, PresetSettings), read
    return read


def request(prompt: str, count: int | None = None, **fields: object) -> ParsedRequest:
    parsed = apply_flags(GenerationParams(prompt, **fields), count, private=False)  # type: ignore[arg-type]
    assert isinstance(parsed, ParsedRequest), parsed
    return parsed


def test_only_what_a_request_leaves_open_is_filled_in() -> None:
    """Options and flags win; words are added at the end; what was taken is named."""
    ours = settings("soft light --ar 16:9 --style ink --repeat 3 --no text --seed 5")
    done, names = filled(request("a fox --style anime", aspect="1:1"), ours)
    assert done.params.prompt == "a fox, soft light"
    assert (done.params.style, done.params.aspect) == (PictureStyle.ANIME, "1:1")
    assert (done.params.negative, done.params.seed, done.count) == ("text", 5, 3)
    assert names == {"negative", "seed", "count"}
    for count, flag in ((2, ""), (1, ""), (None, " --repeat 2"), (None, " --repeat 1")):
        asked = request(f"a fox{flag}", count)
        assert filled(asked, ours)[0].count == (count or int(flag[-1]))


@pytest.mark.parametrize(
    ("typed", "line", "field"),
    [
        ("--size 512x768", "--ar 16:9", "aspect"),
        ("--ar 16:9", "--size 512x768", "size"),
        ("--steps 4", "--draft", "speed"),
        ("--draft", "--steps 9", "steps"),
        ("--cfg 2", "--strict", "strict"),
        ("--strict", "--cfg 2", "guidance"),
    ],
)
def test_what_decides_the_same_thing_is_not_taken(typed: str, line: str, field: str) -> None:
    """Two options for one thing would contradict each other."""
    asked = request(f"a fox {typed}")
    done, names = filled(asked, settings(line))
    assert done.params == asked.params and not names
    assert getattr(done.params, field) in (None, False)


def test_source_images_keep_their_shape() -> None:
    """A shape from a preset would cut them; the rest is taken."""
    asked = request("a fox", start=InitImages(Mode.IMAGE, ()))
    for line in ("--ar 16:9 --speed fine", "--size 512x768 --speed fine"):
        done, names = filled(asked, settings(line))
        assert (done.params.aspect, done.params.size) == (None, None) and names == {"speed"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", EmptyPreset()),
        ("  ", EmptyPreset()),
        ("{red, blue} light", BracesInPreset()),
        ("--region left --private --ar 1:1", NotInPreset(("--private", "--region"))),
        ("--preset other", NotInPreset(("--preset",))),
        ("x" * 1001, PresetTooLong(1001, 1000)),
    ],
)
def test_what_cannot_be_kept_is_refused(line: str, reason: object) -> None:
    """Each with its own reason; wrong flags are named as in a prompt."""
    assert read_settings(line) == Refused(reason)  # type: ignore[arg-type]


def test_wrong_flags_are_named() -> None:
    """As /imagine would name them."""
    outcome = read_settings("--ar 99 --stylee ink --seed -4")
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, FlagProblem)
    assert len(outcome.reason.errors) == 3


@given(
    words=st.text('ab ,c--{}"“柔光，', max_size=12),
    given=st.fixed_dictionaries(
        {},
        optional={
            "aspect": st.sampled_from(["16:9", "1:1"]),
            "speed": st.sampled_from(list(Speed)),
            "style": st.sampled_from(list(PictureStyle)),
            "enhance": st.sampled_from(list(EnhancementLevel)),
            "variety": st.sampled_from([0.25, 1.0]),
            "refine": st.sampled_from([0.125, 0.3]),
            "strict": st.just(True),
            "negative": st.sampled_from(["text", "people, cars", "文字"]),
            "count": st.integers(1, 4),
            "seed": st.integers(0, 2**32 - 1),
            "model": st.sampled_from(["turbo", "z-image"]),
        },
    ),
)
def test_settings_are_read_as_they_were_written(words: str, given: dict[str, object]) -> None:
    """Whatever is kept comes back: the line is what is stored."""
    first = read_settings(settings_line(PresetSettings(words, given)))
    if isinstance(first, Refused):
        assert first.reason == EmptyPreset() and not words.strip(" ,，") and not given
        return
    assert first.given == given
    assert read_settings(settings_line(first)) == first


def test_a_preset_that_nobody_filled_in_is_not_ignored() -> None:
    """Where there are no presets, as on the command line, the flag is refused."""
    outcome = resolve(request("a fox --preset ink").params, KNOWS_ALL, lambda: 1)
    assert isinstance(outcome, Refused)


def test_a_random_style_is_the_seeds_choice() -> None:
    """The same seed has the same style, which the request names; a style beside it contradicts."""
    family = replace(KNOWS_ALL, known_styles=None)
    styles = set()
    for seed in range(2 * len(PictureStyle)):
        asked = request(f"a fox --style random --seed {seed}")
        resolved = resolve(asked.params, family, lambda: 1)
        assert isinstance(resolved, ResolvedRequest) and resolved.request.style is not None
        styles.add(resolved.request.style)
    assert styles == set(PictureStyle)
    resolved = resolve(request("a fox --style 随机").params, KNOWS_ALL, lambda: 1)
    assert isinstance(resolved, ResolvedRequest) and resolved.request.style is None
    for both in ("--style random --style ink", "--style ink --style random"):
        assert isinstance(apply_flags(GenerationParams(f"a fox {both}"), 1, False), Refused)
    assert settings_line(settings("--style random")) == "--style random"

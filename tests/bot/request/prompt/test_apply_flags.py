"""Flags in a prompt are applied, or refused with a sentence that quotes them; never ignored."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import words
from bot.request.outcomes import FlagProblem, ManyPermutations, Refused, ResolvedRequest
from bot.request.params import GenerationParams, InitImages
from bot.request.prompt.apply_flags import ParsedRequest, apply_flags
from bot.request.prompt.flags import without_flags
from bot.request.resolve import resolve
from bot.request.resolver import RequestResolver
from bot.request.values.regions import Region
from bot.wording import rejections
from engine.diffusion.families import Z_IMAGE_TURBO, Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.types import Mode


def parsed(text: str, count: int = 1, private: bool = False, **options: object) -> ParsedRequest:
    """Apply the flags of a valid prompt."""
    outcome = apply_flags(GenerationParams(text, **options), count, private)  # pyright: ignore[reportArgumentType]
    assert isinstance(outcome, ParsedRequest), outcome
    return outcome


def refusal(text: str, count: int = 1, **options: object) -> str:
    """Return the sentence that refuses an invalid prompt."""
    outcome = apply_flags(GenerationParams(text, **options), count, False)  # pyright: ignore[reportArgumentType]
    assert isinstance(outcome, Refused)
    sentence = rejections.refusal(outcome, words(), str)
    assert sentence and "\n" not in sentence
    return sentence


def test_flags_become_the_wish():
    """Each flag sets its option and is removed from the prompt."""
    outcome = parsed("a house --ar 16:9 --seed 5 --no fog --q 2 --style raw —repeat 3 --private")
    assert outcome.params == GenerationParams(
        "a house",
        aspect="16:9",
        seed=5,
        negative="fog",
        speed=Speed.FINE,
        enhance=EnhancementLevel.OFF,
    )
    assert (outcome.count, outcome.private) == (3, True)


def test_without_flags_nothing_changes():
    """Parameters without flags stay unchanged."""
    params = GenerationParams("a house, red", aspect="1:1", seed=3, variety=0.2)
    assert apply_flags(params, 2, True) == ParsedRequest(params, 2, True)


def test_one_of_two_never_silently_wins():
    """An option and a flag with different values are refused; the same value twice is accepted."""
    assert parsed("a house --seed 5", seed=5).params.seed == 5
    assert "--seed" in refusal("a house --seed 5", seed=6)
    assert "--count" in refusal("a house --repeat 3", count=2)
    assert parsed("a house --repeat 3", count=3).count == 3


@pytest.mark.parametrize(
    ("text", "options", "quoted"),
    [
        ("a house --size 512x512", {"aspect": "2:1"}, ("--size 512x512", "aspect: 2:1")),
        ("a house --ar 2:1", {"size": (512, 512)}, ("--aspect 2:1", "size: 512x512")),
        ("a house --seed 5", {"seed": 6}, ("--seed 5", "seed: 6")),
        ("a house --style oil", {"style": PictureStyle.INK}, ("--style oil", "style: ink")),
        (
            "a house --style raw",
            {"enhance": EnhancementLevel.FULL},
            ("--enhance off", "enhance: full"),
        ),
        ("a house --cfg 1.5", {"guidance": 2.0}, ("--guidance 1.5", "guidance: 2")),
        ("a --region left", {"region": Region.TOP}, ("--region left", "region: top")),
    ],
)
def test_neither_wins_over_what_decides_the_same(
    text: str, options: dict[str, Any], quoted: tuple[str, ...]
):
    """An option and a flag that set the same thing are refused with both values."""
    sentence = refusal(text, **options)
    assert all(f"`{each}`" in sentence for each in quoted)
    assert "Please keep" in sentence or "please keep" in sentence


@pytest.mark.parametrize(
    ("text", "options", "same", "sentence"),
    [
        ("a --steps {} --speed fast", {}, "4", "that speed is 4 steps"),
        ("a --draft --steps {}", {}, "4", "`--speed fast`"),
        ("a --steps {}", {"speed": Speed.FINE}, "10", "`--speed fine`"),
        ("a --q 1", {"steps": "{}"}, "8", "that speed is 8 steps"),
        ("a --strict --cfg {}", {}, "1.8", "strict is guidance 1.8"),
        ("a --guidance {}", {"strict": True}, "1.8", "`--strict`"),
    ],
)
def test_a_name_for_a_number_agrees_with_it_or_not(
    text: str, options: dict[str, Any], same: str, sentence: str
):
    """Steps and the speed that is as many are taken together; others are named with both."""
    for number, agrees in ((same, True), ("3", False)):
        given_: dict[str, Any] = {
            name: int(number) if value == "{}" else value for name, value in options.items()
        }
        params = parsed(text.format(number), **given_).params
        outcome = resolve(params, Z_IMAGE_TURBO, lambda: 1)
        if agrees:
            assert isinstance(outcome, ResolvedRequest)
            assert str(outcome.request.steps) == same or outcome.request.guidance == float(same)
        else:
            assert isinstance(outcome, Refused)
            said = rejections.refusal(outcome, words(), str)
            assert sentence in said and said.endswith("Please keep one of them.")


def test_a_contradicting_name_is_blamed_on_the_flags():
    """The request can be corrected: without the flags that contradict, the rest is painted."""
    resolver = RequestResolver(Z_IMAGE_TURBO, lambda: 1, lambda _: None)
    text = "a house --steps 12 --speed fast --seed 5"
    refused = asyncio.run(resolver.parse(GenerationParams(text), 1, False))
    assert isinstance(refused, Refused) and isinstance(refused.reason, FlagProblem)
    assert without_flags(text, refused.reason) == "a house --seed 5"


@pytest.mark.parametrize(
    ("text", "options", "params"),
    [
        ("a --no fog", {"negative": "rain"}, {"negative": "rain, fog"}),
        ("a --ar 32:18", {"aspect": "16:9"}, {"aspect": "16:9"}),
        ("a --size 256x192", {"aspect": "4:3"}, {"size": (256, 192)}),
        ("a --ar 4:3", {"size": (256, 192)}, {"size": (256, 192)}),
        ("a --seed random", {}, {}),
        ("a --variety 0.3 --chaos 30", {"variety": 0.3}, {"variety": 0.3}),
    ],
)
def test_options_and_flags_that_agree_are_taken_together(
    text: str, options: dict[str, Any], params: dict[str, Any]
):
    """A typed option and a flag that mean the same are no contradiction, and --no adds words."""
    assert parsed(text, **options).params == GenerationParams("a", **params)


def test_everything_that_is_wrong_is_in_one_answer():
    """Wrong flags of all permutations, and options that flags contradict, are named together."""
    sentences = refused_lines("{a --foo, b --tile --seed x} --ar wider", steps=3)
    assert [each.split("`")[1] for each in sentences] == ["--foo", "wider", "--tile", "x"]
    sentences = refused_lines("a --seed 5 --q 2 --strength 0.5", speed=Speed.FAST, seed=6)
    assert len(sentences) == 3 and "--seed" in sentences[0] and "--speed" in sentences[1]
    many = refused_lines(" ".join(f"--foo{'abcdefghijkl'[n]}" for n in range(12)))
    assert len(many) == 7 and many[-1] == "and 6 more"


def refused_lines(text: str, **options: object) -> list[str]:
    """Return the lines of the answer that refuses an invalid prompt."""
    outcome = apply_flags(GenerationParams(text, **options), 1, False)  # pyright: ignore[reportArgumentType]
    assert isinstance(outcome, Refused)
    return rejections.refusal(outcome, words(), str).splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "/imagine prompt: a cat",
        "/imagine prompt:a cat",
        "/Imagine Prompt： a cat",
        "/imagine prompt a cat",
        "/imagine a cat",
        " /imagine\u200b prompt: /imagine prompt: a cat",
        "imagine prompt: a cat",
        "/imagine prompt: a cat --seed 5",
    ],
)
def test_the_name_of_the_command_is_no_part_of_the_prompt(text: str):
    """What people copy with a prompt from elsewhere is dropped."""
    assert parsed(text).params.prompt == "a cat"


@pytest.mark.parametrize(
    "text", ["imagine a cat", "imagine prompt engineers", "a /imagine prompt: cat", "/imagination"]
)
def test_other_words_in_front_stay(text: str):
    """Only the command itself is dropped, and only in front."""
    assert parsed(text).params.prompt == text


def test_a_style_is_chosen_by_a_flag():
    """--style does the same as the option, and both are accepted together if they agree."""
    assert parsed("a house --style 油画").params == GenerationParams(
        "a house", style=PictureStyle.OIL
    )
    assert parsed("a house --style oil", style=PictureStyle.OIL).params.style is PictureStyle.OIL
    assert "line-art" in refusal("a house --style fancy") and "raw" in refusal(
        "a house --style fancy"
    )


def test_variety_is_a_flag():
    """Midjourney's --chaos and --variety both set the variety of the resolved request."""
    for text in ("a house --chaos 30", "a house --variety 0.3"):
        resolved = resolve(parsed(text).params, Z_IMAGE_TURBO, lambda: 1)
        assert isinstance(resolved, ResolvedRequest) and resolved.request.variety == 0.3


def test_strength_needs_a_picture():
    """--strength without a source image is refused."""
    assert "--strength" in refusal("a house --strength 0.4")
    start = InitImages(Mode.IMAGE, ("a" * 64,))
    kept = parsed("a house --strength 0.4", start=start).params.start
    assert kept == dataclasses.replace(start, strength=0.4)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a house --arr 16:9", "--arr"),
        ("a house --tile", "--tile"),
        ("a house --seed", "--seed"),
        ("a house --seed abc", "abc"),
        ("a house --seed 1 --seed 2", "--seed"),
        ("a {red, house", "{"),
        ("a house --seed `x`", "`x`"),
        ("{red, blue} house", "2"),
        ("{a,b}" * 40, "…"),
    ],
)
def test_what_cannot_be_obeyed_is_quoted(text: str, quoted: str):
    """The sentence about an invalid flag quotes the flag, its value or the number of pictures."""
    assert quoted in refusal(text)


def test_a_single_choice_and_escaped_braces_are_text():
    """A single option and escaped braces need no confirmation."""
    assert parsed("a {red} house").params.prompt == "a {red} house"
    assert parsed(r"a \{red, blue\} house").params.prompt == "a {red, blue} house"


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("a house --ar {1, 2}", "a house"),
        ("a house --ar {16:9, 9:0} --seed {1, 2}", "a house --seed {1, 2}"),
        ("a house --foo {1, 2} --seed {1, 2}", "a house --seed {1, 2}"),
        ("a house --ar {16:9, {1, 2}} at night", "a house at night"),
        ("a house --ar {16:9, 9:16} --seed 5 --ratio 16:9", "a house --seed 5"),
        ("a house --ar {16:9 --seed 5, 9:0}", "a house"),
        ("a {red, blue} house --foo {3, 4} at night", "a {red, blue} house at night"),
    ],
)
def test_choices_of_a_wrong_flag_go_with_it(text: str, without: str):
    """No brace, and no number, of what stood in place of its value is left in the prompt."""
    refused = apply_flags(GenerationParams(text), 1, False)
    assert isinstance(refused, Refused) and isinstance(refused.reason, FlagProblem)
    left = without_flags(text, refused.reason)
    assert " ".join(left.split()) == without
    again = apply_flags(GenerationParams(left), 1, False)
    assert not (isinstance(again, Refused) and isinstance(again.reason, FlagProblem))


_WORDS = [
    "a red house",
    "in the snow",
    "(close-up)",
    "“neon sign”",
    "夜晚，雪",
    "一座红房子。",
    "f/1.8",
    "a - b",
    "well-known",
    "[blue]",
    "{x}",
    "1:1 scale",
    "100%",
    "a/b",
    ": portrait",
    "(red:1.3)",
    "no cars",
    "— dusk",
    "a `code`",
    "$5",
    "@bob",
    "the end.",
    "بيت",
]
_GOOD = [
    "--ar 16:9",
    "--seed 5",
    "--no fog",
    "--steps 8",
    "--repeat 2",
    "--style anime",
    "—ar 16:9",
    "--比例 16:9",
    "--种子 5",
    "--private",
    "--chaos 20",
    "--raw",
    "--cfg 1.5",
    "--speed standard",
    "--不要 人",
    "--seed {5, 6}",
]
_WRONG = [
    "--foo",
    "--v 6",
    "--ar 0:9",
    "--seed abc",
    "--seed",
    "--size 1",
    "--s 300",
    "--tile",
    "--sref https://x.org/c",
    "--bar 3",
    "--steps 99",
    "--cfg 50",
    "--style qwerty",
    "--no",
    "--ar {1, 2}",
    "--foo {1, 2}",
    "--比列 16:9",
    "--种子 五",
    "--strength 3",
    "--strength 0.5",
    "--region left",
    "--q 9",
    "--w 512",
    "--seed {1, x}",
    "--ar {1:1, 16:9}",
]


@given(
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4),
    st.lists(st.sampled_from(_GOOD + _WRONG), min_size=1, max_size=5),
)
def test_one_answer_names_all_that_is_wrong(words_: list[str], flags: list[str]):
    """However many flags are wrong: without them the rest is painted, with the prompt as typed."""
    resolver = RequestResolver(Z_IMAGE_TURBO, lambda: 1, lambda _: None)
    text = " ".join(words_ + flags)
    refused = asyncio.run(resolver.parse(GenerationParams(text), 1, False))
    if not (isinstance(refused, Refused) and isinstance(refused.reason, FlagProblem)):
        return
    left = without_flags(text, refused.reason)
    again = asyncio.run(resolver.parse(GenerationParams(left), 1, False))
    plain = parsed(" ".join(words_)).params.prompt
    if isinstance(again, Refused):
        assert isinstance(again.reason, ManyPermutations), (left, again)
    else:
        assert again.params.prompt.rstrip(",.。 ") == plain.rstrip(",.。 "), left


@given(st.text(max_size=200))
def test_whatever_is_typed_is_asked_for_or_refused(text: str):
    """Any text is parsed or refused with a sentence; nothing raises."""
    outcome = apply_flags(GenerationParams(text), 1, False)
    assert isinstance(outcome, ParsedRequest) or rejections.refusal(outcome, words(), str)

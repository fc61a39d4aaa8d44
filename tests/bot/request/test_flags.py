"""Flags and choices in a prompt, as people, phones and other programs write them."""

from __future__ import annotations

import dataclasses
import re
import time
from random import Random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.request.flag_syntax import KNOWN, UNSUPPORTED
from bot.request.flags import (
    BadFlag,
    BadKind,
    Expanded,
    Flagged,
    TooMany,
    orders,
    parse,
    permutations,
)
from bot.request.style_names import STYLE_NAMES
from engine.diffusion.families import MAX_GUIDANCE, MAX_STEPS, Speed
from engine.prompts import Level, PictureStyle
from engine.sizing import ASPECTS
from engine.types import MAX_SEED
from tests.bot.request.strange_texts import TEXTS

WRITTEN = [
    # Midjourney's own spellings
    ("a cat --ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat --aspect 3:2", Flagged("a cat", aspect="3:2")),
    ("a cat --seed 5", Flagged("a cat", seed=5)),
    ("a cat --seed 4294967295", Flagged("a cat", seed=MAX_SEED)),
    ("a cat --no fog", Flagged("a cat", negative="fog")),
    ("a cat --no fog, rain, snow", Flagged("a cat", negative="fog, rain, snow")),
    ("a cat --no fog, rain --ar 1:1", Flagged("a cat", negative="fog, rain", aspect="1:1")),
    ("a cat --repeat 3", Flagged("a cat", count=3)),
    ("a cat --r 3", Flagged("a cat", count=3)),
    ("a cat --q .25", Flagged("a cat", speed=Speed.FAST)),
    ("a cat --q .5", Flagged("a cat", speed=Speed.FAST)),
    ("a cat --quality 1", Flagged("a cat", speed=Speed.STANDARD)),
    ("a cat --q 2", Flagged("a cat", speed=Speed.FINE)),
    ("a cat --q 4", Flagged("a cat", speed=Speed.FINE)),
    ("a cat --draft", Flagged("a cat", speed=Speed.FAST)),
    ("a cat --chaos 50", Flagged("a cat", variety=0.5)),
    ("a cat --c 100", Flagged("a cat", variety=1.0)),
    ("a cat --style raw", Flagged("a cat", enhance=Level.OFF)),
    ("a cat --raw", Flagged("a cat", enhance=Level.OFF)),
    ("a cat --style oil", Flagged("a cat", style=PictureStyle.OIL)),
    ("a cat --style Oil Painting", Flagged("a cat", style=PictureStyle.OIL)),
    ("a cat --style=line_art, big", Flagged("a cat, big", style=PictureStyle.LINE_ART)),
    ("a cat --style lineart", Flagged("a cat", style=PictureStyle.LINE_ART)),
    ("a cat --style “3D”", Flagged("a cat", style=PictureStyle.RENDER)),
    ("一只猫 --style 水墨 --ar 1:1", Flagged("一只猫", aspect="1:1", style=PictureStyle.INK)),
    ("a cat --style anime --raw", Flagged("a cat", style=PictureStyle.ANIME, enhance=Level.OFF)),
    ("a cat --style raw --style ink", Flagged("a cat", style=PictureStyle.INK, enhance=Level.OFF)),
    ("a cat --iw 0", Flagged("a cat", strength=1.0)),
    ("a cat --iw 1", Flagged("a cat", strength=0.75)),
    ("a cat --iw 3", Flagged("a cat", strength=0.25)),
    ("a cat --stealth", Flagged("a cat", private=True)),
    ("a cat --public", Flagged("a cat", private=False)),
    (
        "a house --ar 16:9 --seed 5 --no fog --repeat 3",
        Flagged("a house", aspect="16:9", seed=5, negative="fog", count=3),
    ),
    # our own
    ("a cat --size 1024x768", Flagged("a cat", size=(1024, 768))),
    ("a cat --size 1024 × 768", Flagged("a cat", size=(1024, 768))),
    ("a cat --steps 12", Flagged("a cat", steps=12)),
    ("a cat --speed fine", Flagged("a cat", speed=Speed.FINE)),
    ("a cat --guidance 1.5", Flagged("a cat", guidance=1.5)),
    ("a cat --cfg 1,5", Flagged("a cat", guidance=1.5)),
    ("a cat --strict", Flagged("a cat", strict=True)),
    ("a cat --negative fog", Flagged("a cat", negative="fog")),
    ("a cat --enhance smart", Flagged("a cat", enhance=Level.SMART)),
    ("a cat --no-enhance", Flagged("a cat", enhance=Level.OFF)),
    ("a cat --variety .3", Flagged("a cat", variety=0.3)),
    ("a cat --refine", Flagged("a cat", refine=0.25)),
    ("a cat --refine .3", Flagged("a cat", refine=0.3)),
    ("a cat --refine --seed 5", Flagged("a cat", refine=0.25, seed=5)),
    ("a cat --strength 0.6", Flagged("a cat", strength=0.6)),
    ("a cat --count 4", Flagged("a cat", count=4)),
    ("a cat --private", Flagged("a cat", private=True)),
    # phones
    ("a cat —ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat –ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat −ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat －－ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat ‑‑ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat ‐‐ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat ——ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat —-ar 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat ---ar 16:9", Flagged("a cat", aspect="16:9")),
    ("A cat —Ar 16:9 —Seed 5", Flagged("A cat", aspect="16:9", seed=5)),
    ("A CAT --AR 16:9 --NO FOG", Flagged("A CAT", aspect="16:9", negative="FOG")),
    ("a cat  --ar  16:9  --seed  5 ", Flagged("a cat", aspect="16:9", seed=5)),
    ("a cat\n--ar 16:9\n--seed 5\n", Flagged("a cat", aspect="16:9", seed=5)),
    ("a cat\n\non a sofa --no fog\nrain", Flagged("a cat\n\non a sofa", negative="fog\nrain")),
    ("a cat --ar “16:9”", Flagged("a cat", aspect="16:9")),
    ("a cat --speed ‘fast’", Flagged("a cat", speed=Speed.FAST)),
    ("a cat --seed “5”", Flagged("a cat", seed=5)),
    ("a cat --no‑enhance", Flagged("a cat", enhance=Level.OFF)),
    ("the cat’s hat —no dog’s hat", Flagged("the cat’s hat", negative="dog’s hat")),
    ('a 5" pipe --ar 16:9 --no 6" pipes', Flagged('a 5" pipe', "16:9", negative='6" pipes')),
    # other ways to write a value
    ("a cat --ar 16x9", Flagged("a cat", aspect="16:9")),
    ("a cat --ar 16：9", Flagged("a cat", aspect="16:9")),
    ("a cat --ar 16×9", Flagged("a cat", aspect="16:9")),
    ("a cat --ar 16/9", Flagged("a cat", aspect="16:9")),
    ("a cat --ar 16 : 9", Flagged("a cat", aspect="16:9")),
    ("a cat --ar=16:9", Flagged("a cat", aspect="16:9")),
    ("a cat --ar: 16:9", Flagged("a cat", aspect="16:9")),
    ("a cat --ar16:9", Flagged("a cat", aspect="16:9")),
    ("a cat --seed=5", Flagged("a cat", seed=5)),
    ("a cat --ar 16:9, --seed 5.", Flagged("a cat", aspect="16:9", seed=5)),
    ("a cat --ar 16:9,--seed 5", Flagged("a cat", aspect="16:9", seed=5)),
    ("a cat --no fog, --seed 5", Flagged("a cat", negative="fog", seed=5)),
    ("a cat, --ar 16:9", Flagged("a cat,", aspect="16:9")),
    # words after a value
    ("--ar 16:9 a cat", Flagged("a cat", aspect="16:9")),
    ("--ar 16:9, a cat", Flagged("a cat", aspect="16:9")),
    (
        "a cat --ar 16:9 on a sofa --seed 5 asleep",
        Flagged("a cat on a sofa asleep", "16:9", seed=5),
    ),
    ("a cat --ar 16:9, on a sofa", Flagged("a cat, on a sofa", aspect="16:9")),
    ("a cat --raw on a sofa", Flagged("a cat on a sofa", enhance=Level.OFF)),
    ("a cat --raw .5 m high", Flagged("a cat .5 m high", enhance=Level.OFF)),
    ("a cat --refine please", Flagged("a cat please", refine=0.25)),
    ("--seed 5", Flagged("", seed=5)),
    # Chinese
    ("一只猫 --ar 16:9", Flagged("一只猫", aspect="16:9")),
    ("一只猫--ar 16:9", Flagged("一只猫", aspect="16:9")),
    ("一只猫——ar 16:9", Flagged("一只猫", aspect="16:9")),
    ("一只猫，——ar 16：9", Flagged("一只猫，", aspect="16:9")),
    ("一只猫 ——seed 5", Flagged("一只猫", seed=5)),
    ("一只猫－－ａｒ　１６：９", Flagged("一只猫", aspect="16:9")),
    ("一只猫--ar 16:9，戴帽子", Flagged("一只猫，戴帽子", aspect="16:9")),
    ("一只猫--ar 16:9的画", Flagged("一只猫 的画", aspect="16:9")),
    ("一只猫 --no 雾，雨 --seed ５", Flagged("一只猫", negative="雾，雨", seed=5)),
    ("一只猫 --no雾", Flagged("一只猫", negative="雾")),
    ("写着“开放”的招牌 --seed 5。", Flagged("写着“开放”的招牌", seed=5)),
]


@pytest.mark.parametrize(("text", "flagged"), WRITTEN, ids=[text for text, _ in WRITTEN])
def test_flags_as_people_write_them(text: str, flagged: Flagged):
    """Flags are read and taken out of the prompt, however a phone or a habit spells them."""
    assert parse(text) == flagged


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "a house — red",
        "a house – red",
        "a house—red",
        "a house -- red",
        "a house--red",
        "a well-known house -red",
        "a cat --",
        "a cat -- ",
        "--",
        "—",
        "a cat --5",
        "a cat ->ar 16:9",
        "mother-in-law, 1990–2000, −5 °C",
        'a sign that says "--ar 16:9"',
        "a sign that says “a --seed 5”",
        "一块写着「--seed 5」的牌子",
        '一块写着"开放 --seed 5"的牌子',
        "a cafe\u0301--ar 16:9",
        "一块写着《--ar 16:9》的牌子",
        "海报——AI时代",
        "海报 ——AI时代",
        "海报：《007》——No Time to Die",
        "“Stay hungry”—Steve",
        "https://example.com/a--b/--ar",
        "C:\\cats\\x \\path",
        "a cat  with   spaces\n and lines ",
        'a 5"x7" photo, 3" frame',
    ],
)
def test_text_without_flags_stays_as_it_is(text: str):
    """Dashes between words, in quotations, names and addresses are words of the prompt."""
    assert parse(text) == Flagged(text)


WRONG = [
    ("a cat --stylize 250", BadFlag(BadKind.UNSUPPORTED, "--stylize", suggestion="--enhance")),
    ("a cat --s 250", BadFlag(BadKind.UNSUPPORTED, "--s", suggestion="--enhance")),
    ("a cat --v 6.1", BadFlag(BadKind.UNSUPPORTED, "--v")),
    ("a cat --v6", BadFlag(BadKind.UNSUPPORTED, "--v")),
    ("a cat --version 5", BadFlag(BadKind.UNSUPPORTED, "--version")),
    ("a cat --niji 6", BadFlag(BadKind.UNSUPPORTED, "--niji")),
    ("a cat —Tile", BadFlag(BadKind.UNSUPPORTED, "—Tile")),
    ("a cat --weird 100", BadFlag(BadKind.UNSUPPORTED, "--weird", suggestion="--chaos")),
    ("a cat --stop 50", BadFlag(BadKind.UNSUPPORTED, "--stop")),
    ("a cat --sref https://x.org/a.png", BadFlag(BadKind.UNSUPPORTED, "--sref")),
    ("a cat --turbo", BadFlag(BadKind.UNSUPPORTED, "--turbo", suggestion="--speed")),
    ("a cat --repet 3", BadFlag(BadKind.UNKNOWN, "--repet", suggestion="--repeat")),
    ("a cat —Sed 3", BadFlag(BadKind.UNKNOWN, "—Sed", suggestion="--seed")),
    ("一只猫--aspct 16:9", BadFlag(BadKind.UNKNOWN, "--aspct", suggestion="--aspect")),
    ("a cat --x264 a", BadFlag(BadKind.UNKNOWN, "--x264")),
    ("a cat --noël", BadFlag(BadKind.UNKNOWN, "--noël", suggestion="--no")),
    ("a cat --qwertyuiop", BadFlag(BadKind.UNKNOWN, "--qwertyuiop")),
    ("a cat --ar", BadFlag(BadKind.MISSING, "--ar", expected=ASPECTS)),
    ("a cat --seed --ar 1:1", BadFlag(BadKind.MISSING, "--seed", low=0, high=MAX_SEED)),
    ("a cat --no", BadFlag(BadKind.MISSING, "--no")),
    ("a cat --no , --seed 5", BadFlag(BadKind.MISSING, "--no")),
    ("a cat --ar wide", BadFlag(BadKind.BAD_VALUE, "--ar", "wide", ASPECTS)),
    ("a cat --ar 0:9", BadFlag(BadKind.BAD_VALUE, "--ar", "0:9", ASPECTS)),
    ("a cat --ar 1.91:1", BadFlag(BadKind.BAD_VALUE, "--ar", "1.91:1", ASPECTS)),
    ("a cat --ar 16:9:4", BadFlag(BadKind.BAD_VALUE, "--ar", "16:9:4", ASPECTS)),
    ("a cat --size 16:9", BadFlag(BadKind.BAD_VALUE, "--size", "16:9", ("1024x768",))),
    ("a cat --seed -5", BadFlag(BadKind.BAD_VALUE, "--seed", "-5", low=0, high=MAX_SEED)),
    ("a cat --seed 5的", BadFlag(BadKind.BAD_VALUE, "--seed", "5的", low=0, high=MAX_SEED)),
    (
        "a cat --seed 4294967296",
        BadFlag(BadKind.BAD_VALUE, "--seed", "4294967296", low=0, high=MAX_SEED),
    ),
    (
        "a cat --seed " + "9" * 5000,
        BadFlag(BadKind.BAD_VALUE, "--seed", "9" * 5000, low=0, high=MAX_SEED),
    ),
    ("a cat --steps 2.5", BadFlag(BadKind.BAD_VALUE, "--steps", "2.5", low=1, high=MAX_STEPS)),
    ("a cat —cfg NaN", BadFlag(BadKind.BAD_VALUE, "—cfg", "NaN", low=1, high=MAX_GUIDANCE)),
    ("a cat --cfg 1e999", BadFlag(BadKind.BAD_VALUE, "--cfg", "1e999", low=1, high=MAX_GUIDANCE)),
    ("a cat --repeat 0", BadFlag(BadKind.BAD_VALUE, "--repeat", "0", low=1, high=40)),
    ("a cat --repeat 41", BadFlag(BadKind.BAD_VALUE, "--repeat", "41", low=1, high=40)),
    ("a cat --chaos 101", BadFlag(BadKind.BAD_VALUE, "--chaos", "101", low=0, high=100)),
    ("a cat --iw 4", BadFlag(BadKind.BAD_VALUE, "--iw", "4", low=0, high=3)),
    ("a cat --refine 3", BadFlag(BadKind.BAD_VALUE, "--refine", "3", low=0, high=0.35)),
    ("a cat --style 4b", BadFlag(BadKind.BAD_VALUE, "--style", "4b", STYLE_NAMES)),
    (
        "a cat --q 3",
        BadFlag(BadKind.BAD_VALUE, "--q", "3", ("0.5", "1", "2", "fast", "standard", "fine")),
    ),
    (
        "a cat --enhance more",
        BadFlag(BadKind.BAD_VALUE, "--enhance", "more", ("off", "light", "full", "smart")),
    ),
    ("a cat --seed 5 —seed 6", BadFlag(BadKind.TWICE, "—seed", "6", ("--seed",))),
    ("a cat --no fog --no rain", BadFlag(BadKind.TWICE, "--no", "rain", ("--no",))),
    ("a cat --ar 1:1 --size 64x64", BadFlag(BadKind.TWICE, "--size", "64x64", ("--ar",))),
    ("a cat --steps 8 --draft", BadFlag(BadKind.TWICE, "--draft", "", ("--steps",))),
    ("a cat --strict --cfg 2", BadFlag(BadKind.TWICE, "--cfg", "2", ("--strict",))),
    (
        "a cat --style oilpaintings",
        BadFlag(BadKind.BAD_VALUE, "--style", "oilpaintings", STYLE_NAMES),
    ),
    ("a cat --style", BadFlag(BadKind.MISSING, "--style", "", STYLE_NAMES)),
    ("a cat --style oil --style ink", BadFlag(BadKind.TWICE, "--style", "ink", ("--style",))),
    ("a cat --raw --style raw", BadFlag(BadKind.TWICE, "--style", "raw", ("--raw",))),
    ("a cat --foo --seed x", BadFlag(BadKind.UNKNOWN, "--foo")),
]


@pytest.mark.parametrize(("text", "bad"), WRONG, ids=[text[:40] for text, _ in WRONG])
def test_a_flag_that_cannot_be_obeyed_is_named(text: str, bad: BadFlag):
    """The first bad flag comes back as it was written, with what it should have been."""
    assert parse(text) == bad
    assert orders(text) == bad


def test_no_flag_is_both_obeyed_and_refused():
    """A spelling means one thing, and what is suggested instead exists."""
    assert not KNOWN.keys() & UNSUPPORTED.keys()
    assert {each for each in UNSUPPORTED.values() if each} <= KNOWN.keys()


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        (r"a sign \--ar 16:9", "a sign --ar 16:9"),
        (r"a sign \\\--ar 16:9", r"a sign \--ar 16:9"),
        (r"a sign \—seed 5", "a sign —seed 5"),
        (r"a \{red\} cat", "a {red} cat"),
        (r"a \\{red", "a \\{red"),
        (r"C:\cats \o/ \, \n", r"C:\cats \o/ \, \n"),
    ],
)
def test_a_backslash_takes_a_signs_meaning(text: str, prompt: str):
    """What would be a flag or a choice is text after a backslash; elsewhere it is a backslash."""
    assert parse(text) == Flagged(prompt)


# Choices


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a house", ("a house",)),
        ("a  house\n", ("a  house\n",)),
        ("{red, blue} house", ("red house", "blue house")),
        ("{red,blue} {cat,dog}", ("red cat", "red dog", "blue cat", "blue dog")),
        ("{red} house", ("red house",)),
        ("{, red} house", ("house", "red house")),
        ("a {, red} house", ("a house", "a red house")),
        ("a house {, in fog}, at dawn", ("a house, at dawn", "a house in fog, at dawn")),
        ("a {, red}house", ("a house", "a redhouse")),
        ("{a {red, blue} cat, dog}", ("a red cat", "a blue cat", "dog")),
        ("{{a, b}, {c, d}}", ("a", "b", "c", "d")),
        (r"\{red, blue\} house", ("{red, blue} house",)),
        (r"{red\, white, blue} flag", ("red, white flag", "blue flag")),
        (r"{\{, \}}", ("{", "}")),
        ("｛红色，蓝色｝的房子", ("红色的房子", "蓝色的房子")),
        ("{红、蓝, 绿}的房子", ("红、蓝的房子", "绿的房子")),
        ("red, {a, b}, c", ("red, a, c", "red, b, c")),
        ("{}", ("",)),
        ("house --ar {1:1, 16:9}", ("house --ar 1:1", "house --ar 16:9")),
    ],
)
def test_every_choice_is_made(text: str, prompts: tuple[str, ...]):
    """Groups multiply, the last one fastest; spaces around choices do not count."""
    assert permutations(text) == Expanded(prompts, len(prompts))


@pytest.mark.parametrize(
    ("text", "brace", "around"),
    [
        ("a {red, blue house", "{", "a {red, blue house"),
        ("a red} house", "}", "a red} house"),
        ("{a {b} c", "{", "{a {b} c"),
        ("｛红，蓝", "｛", "｛红，蓝"),
        (r"{a, b\}", "{", r"{a, b\}"),
        ("x" * 100 + "}" + "y" * 100, "}", "x" * 15 + "}" + "y" * 24),
    ],
)
def test_a_brace_without_its_counterpart_is_shown(text: str, brace: str, around: str):
    """What is wrong with a group is said with the words around it."""
    assert permutations(text) == BadFlag(BadKind.UNBALANCED, brace, around)
    assert orders(text) == BadFlag(BadKind.UNBALANCED, brace, around)


def test_far_too_many_choices_are_only_counted():
    """A text that would mean a thousand million pictures is answered at once, and so is noise."""
    began = time.perf_counter()
    assert permutations("{a,b}" * 30) == Expanded((), 2**30)
    assert orders("{a,b}" * 30 + " --repeat 3") == TooMany(3 * 2**30, 40)
    assert orders("{" * 5000 + "a" + "}" * 5000) == (Flagged("a"),)
    assert isinstance(permutations("{" * 5000), BadFlag)
    for sign in ("\\", "“", ' "', "-", "—a", "猫——a", "{,", "\\--a "):
        orders(sign * (6000 // len(sign)))
    assert time.perf_counter() - began < 2


def test_the_limit_counts_pictures():
    """As many as the limit are given, one more only as a number; repeats count."""
    assert permutations("{a,b,c}", 3) == Expanded(("a", "b", "c"), 3)
    assert permutations("{a,b,c}", 2) == Expanded((), 3)
    assert len(found("{a,b} --repeat 20")) == 40
    assert orders("{a,b} --repeat 21") == TooMany(42, 40)
    assert orders("a --repeat {2, 3}", 4) == TooMany(5, 4)


def test_choices_hold_flags_and_repeats_multiply():
    """Each picture has a prompt and flags of its own; a given seed counts up and around."""
    assert orders("{red, blue} house --ar {1:1, 16:9}") == (
        Flagged("red house", aspect="1:1"),
        Flagged("red house", aspect="16:9"),
        Flagged("blue house", aspect="1:1"),
        Flagged("blue house", aspect="16:9"),
    )
    assert orders("{a cat --raw, a dog}") == (
        Flagged("a cat", enhance=Level.OFF),
        Flagged("a dog"),
    )
    assert orders("a cat --repeat 2") == (Flagged("a cat"), Flagged("a cat"))
    seeds = [each.seed for each in found("{a, b} --seed 4294967295 --repeat 2")]
    assert seeds == [MAX_SEED, 0, MAX_SEED, 0]


def found(text: str) -> tuple[Flagged, ...]:
    """The pictures of a text that is all right."""
    outcome = orders(text)
    assert isinstance(outcome, tuple)
    return outcome


# What holds for any text


@given(TEXTS)
@example("--no" + "\\" * 9 + '"')
@example("--ar \ud800")
def test_no_text_raises(text: str):
    """Whatever somebody types gets an answer of the promised kinds."""
    assert isinstance(parse(text), Flagged | BadFlag)
    assert isinstance(permutations(text), Expanded | BadFlag)
    assert isinstance(orders(text), tuple | BadFlag | TooMany)


@given(TEXTS)
def test_text_without_flags_and_braces_is_left_alone(text: str):
    """Every character of an ordinary prompt stays, with its spaces, dashes and backslashes."""
    assume(not re.search(r"[{}｛｝]|[-—–−－‑‐﹣―⸺][A-Za-zＡ-Ｚａ-ｚ]", text))
    assert parse(text) == Flagged(text)
    assert permutations(text) == Expanded((text,), 1)
    assert orders(text) == (Flagged(text),)


@given(
    st.lists(st.sampled_from(["a red fox", "猫", "“--v 6”", "in the snow", "5 —", "9:16"])),
    st.lists(
        st.sampled_from(["--ar 16:9", "—Seed 5", "--raw", "–q 2", "--refine .3", "--private"]),
        unique=True,
    ),
    st.randoms(use_true_random=False),
)
def test_flags_may_stand_anywhere(words: list[str], flags: list[str], random: Random):
    """In whatever order they come, each flag is read and no word of the prompt is lost."""
    places = sorted(random.randint(0, len(words)) for _ in flags)
    mixed = list(words)
    for place, flag in reversed(list(zip(places, flags, strict=True))):
        mixed.insert(place, flag)
    alone = parse(" ".join(flags))
    assert isinstance(alone, Flagged)
    assert parse(" ".join(mixed)) == dataclasses.replace(alone, prompt=" ".join(words))


@given(TEXTS)
def test_orders_are_as_many_as_were_counted(text: str):
    """The cost that is shown before painting is the number of pictures painted."""
    counted = permutations(text)
    outcome = orders(text)
    if isinstance(counted, Expanded) and isinstance(outcome, tuple):
        assert len(counted.prompts) == counted.total <= len(outcome)

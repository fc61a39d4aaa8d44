"""Flags and permutations in a prompt, as users, phones and other programs write them."""

from __future__ import annotations

import dataclasses
import re
import time
from random import Random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.request.outcomes import FlagError, FlagErrorKind, FlagProblem
from bot.request.prompt.flag_names import FLAGS, UNSUPPORTED
from bot.request.prompt.flags import ParsedPrompt, TooManyPictures, expand, parse, without_flags
from bot.request.prompt.permutations import Permutations, permutations
from bot.request.values.regions import Region
from bot.request.values.style_names import STYLE_NAMES
from engine.diffusion.families import MAX_GUIDANCE, MAX_STEPS, Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.sizing import ASPECTS
from engine.types import MAX_SEED
from tests.bot.request.strange_texts import TEXTS

WRITTEN = [
    # Midjourney's own spellings
    ("a cat --ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --aspect 3:2", ParsedPrompt("a cat", {"aspect": "3:2"})),
    ("a cat --seed 5", ParsedPrompt("a cat", {"seed": 5})),
    ("a cat --seed 4294967295", ParsedPrompt("a cat", {"seed": MAX_SEED})),
    ("a cat --no fog", ParsedPrompt("a cat", {"negative": "fog"})),
    ("a cat --no fog, rain, snow", ParsedPrompt("a cat", {"negative": "fog, rain, snow"})),
    (
        "a cat --no fog, rain --ar 1:1",
        ParsedPrompt("a cat", {"negative": "fog, rain", "aspect": "1:1"}),
    ),
    ("a cat --repeat 3", ParsedPrompt("a cat", {"count": 3})),
    ("a cat --r 3", ParsedPrompt("a cat", {"count": 3})),
    ("a cat --q .25", ParsedPrompt("a cat", {"speed": Speed.FAST})),
    ("a cat --q .5", ParsedPrompt("a cat", {"speed": Speed.FAST})),
    ("a cat --quality 1", ParsedPrompt("a cat", {"speed": Speed.STANDARD})),
    ("a cat --q 2", ParsedPrompt("a cat", {"speed": Speed.FINE})),
    ("a cat --q 4", ParsedPrompt("a cat", {"speed": Speed.FINE})),
    ("a cat --draft", ParsedPrompt("a cat", {"speed": Speed.FAST})),
    ("a cat --chaos 50", ParsedPrompt("a cat", {"variety": 0.5})),
    ("a cat --c 100", ParsedPrompt("a cat", {"variety": 1.0})),
    ("a cat --style raw", ParsedPrompt("a cat", {"enhance": EnhancementLevel.OFF})),
    ("a cat --raw", ParsedPrompt("a cat", {"enhance": EnhancementLevel.OFF})),
    ("a cat --style oil", ParsedPrompt("a cat", {"style": PictureStyle.OIL})),
    ("a cat --style Oil Painting", ParsedPrompt("a cat", {"style": PictureStyle.OIL})),
    ("a cat --style=line_art, big", ParsedPrompt("a cat, big", {"style": PictureStyle.LINE_ART})),
    ("a cat --style lineart", ParsedPrompt("a cat", {"style": PictureStyle.LINE_ART})),
    ("a cat --style “3D”", ParsedPrompt("a cat", {"style": PictureStyle.RENDER})),
    (
        "一只猫 --style 水墨 --ar 1:1",
        ParsedPrompt("一只猫", {"aspect": "1:1", "style": PictureStyle.INK}),
    ),
    (
        "a cat --style anime --raw",
        ParsedPrompt("a cat", {"style": PictureStyle.ANIME, "enhance": EnhancementLevel.OFF}),
    ),
    (
        "a cat --style raw --style ink",
        ParsedPrompt("a cat", {"style": PictureStyle.INK, "enhance": EnhancementLevel.OFF}),
    ),
    ("a cat --iw 0", ParsedPrompt("a cat", {"strength": 1.0})),
    ("a cat --iw 1", ParsedPrompt("a cat", {"strength": 0.75})),
    ("a cat --iw 3", ParsedPrompt("a cat", {"strength": 0.25})),
    ("a cat --stealth", ParsedPrompt("a cat", {"private": True})),
    ("a cat --public", ParsedPrompt("a cat", {"private": False})),
    (
        "a house --ar 16:9 --seed 5 --no fog --repeat 3",
        ParsedPrompt("a house", {"aspect": "16:9", "seed": 5, "negative": "fog", "count": 3}),
    ),
    # zimagine's own
    ("a cat --size 1024x768", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 1024 × 768", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --steps 12", ParsedPrompt("a cat", {"steps": 12})),
    ("a cat --speed fine", ParsedPrompt("a cat", {"speed": Speed.FINE})),
    ("a cat --guidance 1.5", ParsedPrompt("a cat", {"guidance": 1.5})),
    ("a cat --cfg 1,5", ParsedPrompt("a cat", {"guidance": 1.5})),
    ("a cat --strict", ParsedPrompt("a cat", {"strict": True})),
    ("a cat --negative fog", ParsedPrompt("a cat", {"negative": "fog"})),
    ("a cat --enhance smart", ParsedPrompt("a cat", {"enhance": EnhancementLevel.SMART})),
    ("a cat --no-enhance", ParsedPrompt("a cat", {"enhance": EnhancementLevel.OFF})),
    ("a cat --variety .3", ParsedPrompt("a cat", {"variety": 0.3})),
    ("a cat --refine", ParsedPrompt("a cat", {"refine": 0.25})),
    ("a cat --refine .3", ParsedPrompt("a cat", {"refine": 0.3})),
    ("a cat --refine --seed 5", ParsedPrompt("a cat", {"refine": 0.25, "seed": 5})),
    ("a cat --strength 0.6", ParsedPrompt("a cat", {"strength": 0.6})),
    ("a cat --region left", ParsedPrompt("a cat", {"region": Region.LEFT})),
    ("a cat --region Left half, big", ParsedPrompt("a cat, big", {"region": Region.LEFT})),
    ("a cat --region center", ParsedPrompt("a cat", {"region": Region.CENTRE})),
    ("一只猫 --区域 背景", ParsedPrompt("一只猫", {"region": Region.BACKGROUND})),
    ("一只猫--部位右边，戴帽子", ParsedPrompt("一只猫，戴帽子", {"region": Region.RIGHT})),
    ("a cat --steps 8 --speed fast", ParsedPrompt("a cat", {"steps": 8, "speed": Speed.FAST})),
    ("a cat --strict --cfg 2", ParsedPrompt("a cat", {"strict": True, "guidance": 2.0})),
    ("a cat --count 4", ParsedPrompt("a cat", {"count": 4})),
    ("a cat --private", ParsedPrompt("a cat", {"private": True})),
    # phones
    ("a cat —ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat –ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat −ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat －－ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat ‑‑ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat ‐‐ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat ——ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat —-ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat ---ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("A cat —Ar 16:9 —Seed 5", ParsedPrompt("A cat", {"aspect": "16:9", "seed": 5})),
    ("A CAT --AR 16:9 --NO FOG", ParsedPrompt("A CAT", {"aspect": "16:9", "negative": "FOG"})),
    ("a cat  --ar  16:9  --seed  5 ", ParsedPrompt("a cat", {"aspect": "16:9", "seed": 5})),
    ("a cat\n--ar 16:9\n--seed 5\n", ParsedPrompt("a cat", {"aspect": "16:9", "seed": 5})),
    (
        "a cat\n\non a sofa --no fog\nrain",
        ParsedPrompt("a cat\n\non a sofa", {"negative": "fog\nrain"}),
    ),
    ("a cat --ar “16:9”", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --speed ‘fast’", ParsedPrompt("a cat", {"speed": Speed.FAST})),
    ("a cat --seed “5”", ParsedPrompt("a cat", {"seed": 5})),
    ("a cat --no‑enhance", ParsedPrompt("a cat", {"enhance": EnhancementLevel.OFF})),
    ("the cat’s hat —no dog’s hat", ParsedPrompt("the cat’s hat", {"negative": "dog’s hat"})),
    (
        'a 5" pipe --ar 16:9 --no 6" pipes',
        ParsedPrompt('a 5" pipe', {"aspect": "16:9", "negative": '6" pipes'}),
    ),
    # other ways to write a value
    ("a cat --ar 16x9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar 16：9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar 16×9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar 16/9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar 16 : 9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat —16：9, big", ParsedPrompt("a cat, big", {"aspect": "16:9"})),
    ("--1024x768 a cat", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat ‒ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --chaos 20%", ParsedPrompt("a cat", {"variety": 0.2})),
    ("a cat --strength 50%", ParsedPrompt("a cat", {"strength": 0.5})),
    ("a cat --refine 20％", ParsedPrompt("a cat", {"refine": 0.2})),
    ("a cat --repeat x2", ParsedPrompt("a cat", {"count": 2})),
    ("a cat --repeat 2×, big", ParsedPrompt("a cat, big", {"count": 2})),
    ("a cat --private true", ParsedPrompt("a cat", {"private": True})),
    ("a cat --private=False --seed 5", ParsedPrompt("a cat", {"private": False, "seed": 5})),
    ("a cat --strict=false", ParsedPrompt("a cat", {"strict": False})),
    ("a cat --raw true", ParsedPrompt("a cat", {"enhance": EnhancementLevel.OFF})),
    ("a cat --private true story", ParsedPrompt("a cat true story", {"private": True})),
    ("a cat --quality high", ParsedPrompt("a cat", {"speed": Speed.FINE})),
    ("a cat --enhance none", ParsedPrompt("a cat", {"enhance": EnhancementLevel.OFF})),
    ("a cat --style photorealistic", ParsedPrompt("a cat", {"style": PictureStyle.PHOTO})),
    ("a cat --region left side", ParsedPrompt("a cat", {"region": Region.LEFT})),
    ("a cat --cfg-scale 2", ParsedPrompt("a cat", {"guidance": 2.0})),
    ("a cat --negative-prompt fog", ParsedPrompt("a cat", {"negative": "fog"})),
    ("a cat --ar 16:9px", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar 16:9 px, big", ParsedPrompt("a cat, big", {"aspect": "16:9"})),
    ("a cat --ar 16 / 9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar 16⁄9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar 16﹕9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar 16 by 9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("一只猫 --比例 16 ： 9", ParsedPrompt("一只猫", {"aspect": "16:9"})),
    ("a cat --ar 16:9 pixel art", ParsedPrompt("a cat pixel art", {"aspect": "16:9"})),
    ("a cat --size 1024 x 768", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 1024x768px", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 1024*768PX", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 1024px × 768px", ParsedPrompt("a cat", {"size": (1024, 768)})),
    (r"a cat --size 1024\*768", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 1024х768", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 1024 by 768 pixels", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 1024, 768", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 1024 768 on a sofa", ParsedPrompt("a cat on a sofa", {"size": (1024, 768)})),
    ("a cat --size (1024x768)", ParsedPrompt("a cat", {"size": (1024, 768)})),
    ("a cat --size 512x512 pixel art", ParsedPrompt("a cat pixel art", {"size": (512, 512)})),
    ("一只猫 --尺寸 1024×768像素", ParsedPrompt("一只猫", {"size": (1024, 768)})),
    ("一只猫 --尺寸 512乘512像素画", ParsedPrompt("一只猫 像素画", {"size": (512, 512)})),
    ("a cat --ar=16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar: 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --ar16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("a cat --seed=5", ParsedPrompt("a cat", {"seed": 5})),
    ("a cat --ar 16:9, --seed 5.", ParsedPrompt("a cat", {"aspect": "16:9", "seed": 5})),
    ("a cat --ar 16:9,--seed 5", ParsedPrompt("a cat", {"aspect": "16:9", "seed": 5})),
    ("a cat --no fog, --seed 5", ParsedPrompt("a cat", {"negative": "fog", "seed": 5})),
    ("a cat, --ar 16:9", ParsedPrompt("a cat", {"aspect": "16:9"})),
    # words after a value
    ("--ar 16:9 a cat", ParsedPrompt("a cat", {"aspect": "16:9"})),
    ("--ar 16:9, a cat", ParsedPrompt("a cat", {"aspect": "16:9"})),
    (
        "a cat --ar 16:9 on a sofa --seed 5 asleep",
        ParsedPrompt("a cat on a sofa asleep", {"aspect": "16:9", "seed": 5}),
    ),
    ("a cat --ar 16:9, on a sofa", ParsedPrompt("a cat, on a sofa", {"aspect": "16:9"})),
    ("a cat --raw on a sofa", ParsedPrompt("a cat on a sofa", {"enhance": EnhancementLevel.OFF})),
    ("a cat --raw .5 m high", ParsedPrompt("a cat .5 m high", {"enhance": EnhancementLevel.OFF})),
    ("a cat --refine please", ParsedPrompt("a cat please", {"refine": 0.25})),
    ("--seed 5", ParsedPrompt("", {"seed": 5})),
    # Chinese
    ("一只猫 --ar 16:9", ParsedPrompt("一只猫", {"aspect": "16:9"})),
    ("一只猫--ar 16:9", ParsedPrompt("一只猫", {"aspect": "16:9"})),
    ("一只猫——ar 16:9", ParsedPrompt("一只猫", {"aspect": "16:9"})),
    ("一只猫，——ar 16：9", ParsedPrompt("一只猫", {"aspect": "16:9"})),
    ("一只猫 ——seed 5", ParsedPrompt("一只猫", {"seed": 5})),
    ("一只猫－－ａｒ　１６：９", ParsedPrompt("一只猫", {"aspect": "16:9"})),
    ("一只猫--ar 16:9，戴帽子", ParsedPrompt("一只猫，戴帽子", {"aspect": "16:9"})),
    ("一只猫--ar 16:9的画", ParsedPrompt("一只猫 的画", {"aspect": "16:9"})),
    ("一只猫 --no 雾，雨 --seed ５", ParsedPrompt("一只猫", {"negative": "雾，雨", "seed": 5})),
    ("一只猫 --no雾", ParsedPrompt("一只猫", {"negative": "雾"})),
    ("写着“开放”的招牌 --seed 5。", ParsedPrompt("写着“开放”的招牌", {"seed": 5})),
]


@pytest.mark.parametrize(("text", "flagged"), WRITTEN, ids=[text for text, _ in WRITTEN])
def test_flags_as_people_write_them(text: str, flagged: ParsedPrompt):
    """Flags are parsed and removed from the prompt, in all common spellings."""
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
        "a cat -16:9",
        "a cat – 16:9",
        "a cat--16:9",
        "a clock --16:30:05",
        "a cat --16:9.5",
        "a cat --4k",
        "a score --2:1st",
        "a cat ->ar 16:9",
        "mother-in-law, 1990–2000, −5 °C",
        'a sign that says "--ar 16:9"',
        "a sign that says “a --seed 5”",
        "一块写着「--seed 5」的牌子",
        '一块写着"开放 --seed 5"的牌子',
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
    """Dashes between words, in quotations, names and addresses are part of the prompt."""
    assert parse(text) == ParsedPrompt(text)


WRONG = [
    (
        "a cat --stylize 250",
        FlagError(FlagErrorKind.UNSUPPORTED, "--stylize", suggestion="--enhance"),
    ),
    ("a cat --s 250", FlagError(FlagErrorKind.UNSUPPORTED, "--s", suggestion="--enhance")),
    ("a cat --v 6.1", FlagError(FlagErrorKind.UNSUPPORTED, "--v")),
    ("a cat --v6", FlagError(FlagErrorKind.UNSUPPORTED, "--v")),
    ("a cat --version 5", FlagError(FlagErrorKind.UNSUPPORTED, "--version")),
    ("a cat --niji 6", FlagError(FlagErrorKind.UNSUPPORTED, "--niji")),
    ("a cat —Tile", FlagError(FlagErrorKind.UNSUPPORTED, "—Tile")),
    ("a cat --weird 100", FlagError(FlagErrorKind.UNSUPPORTED, "--weird", suggestion="--chaos")),
    ("a cat --raw=false", FlagError(FlagErrorKind.BAD_VALUE, "--raw", "false")),
    (
        "a cat --region upper left",
        FlagError(FlagErrorKind.BAD_VALUE, "--region", "upper left", tuple(Region)),
    ),
    (
        "a cat --chaos 120%",
        FlagError(FlagErrorKind.BAD_VALUE, "--chaos", "120%", low=0, high=100),
    ),
    (
        "a cat --guidance 50%",
        FlagError(FlagErrorKind.BAD_VALUE, "--guidance", "50%", low=1, high=MAX_GUIDANCE),
    ),
    ("a cat --n 4", FlagError(FlagErrorKind.UNSUPPORTED, "--n", suggestion="--repeat")),
    ("a cat --stop 50", FlagError(FlagErrorKind.UNSUPPORTED, "--stop")),
    ("a cat --sref https://x.org/a.png", FlagError(FlagErrorKind.UNSUPPORTED, "--sref")),
    ("a cat --turbo", FlagError(FlagErrorKind.UNSUPPORTED, "--turbo", suggestion="--speed")),
    ("a cat --repet 3", FlagError(FlagErrorKind.UNKNOWN, "--repet", suggestion="--repeat")),
    ("a cat —Sed 3", FlagError(FlagErrorKind.UNKNOWN, "—Sed", suggestion="--seed")),
    ("一只猫--aspct 16:9", FlagError(FlagErrorKind.UNKNOWN, "--aspct", suggestion="--aspect")),
    ("a cat --x264 a", FlagError(FlagErrorKind.UNKNOWN, "--x264")),
    ("a cat --noël", FlagError(FlagErrorKind.UNKNOWN, "--noël", suggestion="--no")),
    ("a cat --qwertyuiop", FlagError(FlagErrorKind.UNKNOWN, "--qwertyuiop")),
    ("a cat --ar", FlagError(FlagErrorKind.MISSING, "--ar", expected=ASPECTS)),
    ("a cat --seed --ar 1:1", FlagError(FlagErrorKind.MISSING, "--seed", low=0, high=MAX_SEED)),
    ("a cat --no", FlagError(FlagErrorKind.MISSING, "--no")),
    ("a cat --no , --seed 5", FlagError(FlagErrorKind.MISSING, "--no")),
    ("a cat --ar long", FlagError(FlagErrorKind.BAD_VALUE, "--ar", "long", ASPECTS)),
    ("a cat --ar 0:9", FlagError(FlagErrorKind.BAD_VALUE, "--ar", "0:9", ASPECTS)),
    ("a cat --ar 16:9:4", FlagError(FlagErrorKind.BAD_VALUE, "--ar", "16:9:4", ASPECTS)),
    ("a cat --size 16:9", FlagError(FlagErrorKind.BAD_VALUE, "--size", "16:9", ("1024x768",))),
    ("a cat --seed -5", FlagError(FlagErrorKind.BAD_VALUE, "--seed", "-5", low=0, high=MAX_SEED)),
    ("a cat --seed 5的", FlagError(FlagErrorKind.BAD_VALUE, "--seed", "5的", low=0, high=MAX_SEED)),
    (
        "a cat --seed 4294967296",
        FlagError(FlagErrorKind.BAD_VALUE, "--seed", "4294967296", low=0, high=MAX_SEED),
    ),
    (
        "a cat --seed " + "9" * 5000,
        FlagError(FlagErrorKind.BAD_VALUE, "--seed", "9" * 5000, low=0, high=MAX_SEED),
    ),
    (
        "a cat --steps 2.5",
        FlagError(FlagErrorKind.BAD_VALUE, "--steps", "2.5", low=1, high=MAX_STEPS),
    ),
    ("a cat —cfg NaN", FlagError(FlagErrorKind.BAD_VALUE, "—cfg", "NaN", low=1, high=MAX_GUIDANCE)),
    (
        "a cat --cfg 1e999",
        FlagError(FlagErrorKind.BAD_VALUE, "--cfg", "1e999", low=1, high=MAX_GUIDANCE),
    ),
    ("a cat --repeat 0", FlagError(FlagErrorKind.BAD_VALUE, "--repeat", "0", low=1, high=40)),
    ("a cat --repeat 41", FlagError(FlagErrorKind.BAD_VALUE, "--repeat", "41", low=1, high=40)),
    ("a cat --chaos 101", FlagError(FlagErrorKind.BAD_VALUE, "--chaos", "101", low=0, high=100)),
    ("a cat --iw 4", FlagError(FlagErrorKind.BAD_VALUE, "--iw", "4", low=0, high=3)),
    ("a cat --refine 3", FlagError(FlagErrorKind.BAD_VALUE, "--refine", "3", low=0, high=0.35)),
    ("a cat --style 4b", FlagError(FlagErrorKind.BAD_VALUE, "--style", "4b", STYLE_NAMES)),
    (
        "a cat --q 3",
        FlagError(
            FlagErrorKind.BAD_VALUE, "--q", "3", ("0.5", "1", "2", "fast", "standard", "fine")
        ),
    ),
    (
        "a cat --enhance more",
        FlagError(FlagErrorKind.BAD_VALUE, "--enhance", "more", ("off", "light", "full", "smart")),
    ),
    ("a cat --seed 5 —seed 6", FlagError(FlagErrorKind.TWICE, "—seed", "6", ("--seed 5",))),
    (
        "a cat --ar 2:1 --size 64x64",
        FlagError(FlagErrorKind.TWICE, "--size", "64x64", ("--ar 2:1",)),
    ),
    ("a cat --draft --q 2", FlagError(FlagErrorKind.TWICE, "--q", "2", ("--draft",))),
    (
        "a cat --region middle-left",
        FlagError(FlagErrorKind.BAD_VALUE, "--region", "middle-left", tuple(Region)),
    ),
    ("a cat --size 1024", FlagError(FlagErrorKind.BAD_VALUE, "--size", "1024", ("1024x768",))),
    (
        "a cat --size 1024x768dpi",
        FlagError(FlagErrorKind.BAD_VALUE, "--size", "1024x768dpi", ("1024x768",)),
    ),
    (
        "a cat --style oilpaintings",
        FlagError(FlagErrorKind.BAD_VALUE, "--style", "oilpaintings", STYLE_NAMES),
    ),
    ("a cat --style", FlagError(FlagErrorKind.MISSING, "--style", "", STYLE_NAMES)),
    (
        "a cat --style oil --style ink",
        FlagError(FlagErrorKind.TWICE, "--style", "ink", ("--style oil",)),
    ),
    ("a cat --raw --enhance full", FlagError(FlagErrorKind.TWICE, "--enhance", "full", ("--raw",))),
    ("a cat --横版 --ar 1:1", FlagError(FlagErrorKind.TWICE, "--ar", "1:1", ("--横版",))),
    ("猫 --比列 16:9", FlagError(FlagErrorKind.UNKNOWN, "--比列", suggestion="--比例")),
    ("猫 --比例", FlagError(FlagErrorKind.MISSING, "--比例", expected=ASPECTS)),
    ("a cat -- v 6", FlagError(FlagErrorKind.UNSUPPORTED, "-- v")),
    ("a cat -v 6.1", FlagError(FlagErrorKind.UNSUPPORTED, "-v")),
    ("a cat — s 250", FlagError(FlagErrorKind.UNSUPPORTED, "— s", suggestion="--enhance")),
    ("a cat--niji 6", FlagError(FlagErrorKind.UNSUPPORTED, "--niji")),
]


@pytest.mark.parametrize(("text", "bad"), WRONG, ids=[text[:40] for text, _ in WRONG])
def test_a_flag_that_cannot_be_obeyed_is_named(text: str, bad: FlagError):
    """An invalid flag is returned as written, with the values that it accepts."""
    assert parse(text) == FlagProblem((bad,))
    assert expand(text) == FlagProblem((bad,))


def test_no_flag_is_both_obeyed_and_refused():
    """No flag is both supported and unsupported, and every suggested flag exists."""
    assert not FLAGS.keys() & UNSUPPORTED.keys()
    assert {each for each in UNSUPPORTED.values() if each} <= FLAGS.keys()


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
    """A backslash turns a flag or a brace into text; elsewhere it is an ordinary backslash."""
    assert parse(text) == ParsedPrompt(prompt)


# Pictures


def test_far_too_many_choices_are_only_counted():
    """A text with a billion permutations is answered at once, and so is random text."""
    began = time.process_time()
    assert permutations("{a,b}" * 30) == Permutations((), 2**30)
    assert expand("{a,b}" * 30 + " --repeat 3") == TooManyPictures(3 * 2**30, 40)
    for nested in ("{" * 3000 + "a" + "}" * 3000, "{" * 3000, "{ " * 2000 + "a"):
        assert expand(nested) == (ParsedPrompt(nested),)
    for sign in ("\\", "“", ' "', "-", "—a", "猫——a", "{,", "\\--a ", "{a,", "`{", "$\\a{"):
        expand(sign * (4000 // len(sign)))
    assert time.process_time() - began < 2


def test_the_limit_counts_pictures():
    """Pictures up to the limit are returned; above it only their number. Repeats count."""
    assert permutations("{a,b,c}", 3) == Permutations(("a", "b", "c"), 3)
    assert permutations("{a,b,c}", 2) == Permutations((), 3)
    assert len(found("{a,b} --repeat 20")) == 40
    assert expand("{a,b} --repeat 21") == TooManyPictures(42, 40)
    assert expand("a --repeat {2, 3}", 4) == TooManyPictures(5, 4)


def test_choices_hold_flags_and_repeats_multiply():
    """Each picture has a separate prompt and flags; a given seed counts up and wraps around."""
    assert expand("{red, blue} house --ar {1:1, 16:9}") == (
        ParsedPrompt("red house", {"aspect": "1:1"}),
        ParsedPrompt("red house", {"aspect": "16:9"}),
        ParsedPrompt("blue house", {"aspect": "1:1"}),
        ParsedPrompt("blue house", {"aspect": "16:9"}),
    )
    assert expand("{a cat --raw, a dog}") == (
        ParsedPrompt("a cat", {"enhance": EnhancementLevel.OFF}),
        ParsedPrompt("a dog"),
    )
    assert expand("a cat --repeat 2") == (ParsedPrompt("a cat"), ParsedPrompt("a cat"))
    seeds = [each.given["seed"] for each in found("{a, b} --seed 4294967295 --repeat 2")]
    assert seeds == [MAX_SEED, 0, MAX_SEED, 0]


def found(text: str) -> tuple[ParsedPrompt, ...]:
    """Return the pictures of a valid text."""
    outcome = expand(text)
    assert isinstance(outcome, tuple)
    return outcome


# Properties of any text


@given(TEXTS)
@example("--no" + "\\" * 9 + '"')
@example("--ar \ud800")
def test_no_text_raises(text: str):
    """Any text gives a result of the documented types."""
    parsed = parse(text)
    assert isinstance(parsed, ParsedPrompt | FlagProblem)
    assert isinstance(permutations(text), Permutations | FlagError)
    assert isinstance(expand(text), tuple | FlagProblem | TooManyPictures)
    if isinstance(parsed, FlagProblem):
        assert parsed.errors and isinstance(parse(without_flags(text, parsed)), ParsedPrompt)


@given(TEXTS)
def test_text_without_flags_and_braces_is_left_alone(text: str):
    """An ordinary prompt keeps every character, including spaces, dashes and backslashes."""
    assume(not re.search(r"[{}｛｝]|[-—–−‒－‑‐﹣―⸺][A-Za-zＡ-Ｚａ-ｚ0-9]", text))
    assert parse(text) == ParsedPrompt(text)
    assert permutations(text) == Permutations((text,), 1)
    assert expand(text) == (ParsedPrompt(text),)


@given(
    st.lists(st.sampled_from(["a red fox", "猫", "“--v 6”", "in the snow", "5 — 6", "9:16"])),
    st.lists(
        st.sampled_from(["--ar 16:9", "—Seed 5", "--raw", "–q 2", "--refine .3", "--private"]),
        unique=True,
    ),
    st.randoms(use_true_random=False),
)
def test_flags_may_stand_anywhere(words: list[str], flags: list[str], random: Random):
    """In any order, each flag is read and no word of the prompt is lost."""
    places = sorted(random.randint(0, len(words)) for _ in flags)
    mixed = list(words)
    for place, flag in reversed(list(zip(places, flags, strict=True))):
        mixed.insert(place, flag)
    alone = parse(" ".join(flags))
    assert isinstance(alone, ParsedPrompt)
    assert parse(" ".join(mixed)) == dataclasses.replace(alone, prompt=" ".join(words))


@given(TEXTS)
def test_orders_are_as_many_as_were_counted(text: str):
    """The number of pictures shown before painting is the number painted."""
    counted = permutations(text)
    outcome = expand(text)
    if isinstance(counted, Permutations) and isinstance(outcome, tuple):
        assert len(counted.prompts) == counted.total <= len(outcome)

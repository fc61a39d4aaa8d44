"""A command with its options that was pasted as a prompt is obeyed as if it had been typed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import words
from bot.request.input_sources import InputSpec, UrlSource
from bot.request.notes import UnknownOptions
from bot.request.options import OPTIONS
from bot.request.outcomes import FlagProblem, Refused, ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.pending import PendingRequest, with_named_pictures
from bot.request.prompt.apply_flags import ParsedRequest, apply_flags, apply_flags_to_each
from bot.request.prompt.flags import ParsedPrompt, parse, without_flags
from bot.request.prompt.pasted.command import read_command, unknown_options, without_command
from bot.request.resolve import resolve
from bot.wording.labels import level_name, speed_name, style_name
from bot.wording.names import command_name
from bot.wording.rejections import note_sentence, refusal
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.types import Mode
from tests.bot.request.strange_texts import TEXTS
from tests.fakes import KNOWS_ALL

FILE = "https://cdn.discordapp.com/attachments/12/34/cat.png?ex=1a&is=2b&hm=3c&"


def parsed(text: str) -> ParsedRequest:
    """Return what a valid prompt asks for."""
    outcome = apply_flags(GenerationParams(text), 1, False)
    assert isinstance(outcome, ParsedRequest), outcome
    return outcome


@pytest.mark.parametrize(
    ("text", "prompt", "options"),
    [
        (
            "/imagine prompt:a red house aspect:16:9 seed:5",
            "a red house",
            {"aspect": "16:9", "seed": 5},
        ),
        (
            "/imagine prompt: a red house aspect: 16:9 seed: 5",
            "a red house",
            {"aspect": "16:9", "seed": 5},
        ),
        ("/imagine aspect:16:9 prompt:a red house", "a red house", {"aspect": "16:9"}),
        ("/imagine seed:5 prompt:a red house in snow", "a red house in snow", {"seed": 5}),
        ("/Imagine Prompt:a house Seed:5", "a house", {"seed": 5}),
        (
            "/imagine prompt:a house negative:fog, people speed:fast guidance:1.5",
            "a house",
            {"negative": "fog, people", "speed": Speed.FAST, "guidance": 1.5},
        ),
        (
            "/作画 提示词:一座红房子 比例:16:9 种子:5 速度:快速",
            "一座红房子",
            {"aspect": "16:9", "seed": 5, "speed": Speed.FAST},
        ),
        ("/作畫 種子:5 提示詞:一座房子", "一座房子", {"seed": 5}),
        ("/作画 一座房子 风格:油画", "一座房子", {"style": PictureStyle.OIL}),
        ("/作画室里的猫", "/作画室里的猫", {}),
        ("/imagine prompt:a house style:oil painting", "a house", {"style": PictureStyle.OIL}),
        (
            "/imagine prompt:a house enhance:full: also adds what the prompt implies seed:5",
            "a house",
            {"enhance": EnhancementLevel.FULL, "seed": 5},
        ),
        ("/imagine prompt:a house negative_prompt:fog", "a house", {"negative": "fog"}),
        ("/imagine prompt:a house aspect_ratio:2:3", "a house", {"aspect": "2:3"}),
        ("/imagine prompt:a house seed:random", "a house", {}),
        ("/imagine prompt:a house seed:5 in the snow", "a house in the snow", {"seed": 5}),
        ("/imagine prompt:a house seed:5 --ar 16:9", "a house", {"seed": 5, "aspect": "16:9"}),
        ("/imagine prompt:a house --no fog seed:5", "a house", {"seed": 5, "negative": "fog"}),
        ("/dream prompt:a house seed:5", "a house", {"seed": 5}),
        ("/image create prompt:a house seed:5", "a house", {"seed": 5}),
        ("/dream seed:5 aspect:16:9 prompt:a house", "a house", {"seed": 5, "aspect": "16:9"}),
        ("/imagine a house seed:5", "a house", {"seed": 5}),
        ("!imagine a house seed:5", "a house", {"seed": 5}),
        (
            "/imagine prompt: a house, in snow, style: anime, aspect ratio: 16:9, seed: 5",
            "a house, in snow",
            {"style": PictureStyle.ANIME, "aspect": "16:9", "seed": 5},
        ),
        ("/imagine prompt: a house, seed: 5, in snow", "a house, in snow", {"seed": 5}),
        ("/imagine prompt:a sea\u200bside seed\u2060:5", "a seaside", {"seed": 5}),
        ("/imagine prompt:一只猫 比例:16:9 种子:5", "一只猫", {"aspect": "16:9", "seed": 5}),
        ("/imagine prompt:一只猫，比例：16：9，种子：５", "一只猫", {"aspect": "16:9", "seed": 5}),
        (
            "/imagine prompt:一只猫 风格:水墨 速度:快 负面提示词:雾，雨",
            "一只猫",
            {"style": PictureStyle.INK, "speed": Speed.FAST, "negative": "雾，雨"},
        ),
        ("`/imagine prompt:a house seed:5`", "a house", {"seed": 5}),
        ("> /imagine prompt:a house seed:5", "a house", {"seed": 5}),
    ],
)
def test_its_options_are_obeyed(text: str, prompt: str, options: dict[str, Any]):
    """Every option that the client copies is taken out of the prompt and decides what it says."""
    assert parsed(text).params == GenerationParams(prompt, **options)


@pytest.mark.parametrize(
    ("text", "count", "private"),
    [
        ("/imagine prompt:a house count:3", 3, False),
        ("/imagine prompt:a house private:True count:2", 2, True),
        ("/imagine prompt:a house private:False", 1, False),
        ("/imagine prompt:一只猫 张数:2 私密:是", 2, True),
    ],
)
def test_number_and_privacy_are_obeyed(text: str, count: int, private: bool):
    """The options of the job itself are taken too."""
    found = parsed(text)
    assert (found.count, found.private) == (count, private)
    assert found.params.prompt in ("a house", "一只猫")


@pytest.mark.parametrize(
    "text",
    [
        "seed: a poem",
        "a packet with seed:5 on it",
        "style: impressionist oil",
        "a house, style: oil, aspect: 16:9",
        "aspect:16:9 seed:5",
        "海报，风格：水墨，比例：16:9",
        "I typed /imagine prompt:a house seed:5",
        "a prompt: a house seed:5",
        "/r/pics: a house seed:5",
        "/home/me a house seed:5",
    ],
)
def test_without_the_command_it_is_text(text: str):
    """Names with a colon are words of a prompt that no command stands before."""
    assert parsed(text).params == GenerationParams(text)
    assert read_command(text) is None and without_command(text) == text


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("/imagine prompt: a book with seed: a poem", "a book with seed: a poem"),
        ("/imagine prompt: a house, style: impressionist", "a house, style: impressionist"),
        ("/imagine prompt:海报，风格：印象派油画", "海报，风格：印象派油画"),
        ('/imagine prompt:a sign "seed:5"', 'a sign "seed:5"'),
        ("/imagine prompt:一块写着「种子:5」的牌子", "一块写着「种子:5」的牌子"),
        ("/imagine prompt:a birdseed:5 bag", "a birdseed:5 bag"),
        (
            '/imagine prompt:{"subject": "a cat", "style": "oil", "seed": 5}',
            '{"subject": "a cat", "style": "oil", "seed": 5}',
        ),
        (
            "/imagine prompt:{subject: a cat, style: oil, seed: 5}",
            "{subject: a cat, style: oil, seed: 5}",
        ),
        ("/imagine prompt:a house Prompt: a cat", "a house Prompt: a cat"),
        ("/imagine prompt:a clock at 12:30, a 4:3 screen", "a clock at 12:30, a 4:3 screen"),
        ("/imagine prompt:std::seed::5", "std::seed::5"),
    ],
)
def test_prose_behind_the_command_stays(text: str, prompt: str):
    """What has no value of the option, or is quoted, is part of the prompt."""
    found = parsed(text).params
    assert found == GenerationParams(prompt, unknown_options=found.unknown_options)


@pytest.mark.parametrize(
    ("text", "prompt", "unknown"),
    [
        ("/imagine prompt:a house model:flux seed:5", "a house model:flux", ("model:flux",)),
        (
            "/dream prompt:a house steps:30 sampler:euler",
            "a house steps:30 sampler:euler",
            ("steps:30", "sampler:euler"),
        ),
        (
            "/imagine prompt:a house picture:cat.png",
            "a house picture:cat.png",
            ("picture:cat.png",),
        ),
        (
            "/blend first:a.png second:b.png prompt:a house seed:5",
            "first:a.png second:b.png prompt:a house",
            ("first:a.png", "second:b.png"),
        ),
        (
            "/imagine prompt:a house private:maybe seed:5",
            "a house private:maybe",
            ("private:maybe",),
        ),
        ("/imagine prompt:一只猫 模型:某某 种子:5", "一只猫 模型:某某", ("模型:某某",)),
    ],
)
def test_what_is_unknown_is_read_as_words_and_named(
    text: str, prompt: str, unknown: tuple[str, ...]
):
    """An option that does not exist here stays in the prompt, and a note says so."""
    params = parsed(text).params
    assert (params.prompt, params.unknown_options) == (prompt, unknown) and unknown_options(text)
    resolved = resolve(params, KNOWS_ALL, lambda: 1)
    assert isinstance(resolved, ResolvedRequest) and UnknownOptions(unknown) in resolved.notes
    said = note_sentence(UnknownOptions(unknown), words())
    assert said.startswith("Not taken as options") and f"“{unknown[0]}”" in said


@pytest.mark.parametrize(
    "text",
    ["Prompt: a house", "prompt:a house", "**Prompt:** a house", "Image prompt: a house"],
)
def test_the_label_of_a_prompt_is_no_part_of_it(text: str):
    """“Prompt:” in front is dropped; what looks like an option behind it is still text."""
    assert parsed(text).params == GenerationParams("a house")
    assert parsed(f"{text} seed:5").params == GenerationParams("a house seed:5")


def test_options_may_hold_choices():
    """Choices in the value of an option are expanded like those of a flag."""
    found = apply_flags_to_each(
        GenerationParams("/imagine prompt:{a cat, a dog} seed:{5, 6} aspect:16:9"), 1, False
    )
    assert not isinstance(found, Refused)
    assert [(each.params.prompt, each.params.seed) for each in found] == [
        ("a cat", 5),
        ("a cat", 6),
        ("a dog", 5),
        ("a dog", 6),
    ]
    assert {each.params.aspect for each in found} == {"16:9"}


def test_a_wrong_value_is_named_and_can_be_left_out():
    """A value that an option cannot have is refused like a flag's, and the rest is painted."""
    text = "/imagine prompt:a red house seed:abc aspect:16:9 speed:quick"
    refused = apply_flags(GenerationParams(text), 1, False)
    assert isinstance(refused, Refused) and isinstance(refused.reason, FlagProblem)
    said = refusal(refused, words(), str)
    assert "`abc`" in said and "`quick`" in said
    left = without_flags(text, refused.reason)
    assert parsed(left).params == GenerationParams("a red house", aspect="16:9")


def test_a_picture_by_its_address_is_painted_from():
    """The address of an attachment that was copied as an option is a source image."""
    for text in (
        f"/imagine prompt:a red house picture:{FILE} strength:0.4 model:x",
        f"/imagine picture:{FILE} prompt:a red house strength:0.4 model:x",
    ):
        found = with_named_pictures(PendingRequest(GenerationParams(text)))
        assert found.spec == InputSpec(Mode.IMAGE, (UrlSource(FILE),))
        assert found.params.unknown_options == ("model:x",)
        assert found.params.prompt == "a red house model:x --strength 0.4"


@given(
    TEXTS
    | st.lists(st.sampled_from(["seed:", "5", " ", "prompt:", "{", "“", "a cat"])).map("".join)
)
def test_reading_it_again_changes_nothing(text: str):
    """What a command says is read once: no text raises, and the result is settled."""
    once = without_command(f"/imagine prompt:{text}")
    if not once.lstrip().lower().startswith(("/", "imagine")):
        assert without_command(once) == once


@pytest.mark.parametrize("piece", ["seed:", "seed:5 ", "a:b ", "prompt:", "{seed:5 ", "/imagine "])
def test_a_long_text_is_read_quickly(piece: str):
    """The longest prompt takes no noticeable time."""
    before = time.process_time()
    without_command(f"/imagine {piece * (6000 // len(piece))}")
    assert time.process_time() - before < 1


CHINESE_VALUES = {
    "aspect": ("16:9", "16:9"),
    "count": ("3", 3),
    "enhance": (level_name(EnhancementLevel.FULL, words("zh-CN")), EnhancementLevel.FULL),
    "guidance": ("2.5", 2.5),
    "lora": ("ink", None),
    "negative": ("雾", "雾"),
    "preset": ("水墨", "水墨"),
    "private": ("True", True),
    "seed": ("5", 5),
    "speed": (speed_name(Speed.FINE, words("zh-CN")), Speed.FINE),
    "strength": ("0.5", 0.5),
    "style": (style_name(PictureStyle.OIL, words("zh-CN")), PictureStyle.OIL),
}
"""Values as a client in Chinese copies them, with what they mean. None: not a value of its own."""


@pytest.mark.parametrize(
    "name",
    [each.name for each in OPTIONS if each.command == "imagine" and each.description],
)
def test_it_is_read_in_the_language_of_the_client(name: str):
    """Each option with a Chinese name and value is the same as in English."""
    say = words("zh-CN")
    value, meant = CHINESE_VALUES[name]
    typed = (
        command_name("imagine", say),
        f"{say.name('prompt')}:一座房子",
        f"{say.name(name)}:{value}",
    )
    command = " ".join(typed)
    prompt = without_command(command)
    assert prompt.startswith("一座房子 --") and unknown_options(command) == ()
    outcome = parse(prompt)
    assert isinstance(outcome, ParsedPrompt) and outcome.prompt == "一座房子"
    assert name in outcome.given and meant in (None, outcome.given[name])

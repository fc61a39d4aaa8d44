"""Another program's text is taken apart, whole or on one line; any other prompt is left alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.request.prompt.flag_line import line_with_flags
from bot.request.prompt.flags import ParsedPrompt, escape_prompt, parse
from bot.request.prompt.pasted.parameters_text import (
    MAX_CHARS,
    ParametersText,
    escape,
    joined_lines,
    read_embedded,
    read_typed,
    unescape,
)

SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12345, Size: 512x768"
CIVITAI = (
    "Steps: 30, CFG scale: 7, Sampler: DPM++ 2M Karras, Seed: 12345, Size: 512x768, "
    'Hires steps: 10, Lora hashes: "add: 12, more: 34", Clip skip: 2, '
    "Created Date: 2025-01-01T00:00:00.000Z, Civitai resources: "
    '[{"type":"checkpoint","modelVersionId":123,"modelName":"x, y"}], Civitai metadata: {}'
)
FORGE = (
    "Steps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, "
    "Seed: 12345, Size: 512x768, Model hash: 4610115bb0, Model: flux1-dev, "
    "Version: f2.0.1v1.10.1-previous-313-g8a042934, Module 1: ae, Module 2: clip_l"
)
SD_NEXT = (
    "Steps: 20, Size: 512x768, Sampler: Euler a, Seed: 12345, CFG scale: 7, App: SD.Next, "
    "Version: 1b2c3d4, Pipeline: StableDiffusionXLPipeline, Operations: txt2img"
)
HASHES = f'{SETTINGS}, Hashes: {{"model": "0a1b", "vae": "2c3d"}}, Version: v1.10.1'


@pytest.mark.parametrize("gap", ["\n", " ", "\r\n", "\n\n", "  "])
@pytest.mark.parametrize("settings", [SETTINGS, CIVITAI, FORGE, SD_NEXT, HASHES])
def test_a_pasted_text_is_taken_apart(settings: str, gap: str):
    """Prompt, negative prompt, seed and size of each writer are found, on lines and on one line."""
    found = read_typed(gap.join(["a red house, snow", "Negative prompt: night, fog", settings]))
    assert found is not None and found.flags == ""
    assert (found.prompt, found.negative) == ("a red house, snow", "night, fog")
    assert (found.seed, found.size) == (12345, (512, 768))
    assert "Steps" in found.others and "Seed" not in found.others


@pytest.mark.parametrize(
    ("text", "prompt", "negative", "seed", "size"),
    [
        (f"a red house {SETTINGS}", "a red house", "", 12345, (512, 768)),
        (f"a red house, {SETTINGS}", "a red house", "", 12345, (512, 768)),
        (f"a red houseNegative prompt: snow{SETTINGS}", "a red house", "snow", 12345, (512, 768)),
        (f"(a red house:1.2){SETTINGS}", "(a red house:1.2)", "", 12345, (512, 768)),
        (f"a form, Negative prompt: x\n{SETTINGS}", "a form, Negative prompt: x", "", 12345,
         (512, 768)),
        (f'"Negative prompt: x" Negative prompt: y {SETTINGS}', '"Negative prompt: x"', "y",
         12345, (512, 768)),
        (f"Prompt: a red house\nNegative prompt: b\n{SETTINGS}", "a red house", "b", 12345,
         (512, 768)),
        (f"a Negative prompt: b {SETTINGS}.", "a", "b", 12345, (512, 768)),
        (f"a Negative prompt: b {SETTINGS}, ", "a", "b", 12345, (512, 768)),
        (f"a Negative prompt: b {SETTINGS.replace(',', '')}", "a", "b", 12345, (512, 768)),
        (f"a Model: A, b {SETTINGS.replace(',', '')}", "a Model: A, b", "", 12345, (512, 768)),
        ("a\nNegative prompt: b\n" + SETTINGS.replace(", ", "\n"), "a", "b", 12345, (512, 768)),
        (f"a red house.\n{SETTINGS}", "a red house.", "", 12345, (512, 768)),
        ("a\nb\nNegative prompt: c\nd\n" + SETTINGS, "a\nb", "c\nd", 12345, (512, 768)),
        ("a\nNegative prompt:\n" + SETTINGS, "a", "", 12345, (512, 768)),
        ("a negative prompt: fog steps: 20, sampler: x, seed: 3", "a", "fog", 3, None),
        ("雪地里的红房子 Negative prompt: 夜晚 " + SETTINGS, "雪地里的红房子", "夜晚", 12345,
         (512, 768)),
        ("a Steps：20，Sampler：Euler，Seed：3，Size：512×768", "a", "", 3, (512, 768)),
        ("a red house\nNegative prompt: night, snow", "a red house", "night, snow", None, None),
        ("a\nNegative prompt: b\nSeed: 3, Steps: 20, Size: 64x64", "a", "b", 3, (64, 64)),
        (f"```\na\nNegative prompt: b\n{SETTINGS}\n```", "a", "b", 12345, (512, 768)),
        ("a Steps: 20, Sampler: x, Seed: -1", "a", "", -1, None),
        (SETTINGS, "", "", 12345, (512, 768)),
        # Two lists: the last one tells how it was painted.
        (f"a Steps: 1, Seed: 2, Size: 3x3, b {SETTINGS}", "a Steps: 1, Seed: 2, Size: 3x3, b", "",
         12345, (512, 768)),
    ],
)  # fmt: skip
def test_other_ways_to_write_it(
    text: str, prompt: str, negative: str, seed: int | None, size: tuple[int, int] | None
):
    """Parts may be missing, in another order, in Chinese punctuation, or in a code block."""
    found = read_typed(text)
    assert found is not None
    assert (found.prompt, found.negative, found.seed, found.size) == (prompt, negative, seed, size)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a red house",
        "a staircase with steps: 20, wide angle",
        "a poster with the words negative prompt: none",
        "a form with the field Negative prompt: empty",
        'a sign that reads "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5"',
        "a sign that reads “Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5”",
        f"a screen that shows {SETTINGS} and a cup of tea",
        "a recipe card, Steps: 20, Size: large, Model: grandma",
        "a dance with steps: 12, sampler: drums, seed: sunflower",
        "steps: 20",
        "Negative prompt: fog",
        "the book of Model: T, Version: 2, Sampler: none",
        "a seed: 5, size: 3x4, a garden",
        "a house --steps 8 --seed 5 --no fog",
        "Seed: 1" * 20_000,
    ],
)
def test_prose_is_left_alone(text: str):
    """A prompt that only contains such words is no such text."""
    assert read_typed(text) is None
    assert unescape(text) == text == escape(text)


@pytest.mark.parametrize(
    ("text", "flags", "negative"),
    [
        (f"a\nNegative prompt: fog\n{SETTINGS} --ar 16:9 --seed 5", "--ar 16:9 --seed 5", "fog"),
        (f"a Negative prompt: fog --ar 16:9 {SETTINGS}", "--ar 16:9", "fog"),
        (f"a Negative prompt: fog {SETTINGS}, Version: v1.10.1 --no people", "--no people", "fog"),
        (f"a\nNegative prompt: fog\n{SETTINGS}\nat night", "at night", "fog"),
    ],
)
def test_what_is_typed_behind_is_kept(text: str, flags: str, negative: str):
    """Flags behind the negative prompt or the settings, and words on a further line, are kept."""
    found = read_typed(text)
    assert found is not None and (found.flags, found.negative) == (flags, negative)


def test_the_settings_are_named_once_and_in_order():
    """All settings but seed and size are named, whatever their values contain."""
    found = read_typed(f"a {CIVITAI}")
    assert found is not None
    assert found.others == (
        "Steps", "CFG scale", "Sampler", "Hires steps", "Lora hashes", "Clip skip",
        "Created Date", "Civitai resources", "Civitai metadata",
    )  # fmt: skip
    assert found.value("lora hashes") == "add: 12, more: 34"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat\nSteps: 20", ParametersText("a cat", "", (("Steps", "20"),))),
        ("Negative prompt: x\nSteps: 1, Seed: 2, Size: 3x4",
         ParametersText("", "x", (("Steps", "1"), ("Seed", "2"), ("Size", "3x4")))),
        ("a sign: Negative prompt: x\nSteps: 1, Seed: 2, Size: 3x4",
         ParametersText("a sign: Negative prompt: x", "",
                        (("Steps", "1"), ("Seed", "2"), ("Size", "3x4")))),
        ("a cat", ParametersText("a cat")),
        ("", ParametersText("")),
    ],
)  # fmt: skip
def test_embedded_texts_are_read_by_their_lines(text: str, expected: ParametersText):
    """Within a file, only a line that begins with "Negative prompt:" begins one."""
    assert read_embedded(text) == expected


def test_lines_of_one_text_are_joined():
    """In a list of prompts, negative prompt and settings belong to the prompt before them."""
    lines = ["a", "Negative prompt: b", SETTINGS, "c", f"d {SETTINGS}"]
    assert joined_lines(lines) == [f"a\nNegative prompt: b\n{SETTINGS}", "c", f"d {SETTINGS}"]
    assert joined_lines(["Negative prompt: b"]) == ["Negative prompt: b"]


PARTS = st.lists(
    st.sampled_from(
        ["Steps: 20", "Seed: 5", "Size: 64x64", "Sampler: x", "Negative prompt: fog", "a house",
         ", ", " ", "\\", '"', "Model: m", "{a, b}", "--ar 16:9", "steps：2", "CFG scale: 7,"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(PARTS | st.text(max_size=40))
@example("\\Steps: 20, Seed: 5, Size: 3x3")
@example("a Steps: 20 Seed: 5 Size: 3x3 Sampler: x")
@example("a Model: b, Steps: 20 Seed: 5 Size: 3x3 Steps: 2 Sampler: x Seed: 5")
def test_an_escaped_prompt_comes_back(prompt: str):
    """A prompt that looks like such a text can be written so that it is read as itself."""
    one_line = " ".join(prompt.split())
    assert unescape(escape(one_line)) == one_line
    assert read_typed(escape(one_line)) is None
    line = line_with_flags(one_line, ["--seed 5"], "")
    assert read_typed(line) is None
    assert parse(escape_prompt(one_line)) == ParsedPrompt(one_line)


def test_a_long_text_is_read_in_time():
    """Texts up to the limit take linear time, longer ones are no pasted text."""
    hostile = "Steps: 1, Seed: 2, " * (MAX_CHARS // 20)
    assert read_typed(hostile) is None
    assert read_typed("a " * MAX_CHARS + SETTINGS) is None
    read_embedded("Steps: 1\n" * MAX_CHARS)

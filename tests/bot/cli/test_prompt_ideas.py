"""Ideas for newcomers fit the model in use."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bot.cli.common.prompt_ideas import prompt_ideas
from engine.sketch.phrases_en import COLOUR_WORDS, THING_WORDS
from engine.sketch.phrases_zh import COLOUR_WORDS as ZH_COLOURS

MODELS = ["sketch", "Tongyi-MAI/Z-Image-Turbo", "/models/mine", "sketch2"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("language", ["en-US", "zh-CN", "de", "zh-TW"])
def test_surprises_are_many_and_in_the_language(model: str, language: str) -> None:
    """Hundreds of different one-line prompts, in Chinese for Chinese and in English else."""
    ideas = prompt_ideas(model, np.random.default_rng(1))
    found = [ideas.surprise(language) for _ in range(200)]
    assert len(set(found)) > 100
    for prompt in found:
        chinese = any("\u4e00" <= char <= "\u9fff" for char in prompt)
        assert chinese == language.startswith("zh"), prompt
        assert prompt == prompt.strip() and "\n" not in prompt and "  " not in prompt
        assert not set(prompt) & set("{}|") and " --" not in prompt  # permutations and flags


def test_sketch_is_asked_for_what_it_knows() -> None:
    """A surprise for sketch always has a thing in a colour, in the words it was trained on."""
    ideas = prompt_ideas("sketch", np.random.default_rng(2))
    for _ in range(200):
        english, chinese = ideas.surprise("en-US").lower(), ideas.surprise("zh-CN")
        assert any(word in english for words in COLOUR_WORDS.values() for word in words)
        assert any(word.lower() in english for words in THING_WORDS.values() for word in words)
        assert any(
            word.removesuffix("的") in chinese for words in ZH_COLOURS.values() for word in words
        )


def test_examples_differ_by_model() -> None:
    """A large model is not asked for the simple scenes of sketch; both languages have as many."""
    sketch, large = (prompt_ideas(model, np.random.default_rng(1)) for model in MODELS[:2])
    for language in ("en-US", "zh-CN"):
        assert len(sketch.examples[language]) == len(large.examples[language]) == 3
        assert not set(sketch.examples[language]) & set(large.examples[language])


def test_surprises_for_sketch_read_well() -> None:
    """Nobody is called a yellow woman for their yellow coat, and no size stands behind a colour."""
    ideas = prompt_ideas("sketch", np.random.default_rng(4))
    found = [ideas.surprise("en-US").lower() for _ in range(1000)]
    colours = "|".join(word for words in COLOUR_WORDS.values() for word in words)
    people = "|".join(THING_WORDS["person"])
    assert not [each for each in found if re.search(rf"({colours}) ({people})\b", each)]
    assert not [each for each in found if re.search(rf"({colours}) (little|big|tall)\b", each)]
    assert any(re.search(rf"\ba ({people})\b", each) for each in found)

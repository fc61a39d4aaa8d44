"""The tokenizer: byte-level BPE whose merges never span two words of a caption."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Qwen2Tokenizer

from engine.sketch import phrases_en, phrases_zh
from engine.sketch.captions import Wording, caption, patterns
from engine.sketch.fillers import CHINESE
from engine.sketch.spec import draw_scene

VOCABULARY_SIZE: Final = 2560
"""Chosen by hand: all words of the grammar fit."""

CHAT_TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ ' ' ~ message['content'] | trim | lower if message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen3's own template for one user turn, except that a prompt is in small letters and its first
word has a space before it: a word is then the same token wherever it stands, however it is typed.
"""

_TEMPLATE_WEIGHT: Final = 4000
_CAPTIONS: Final = 12000
_WORD_WEIGHT: Final = 30
_CHINESE_WEIGHT: Final = 60
_THING_WEIGHT: Final = 6
"""How many captions the corpus has, and how often it repeats the template, words, Chinese words and
the Chinese things among them. By hand."""
_SPECIAL: Final = ["<|im_start|>"]


def train_tokenizer(seed: int) -> Qwen2Tokenizer:
    """Train the tokenizer on the grammar's words, English and Chinese."""
    alphabet = {symbol: i for i, symbol in enumerate(sorted(ByteLevel.alphabet()))}
    untrained = _tokenizer(alphabet, [])
    trained = untrained.train_new_from_iterator(_corpus(seed), VOCABULARY_SIZE)
    model = _model(trained)
    merges = [tuple(merge) for merge in model["merges"]]
    words = {**alphabet}
    for left, right in merges:
        words.setdefault(left + right, len(words))
    return _tokenizer(words, merges)


def _tokenizer(vocabulary: dict[str, int], merges: Any) -> Qwen2Tokenizer:
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=_SPECIAL,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _model(tokenizer: Any) -> dict[str, Any]:
    return json.loads(tokenizer.backend_tokenizer.to_str())["model"]


def _corpus(seed: int) -> Iterator[str]:
    """Yield English captions, which the pre-tokenizer splits into words, and the words themselves.

    Chinese has no spaces: on whole captions BPE would merge a colour with its thing, and a pair
    that training never saw would consist of other tokens than the pairs it knows.
    """
    for _ in range(_TEMPLATE_WEIGHT):
        yield "user\nassistant\n"
    for i in range(_CAPTIONS):
        rng = np.random.default_rng((seed, 2, i))
        options = patterns("en")
        pattern = options[int(rng.integers(len(options)))]
        wording = Wording("en", pattern, i % 2 == 0, loose=True)
        yield " " + caption(draw_scene(rng, held_out=False), wording, rng).lower()
    for _ in range(_WORD_WEIGHT):
        for phrase in _english_words():
            yield " " + phrase.lower()
    for _ in range(_CHINESE_WEIGHT):
        for phrase in _chinese_words():
            yield from re.split("(?<=[，。：？])|(?=[，。：？])", phrase)


def _english_words() -> Iterator[str]:
    tables = (
        phrases_en.THING_WORDS,
        phrases_en.COLOUR_WORDS,
        phrases_en.PLACE_NOUNS,
        phrases_en.PLACE_PHRASES,
        phrases_en.TIME_PHRASES,
        phrases_en.TIME_NOUNS,
        phrases_en.WEATHER_PHRASES,
        phrases_en.WEATHER_TAGS,
        phrases_en.STYLE_TAGS,
    )
    for table in tables:
        for words in table.values():
            yield from words


def _chinese_words() -> Iterator[str]:
    tables = (
        phrases_zh.COLOUR_WORDS,
        phrases_zh.PLACE_NOUNS,
        phrases_zh.PLACE_PHRASES,
        phrases_zh.TIME_PHRASES,
        phrases_zh.SKY_PHRASES,
        phrases_zh.WEATHER_PHRASES,
        phrases_zh.LIGHT_HINTS,
        phrases_zh.STYLE_OPENINGS,
        phrases_zh.STYLE_TAGS,
        phrases_zh.STYLE_QUALITY,
    )
    for table in tables:
        for words in table.values():
            yield from words
    for pairs in phrases_zh.THING_WORDS.values():
        for measure, thing in pairs:
            yield from ("一" + measure, measure, *[thing] * _THING_WEIGHT)
    for dresses in phrases_zh.GARMENTS.values():
        for dress in dresses:
            yield from dress.split("{}")
    for joiner in phrases_zh.JOINERS:
        yield from joiner.split("{}")
    for numbers in phrases_zh.NUMBER_WORDS.values():
        yield from numbers
    yield from phrases_zh.OPENINGS
    yield from phrases_zh.SUNNY_PHRASES
    yield from phrases_zh.COLOURLESS_TAGS
    yield from phrases_zh.OTHER_STYLES
    yield from phrases_zh.QUALITY
    yield from phrases_zh.NEGATIVES
    yield from CHINESE.all()
    yield from ("的", "有", "在", "和", "用", "碗盛的", "碗里的", "吗", "，", "。", "？")

"""The tokenizer: byte-level BPE whose merges never span two words of a caption."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Qwen2Tokenizer

from engine.sketch import phrases_zh
from engine.sketch.captions import Wording, caption, patterns
from engine.sketch.spec import draw_scene

VOCABULARY_SIZE: Final = 1280
"""Chosen by hand: all words of the grammar fit."""

CHAT_TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Gives the same text for one user turn as Qwen3's own template."""

_TEMPLATE_WEIGHT: Final = 2000
_CHINESE_WEIGHT: Final = 60
"""How often template and Chinese words are repeated in the corpus. Chosen by hand."""
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
    """Yield English captions, which the pre-tokenizer splits into words, and Chinese words.

    Chinese has no spaces: on whole captions BPE would merge a colour with its thing, and a pair
    that training never saw would consist of other tokens than the pairs it knows.
    """
    for _ in range(_TEMPLATE_WEIGHT):
        yield "user\nassistant\n"
    for i in range(6000):
        rng = np.random.default_rng((seed, 2, i))
        options = patterns("en")
        pattern = options[int(rng.integers(len(options)))]
        yield caption(draw_scene(rng, held_out=False), Wording("en", pattern, i % 2 == 0), rng)
    for _ in range(_CHINESE_WEIGHT):
        for phrase in _chinese_words():
            yield from re.split("(?<=[，。：])|(?=[，。：])", phrase)


def _chinese_words() -> Iterator[str]:
    tables = (
        phrases_zh.COLOUR_WORDS,
        phrases_zh.PLACE_NOUNS,
        phrases_zh.PLACE_PHRASES,
        phrases_zh.TIME_PHRASES,
        phrases_zh.WEATHER_PHRASES,
        phrases_zh.LIGHT_HINTS,
    )
    for table in tables:
        for words in table.values():
            yield from words
    for pairs in phrases_zh.THING_WORDS.values():
        for count, thing in pairs:
            yield count
            yield thing
    yield from phrases_zh.OPENINGS
    yield from phrases_zh.QUALITY
    yield from phrases_zh.NEGATIVES
    yield from ("的", "有", "在", "和", "，", "。", "穿", "衣服", "外套", "戴", "帽子")

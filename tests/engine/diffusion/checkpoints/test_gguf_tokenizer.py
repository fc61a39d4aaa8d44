"""A tokenizer made from a GGUF file reads as the one that it was written from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from engine.diffusion.checkpoints import Unusable
from engine.diffusion.checkpoints.tokenizers import load_tokenizer
from engine.diffusion.families import QWEN3_CHAT
from engine.sketch import MODEL_DIR
from tests.engine.diffusion.checkpoints.layouts import TinyModel
from tests.engine.diffusion.checkpoints.loads import check, load, refusal
from tests.engine.diffusion.checkpoints.test_quantized_files import (
    encoder_keys,
    with_gguf_encoder,
)

FOLDER = MODEL_DIR / "tokenizer"


def metadata() -> dict[str, Any]:
    """What llama.cpp's converter makes of the demo model's tokenizer, which has merges."""
    table = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    special = {entry["content"]: entry["id"] for entry in table["added_tokens"]}
    tokens = sorted((table["model"]["vocab"] | special).items(), key=lambda one: one[1])
    merges = table["model"]["merges"]
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": [token for token, _ in tokens],
        "tokenizer.ggml.token_type": [3 if token in special else 1 for token, _ in tokens],
        "tokenizer.ggml.merges": [one if isinstance(one, str) else " ".join(one) for one in merges],
        "tokenizer.ggml.eos_token_id": special["<|im_end|>"],
        "tokenizer.ggml.padding_token_id": special["<|endoftext|>"],
    }


ORIGINAL: Any = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)
MADE: Any = load_tokenizer(None, {}, metadata(), QWEN3_CHAT, [])


@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    """Every text becomes the same tokens."""
    assert MADE(text).input_ids == ORIGINAL(text).input_ids


@pytest.mark.parametrize(
    "text",
    [
        "a red fox, 12 km away",
        "鲸鱼在海里",
        "<|im_start|>user\nhi<|im_end|>",
        "  \n\n a",
        "É e\u0301",
    ],
)
def test_texts_with_turns(text: str) -> None:
    """Special tokens, padding and truncation are the same too."""
    options: dict[str, Any] = {"padding": "max_length", "max_length": 16, "truncation": True}
    made, original = MADE(text, **options), ORIGINAL(text, **options)
    assert made.input_ids == original.input_ids
    assert made.attention_mask == original.attention_mask
    assert QWEN3_CHAT.prompt(MADE, text) == QWEN3_CHAT.turn.format(text)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("tokenizer.ggml.merges", None, "incomplete"),
        ("tokenizer.ggml.token_type", [1], "incomplete"),
        ("tokenizer.ggml.pre", "llama-bpe", "is llama-bpe, not qwen2"),
        ("tokenizer.ggml.merges", ["no such"], "damaged"),
        ("tokenizer.ggml.tokens", None, "there is no tokenizer"),
    ],
)
def test_half_a_tokenizer(key: str, value: Any, words: str) -> None:
    """Lists that are missing or do not fit each other are refused."""
    changed = {name: one for name, one in (metadata() | {key: value}).items() if one is not None}
    with pytest.raises(Unusable, match=words):
        load_tokenizer(None, {}, changed, QWEN3_CHAT, [])


def a_merge(model: TinyModel) -> dict[str, Any]:
    """The tiny tokenizer's lists with a merge, whose token replaces one that no text here has."""
    tokens: list[str] = encoder_keys(model)["tokenizer__ggml__tokens"]
    tokens[tokens.index("Ñ")] = "ab"
    return {"tokenizer__ggml__tokens": tokens, "tokenizer__ggml__merges": ["a b"]}


def test_a_model_without_a_tokenizer_folder(model: TinyModel, tmp_path: Path) -> None:
    """Without a folder the tokenizer comes from the GGUF encoder, and counts the same tokens."""
    made = with_gguf_encoder(model, tmp_path, "F16", tokenizer__ggml__merges=None)
    shutil.rmtree(tmp_path / "tokenizer")
    assert "is incomplete" in refusal(tmp_path)
    (tmp_path / "text_encoders" / "qwen3-F16.gguf").unlink()
    made = with_gguf_encoder(model, tmp_path / "2", "F16", **a_merge(model))
    shutil.rmtree(tmp_path / "2" / "tokenizer")
    loaded = load(tmp_path / "2")
    notes = check(loaded, model, text_encoder=made)
    assert "its tokenizer was made from the text encoder's GGUF file" in notes
    text = QWEN3_CHAT.prompt(loaded.pipeline.tokenizer, "a red fox")
    original: Any = AutoTokenizer.from_pretrained(model.folder / "tokenizer", local_files_only=True)
    assert loaded.pipeline.tokenizer(text).input_ids == original(text).input_ids


@pytest.mark.parametrize(
    ("theta", "words"),
    [(10_000.0, "has the rope_theta 10000"), (5_000_000.0, None), (None, None)],
)
def test_rotations_of_a_gguf_encoder(
    theta: float | None, words: str | None, model: TinyModel, tmp_path: Path
) -> None:
    """The base of rotations is the file's, if a Qwen3 of 4 billion weights has such a one."""
    with_gguf_encoder(
        model, tmp_path, "F16", tokenizer__ggml__merges=[], qwen3__rope__freq_base=theta
    )
    if words is not None:
        assert words in refusal(tmp_path)
        return
    found = load(tmp_path).pipeline.text_encoder.config.rope_parameters["rope_theta"]
    assert found == (theta or 1_000_000.0)

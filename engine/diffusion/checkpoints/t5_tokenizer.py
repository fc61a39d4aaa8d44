"""Load T5's tokenizer from its folder: from tokenizer.json, or from spiece.model alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers

from engine.diffusion.checkpoints.configurations import read_json
from engine.diffusion.checkpoints.errors import Unusable
from engine.diffusion.checkpoints.sentencepiece_model import FILE, read_pieces

_WHOLE = "tokenizer.json"
_CONFIG = "tokenizer_config.json"
_EXTRA = 100
"""Tokens behind the pieces that T5 was trained to fill gaps with; as in its configuration."""
_FIRST = ("<pad>", "</s>", "<unk>")
"""The pieces that T5's tokenizer counts on, by their numbers."""


def load_tokenizer(folder: Path, notes: list[str]) -> Any:
    """Return the tokenizer in a folder.

    notes: gets what was repaired. Raises Unusable for one that is missing or damaged.
    """
    if (folder / _WHOLE).is_file():
        tokenizer = _made(lambda: _from_folder(folder), _WHOLE)
    elif (folder / FILE).is_file():
        tokenizer = _made(lambda: _from_pieces(folder), FILE)
    else:
        raise Unusable(
            f"its tokenizer has no vocabulary: {folder.name} has neither {_WHOLE} nor {FILE}; copy "
            f"one from the model's publisher"
        )
    for side in ("padding_side", "truncation_side"):
        if getattr(tokenizer, side) != "right":
            setattr(tokenizer, side, "right")
            notes.append(f"its tokenizer's {side} is set to right")
    return tokenizer


def _made(make: Callable[[], Any], file: str) -> Any:
    try:
        return make()
    except Unusable:
        raise
    except Exception as error:  # a damaged file makes the library raise nearly anything
        line = (str(error).strip().splitlines() or ["no detail"])[0][:120]
        raise Unusable(
            f"its tokenizer cannot be read from {file} ({type(error).__name__}: {line})"
        ) from error


def _from_folder(folder: Path) -> Any:
    return transformers.T5Tokenizer.from_pretrained(str(folder), local_files_only=True)


def _from_pieces(folder: Path) -> Any:
    """Make what transformers makes of the same file where sentencepiece is installed."""
    pieces = read_pieces(folder / FILE)
    first = tuple(text for text, _ in pieces.scored[: len(_FIRST)])
    if first != _FIRST:
        raise Unusable(f"its {FILE} is not T5's: it begins with {', '.join(first)}")
    extra = _EXTRA
    if (folder / _CONFIG).is_file():
        found = read_json(folder / _CONFIG, f"{folder.name}/{_CONFIG}").get("extra_ids")
        extra = found if type(found) is int and found >= 0 else extra
    gaps = [(f"<extra_id_{number}>", 0.0) for number in range(extra - 1, -1, -1)]
    return transformers.T5Tokenizer(
        vocab=[*pieces.scored, *gaps],
        extra_ids=extra,
        _spm_precompiled_charsmap=pieces.characters,
    )

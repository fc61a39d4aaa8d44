"""Count a prompt's tokens with the model's tokenizer, without loading the model or torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.diffusion.families import SKETCH, Family, family_for, folder_of
from engine.sketch import MODEL_DIR

TOKENIZER: Final = "tokenizer/tokenizer.json"


def token_counter(
    model: str, revision: str | None = None, family: Family | None = None
) -> Callable[[str], int] | None:
    """Return a function that counts the tokens of a prompt, chat template included.

    model: as in the settings. family: None to find it. Returns None if its tokenizer is not on this
    machine or cannot be read; nothing is downloaded.
    """
    file = _file(model, revision)
    if file is None:
        return None
    from tokenizers import Tokenizer  # imported here because it takes a tenth of a second

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception:  # the library has no specific error for a damaged file
        return None
    chat = (family or family_for(model)).chat
    if chat is not None and tokenizer.token_to_id(chat.start_token) is None:
        return None  # another family's chat template
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(prompt: str) -> int:
        read = prompt if chat is None else chat.turn_of(prompt)
        return len(tokenizer.encode(read).ids)

    return count


def _file(model: str, revision: str | None) -> Path | None:
    folder = MODEL_DIR if model == SKETCH else folder_of(model)
    if folder.is_dir():
        file = folder / TOKENIZER
        return file if file.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(model, TOKENIZER, revision=revision)
    except ValueError:  # not a hub id
        return None
    return Path(found) if isinstance(found, str) else None

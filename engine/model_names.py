"""The names by which an owner offers models, and members ask for them. Pure."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

MAX_NAME_CHARS: Final = 32
"""The longest name: it is an option's value, and part of status messages. Chosen by hand."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_OTHERS = re.compile(r"[^a-z0-9._-]+")
_WEIGHTS = (".safetensors", ".gguf", ".sft")


def is_model_name(text: str) -> bool:
    """Return whether a text can be a model's name: small letters, digits, `.`, `_` and `-`."""
    return len(text) <= MAX_NAME_CHARS and _NAME.fullmatch(text) is not None


def short_name(source: str) -> str:
    """Return a name for a model that its owner gave none: from its hub id, folder or file."""
    name = PurePath(source.replace("\\", "/")).name.lower()
    for ending in _WEIGHTS:
        name = name.removesuffix(ending)
    plain = _OTHERS.sub("-", name).strip("._-")[:MAX_NAME_CHARS].rstrip("._-")
    return plain or "model"

"""What the owner says about a LoRA, in NAME.toml or NAME.json beside NAME.safetensors. No torch."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.diffusion.lora.alphas import PeftConfig
from engine.diffusion.lora.layout import Unreadable
from engine.loras import MAX_WEIGHT

SUFFIXES = (".toml", ".json")
MAX_BYTES = 1 << 20
"""Of a sidecar. Chosen by hand, a hundred times what the largest one needs."""
_MAX_TEXT = 100
_MAX_WORDS = 50
_FIELDS = ("title", "trigger_words", "style_words", "weight", "allow", "training_adapter")
_WEBUI_MARKS = ("activation text", "preferred weight", "sd version")
_PEFT_MARK = "peft_type"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What is known about a LoRA beside its weights.

    style_words: those of a prompt that ask for it where no LoRA is named. weight: None for 1.
    allow: ids of users and roles that may use it, None for everybody. training_adapter: overrules
    what the name seems to say. config: alpha, where the file has none.
    """

    title: str | None = None
    trigger_words: tuple[str, ...] = ()
    weight: float | None = None
    allow: tuple[str, ...] | None = None
    training_adapter: bool | None = None
    config: PeftConfig | None = None
    style_words: tuple[str, ...] = ()


NONE = Sidecar()


def read(paths: list[Path]) -> Sidecar:
    """Read the only sidecar of a file. Raises Unreadable, naming file and field."""
    if not paths:
        return NONE
    if len(paths) > 1:
        raise Unreadable(f"{' and '.join(path.name for path in paths)} both describe it: keep one")
    (path,) = paths
    found = _table(path)
    if _PEFT_MARK in found:
        return Sidecar(config=PeftConfig.read(found, path.name))
    if any(mark in found for mark in _WEBUI_MARKS):
        return _webui(found, path.name)
    strange = sorted(found.keys() - set(_FIELDS))
    if strange:
        raise Unreadable(
            f"{path.name} has the field {strange[0]!r:.60}; it may have {', '.join(_FIELDS)}"
        )
    adapter = found.get("training_adapter")
    if adapter is not None and type(adapter) is not bool:
        raise Unreadable(f"training_adapter in {path.name} must be true or false")
    return Sidecar(
        _text(found.get("title"), "title", path.name),
        _texts(found.get("trigger_words"), "trigger_words", path.name) or (),
        _weight(found.get("weight"), path.name),
        _ids(found.get("allow"), path.name),
        adapter,
        style_words=_texts(found.get("style_words"), "style_words", path.name) or (),
    )


def clean(text: str, limit: int = _MAX_TEXT) -> str:
    """Return a text of unknown origin as one short line without control characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _table(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise Unreadable(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")
        text = raw.decode("utf-8-sig")
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read ({error.strerror or error})") from error
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        kind = path.suffix[1:].upper()
        raise Unreadable(f"{path.name} is not valid {kind} ({clean(str(error))})") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{path.name} is not a table of fields")
    return found


def _webui(found: Mapping[str, Any], name: str) -> Sidecar:
    """Read what the well-known web interfaces write; of that, words and weight."""
    words = _text(found.get("activation text"), "activation text", name, 1000) or ""
    weight = found.get("preferred weight") or None  # they write 0 for none
    return Sidecar(
        trigger_words=tuple(word.strip() for word in words.split(",") if word.strip()),
        weight=_weight(weight, name),
    )


def _text(value: Any, field: str, name: str, limit: int = _MAX_TEXT) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unreadable(f"{field} in {name} must be a text")
    return clean(value, limit) or None


def _texts(value: Any, field: str, name: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or len(value) > _MAX_WORDS:
        raise Unreadable(f"{field} in {name} must be a list of at most {_MAX_WORDS} texts")
    return tuple(text for each in value if (text := _text(each, field, name)))


def _ids(value: Any, name: str) -> tuple[str, ...] | None:
    if isinstance(value, list):
        value = [str(each) if type(each) is int else each for each in value]
    return _texts(value, "allow", name)


def _weight(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > MAX_WEIGHT:
        raise Unreadable(
            f"weight in {name} must be a number from -{MAX_WEIGHT:g} to {MAX_WEIGHT:g}"
        )
    return float(value)

"""What can be read about a model without loading it; `identification` tells its family by that."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from engine.diffusion.families import pixart_layers

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
"""The form of a model's name on Hugging Face: owner/name."""

_INDEX = "model_index.json"
_CONFIGS = {
    "transformer": "config.json",
    "unet": "config.json",
    "text_encoder": "config.json",
    "text_encoder_2": "config.json",
    "vae": "config.json",
    "scheduler": "scheduler_config.json",
}
_WEIGHTS = (".safetensors", ".sft", ".gguf", ".bin", ".pt", ".pth", ".ckpt")
_SAFE = (".safetensors", ".sft")
_LENGTH_BYTES = 8
_MOST_HEADER_BYTES = 1 << 24
"""Read of a file's header. Chosen by hand, fifty times what SDXL's takes."""
_SDXL = (b'label_emb.0.0.weight"', b'add_embedding.linear_1.weight"')
"""What takes a picture's sizes, in Stability's names and in diffusers'; other U-Nets have none."""
_PIXART = (b't_block.1.weight"', b'adaln_single.linear.weight"')
"""Likewise, PixArt among other names."""
_FORMAT = re.compile(
    r"(?:[-_.](?:bf16|fp16|fp32|fp8|f16|int8|int4|nvfp4|mxfp8|i?q\d\w*|k|m|s|e4m3fn|e5m2|scaled|"
    r"mixed|convrot|gguf))+$"
)
"""The number formats with which the names of files end."""


@dataclass(frozen=True, slots=True)
class ModelClues:
    """The facts that can be read about a model without loading it.

    name: as in the settings. index: its model_index.json. configs: by the name of the component,
    the scheduler's included; of a file of PixArt, by the shapes of its tensors and by what lies
    beside it. of_sdxl: whether it is a file whose tensors have names that only SDXL's have. Missing
    and unreadable files are empty here; loading the model reports what is wrong with them.
    """

    name: str
    index: Mapping[str, Any] = field(default_factory=dict[str, Any])
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    of_sdxl: bool = False

    @classmethod
    def read(cls, model: str, revision: str | None = None) -> ModelClues:
        """Collect the clues of a model, given its name or its folder. Never raises.

        A hub id has those of its files on this machine; revision: which of them, None for the
        newest.
        """
        folder = _cached(model, revision) or folder_of(model)
        header = _header(folder)
        if (transformer := _pixart_config(folder, header)) is not None:
            folder = pixart_root(folder)
        configs = {name: _json_object(folder / name / file) for name, file in _CONFIGS.items()}
        if transformer is not None:
            # What lies beside a file may be another model's, but for what all of them share.
            configs = {**configs, "transformer": transformer}
            return cls(model, {}, configs)
        of_sdxl = any(mark in header for mark in _SDXL)
        return cls(model, _json_object(folder / _INDEX), configs, of_sdxl)

    @property
    def pipeline_class(self) -> str | None:
        """The pipeline class that model_index.json names; None where it names none."""
        name = self.index.get("_class_name")
        return name if isinstance(name, str) else None

    @property
    def short_name(self) -> str:
        """The name without owner, folder and number format: z_image_bf16.gguf is z-image."""
        return _FORMAT.sub("", self._stem).replace("_", "-")

    def is_called(self, names: Collection[str]) -> bool:
        """Whether it has one of these names, with or without owner and number format."""
        given = (self.short_name, self._stem, self.name.lower())
        return any(each.replace("_", "-") in names for each in given)

    @property
    def _stem(self) -> str:
        name = PurePath(self.name).name.lower()
        return next((name.removesuffix(each) for each in _WEIGHTS if name.endswith(each)), name)

    def config(self, component: str) -> Mapping[str, Any]:
        """The configuration of a component; empty where there is none."""
        return self.configs.get(component, {})


def folder_of(model: str) -> Path:
    """Return the folder that a model's name would stand for; `~` is the user's home."""
    try:
        return Path(model).expanduser()
    except RuntimeError:  # the home of a user unknown to this machine
        return Path(model)


def _cached(model: str, revision: str | None) -> Path | None:
    """Return the folder of a hub id in the hub's cache on this machine; None without one.

    A folder of that name comes before the hub's.
    """
    try:
        if not HUB_ID.fullmatch(model) or folder_of(model).exists():
            return None
    except OSError:  # longer than a name may be
        return None
    from huggingface_hub import try_to_load_from_cache  # only here: it takes a while to import

    try:
        found = try_to_load_from_cache(model, _INDEX, revision=revision)
    except (ValueError, OSError):  # no id of a hub, or a cache that cannot be read
        return None
    return Path(found).parent if isinstance(found, str) else None


def pixart_root(file: Path) -> Path:
    """Return the folder in which a PixArt file's other components may lie, each in its own."""
    inside = file.parent.name in ("transformer", "diffusion_models", "unet", "checkpoints")
    return file.parent.parent if inside else file.parent


def _header(file: Path) -> bytes:
    """Read the header of a safetensors file; empty if there is none that can be read."""
    try:
        if file.suffix.lower() not in _SAFE or not file.is_file():
            return b""
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(_LENGTH_BYTES), "little")
            return opened.read(min(length, _MOST_HEADER_BYTES))
    except OSError:
        return b""


def _pixart_config(file: Path, header: bytes) -> dict[str, Any] | None:
    """Return the configuration of PixArt's transformer in a file; None if it is another's."""
    if not any(mark in header for mark in _PIXART):
        return None
    try:
        shapes = {
            name: tuple(entry["shape"])
            for name, entry in json.loads(header).items()
            if name != "__metadata__"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if (prefix := pixart_layers.prefix_of(shapes)) is None:
        return None
    bare = {name.removeprefix(prefix): shape for name, shape in shapes.items()}
    found = pixart_layers.config_of(bare)
    beside = _json_object(file.parent / "config.json")
    if found is not None and "caption_channels" in beside:
        found = {**found, **beside}
    return found


def _json_object(file: Path) -> dict[str, Any]:
    """Read the object in a JSON file; empty where there is none that can be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

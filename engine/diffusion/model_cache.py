"""The cache of downloaded models: what is whole in it, and what interruptions left.

No torch. The layout is that of huggingface_hub: `models--owner--name` with `snapshots` and
`blobs`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.diffusion.lora.headers import BadHeader, read_raw

_MODELS = "models--"
_UNFINISHED = (".incomplete", ".part")
"""What files are called while they are fetched, by huggingface_hub and by `zimagine download`."""
_UNFINISHED_FOLDER = ".partial"
"""What the folder of a converted copy is called until it is whole."""
_WEIGHTS = ".safetensors"


@dataclass(frozen=True, slots=True)
class CacheState:
    """What lies in the cache. Files are named from the cache's folder on.

    models: how many. leftovers: of interrupted downloads and conversions; leftover_bytes: what
    they take. damaged: files of weights that are shorter than their header says, and links that
    lead nowhere.
    """

    models: int
    leftovers: tuple[Path, ...] = ()
    leftover_bytes: int = 0
    damaged: tuple[Path, ...] = ()


def read_cache(folder: Path) -> CacheState:
    """Look through a cache; of weights, only headers are read. Raises OSError for its own folder.

    A folder that does not exist holds nothing.
    """
    if not folder.exists():
        return CacheState(0)
    models = sorted(each for each in folder.iterdir() if each.name.startswith(_MODELS))
    leftovers: list[Path] = []
    damaged: list[Path] = []
    leftover_bytes = 0
    for path in _files(models):
        if _is_unfinished(path.relative_to(folder)):
            leftovers.append(path.relative_to(folder))
            leftover_bytes += path.lstat().st_size
        elif not path.exists() or (path.suffix == _WEIGHTS and _is_cut(path)):
            damaged.append(path.relative_to(folder))
    return CacheState(len(models), tuple(leftovers), leftover_bytes, tuple(damaged))


def _files(models: list[Path]) -> Iterator[Path]:
    for model in models:
        for parent, _, names in os.walk(model):
            yield from (Path(parent) / name for name in sorted(names))


def _is_unfinished(file: Path) -> bool:
    """Whether a file is, or lies in, what an interruption left. file: from the cache on."""
    return file.name.endswith(_UNFINISHED) or any(
        part.endswith(_UNFINISHED_FOLDER) for part in file.parts[:-1]
    )


def _is_cut(path: Path) -> bool:
    """Whether a file of weights ends before its last tensor, or has no header."""
    try:
        with path.open("rb", buffering=0) as file:
            header = read_raw(file)
        tensors = json.loads(header.text)
        ends = [each["data_offsets"][1] for each in tensors.values() if "data_offsets" in each]
    except (BadHeader, ValueError, AttributeError, TypeError, LookupError):
        return True
    except OSError:
        return False  # not to be read by this user, which says nothing about its contents
    return max(ends, default=0) > header.data_bytes

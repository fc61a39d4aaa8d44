"""Which of a model's files are needed: one copy of the weights of each component, no more.

Repositories also hold the same weights in other formats, previews, and code; none of it is fetched.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from engine.hub.errors import SelectionFailed
from engine.hub.listing import Listing, RemoteFile, storable

INDEX: Final = "model_index.json"
_WEIGHTS: Final = re.compile(
    r"(?P<stem>.+?)(?:\.(?P<before>bf16|fp16|fp32|fp8|non_ema))?"
    r"(?:-(?P<number>\d{5})-of-(?P<count>\d{5}))?"
    r"(?:\.(?P<after>bf16|fp16|fp32|fp8|non_ema))?\.(?P<kind>safetensors|gguf|bin)",
    re.IGNORECASE,
)
_KINDS: Final = ("safetensors", "gguf", "bin")
_VARIANTS: Final = ("", "bf16", "fp16", "fp32", "fp8", "non_ema")
"""Copies in other formats, the one that would be taken first; "" is a name without a format."""
_STEMS: Final = ("diffusion_pytorch_model", "model", "pytorch_model")
_CONFIGURATIONS: Final = (".json", ".jinja", ".txt", ".model")
_NO_CONFIGURATION: Final = re.compile(r"(readme|licen[cs]e|notice|requirements).*", re.IGNORECASE)
_NO_WEIGHTS: Final = re.compile(r"(training_args|optimizer|scheduler|random_states.*)\.bin")
_UNUSED: Final = frozenset({"safety_checker", "feature_extractor"})
"""Components that a pipeline's index names, and that zimagine never loads."""


@dataclass(frozen=True, slots=True)
class _Set:
    """Files of weights that belong together."""

    stem: str
    variant: str
    kind: str
    count: int
    files: tuple[RemoteFile, ...]

    @property
    def rank(self) -> tuple[int, int, int, int]:
        stem = _STEMS.index(self.stem) if self.stem in _STEMS else len(_STEMS)
        return _KINDS.index(self.kind), _VARIANTS.index(self.variant), stem, int(self.count > 1)

    def is_index(self, name: str) -> bool:
        """Whether a file tells in which of these files each tensor is."""
        variant = f".{self.variant}" if self.variant else ""
        base = f"{self.stem}.{self.kind}.index"
        return self.count > 1 and name in (f"{base}{variant}.json", f"{self.stem}{variant}{base}")


def select(
    listing: Listing, index: Mapping[str, Any] | None, include: Sequence[str] = ()
) -> tuple[RemoteFile, ...]:
    """Return the files to fetch.

    index: what model_index.json says, None if there is none. include: patterns like
    "vae/*.safetensors" that replace the choice. Raises SelectionFailed, and ListingRefused for
    files that cannot be stored.
    """
    if include:
        found = _included(listing, include)
    elif index is not None:
        found = _of_pipeline(listing, index)
    else:
        found = _of_folders(listing)
    return storable(listing.host, found)


def _included(listing: Listing, patterns: Sequence[str]) -> list[RemoteFile]:
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(file.path, pattern) for file in listing.files):
            raise SelectionFailed(listing.model, f"none of its files is called {pattern}")
    return [
        file
        for file in listing.files
        if any(fnmatch.fnmatchcase(file.path, pattern) for pattern in patterns)
    ]


def _of_pipeline(listing: Listing, index: Mapping[str, Any]) -> list[RemoteFile]:
    """Return the index and the folders that it names."""
    folders = _folders(listing)
    found = [listing.by_path()[INDEX]]
    for name, value in index.items():
        if name.startswith("_") or name in _UNUSED or not _is_component(value):
            continue
        if name not in folders:
            raise SelectionFailed(listing.model, f"its component {name} is missing on the hub")
        found += _of_folder(listing.model, name, folders[name])
    if len(found) == 1:
        raise SelectionFailed(listing.model, f"its {INDEX} names no components")
    return found


def _of_folders(listing: Listing) -> list[RemoteFile]:
    """Return one set of weights from each folder, where every folder has but one."""
    folders = _folders(listing)
    found: list[RemoteFile] = []
    for name, files in folders.items():
        found += _of_folder(listing.model, name, files)
    if not any(_parsed(file) for file in found):
        raise SelectionFailed(listing.model, "it has no weights")
    return found


def _is_component(value: object) -> bool:
    return (
        isinstance(value, list) and len(value) == 2 and all(isinstance(one, str) for one in value)
    )


def _folders(listing: Listing) -> dict[str, list[RemoteFile]]:
    found: dict[str, list[RemoteFile]] = defaultdict(list)
    for file in listing.files:
        path = PurePosixPath(file.path)
        if not any(part.startswith(".") for part in path.parts):
            found[str(path.parent)].append(file)
    return found


def _of_folder(model: str, folder: str, files: Iterable[RemoteFile]) -> list[RemoteFile]:
    there = list(files)
    chosen = _chosen(model, folder, there)
    found = [] if chosen is None else list(chosen.files)
    for file in there:
        name = PurePosixPath(file.path).name
        if not name.lower().endswith(_CONFIGURATIONS) or _NO_CONFIGURATION.fullmatch(name):
            continue
        if ".index." in name and not (chosen is not None and chosen.is_index(name)):
            continue
        found.append(file)
    return found


def _chosen(model: str, folder: str, files: Iterable[RemoteFile]) -> _Set | None:
    """Return the best set of weights in a folder; None if it has none. Raises SelectionFailed."""
    sets = sorted(_sets(model, folder, files), key=lambda one: one.rank)
    if not sets:
        return None
    best = sets[0]
    if equal := [one for one in sets[1:] if one.rank == best.rank]:
        names = [one.files[0].path for one in (best, *equal)]
        raise SelectionFailed(model, f"{len(names)} files could be the weights", names)
    if best.stem not in _STEMS:
        other = [one for one in sets[1:] if one.kind == best.kind and one.stem != best.stem]
        if other:
            names = sorted({one.files[0].path for one in (best, *other)})
            raise SelectionFailed(model, f"{len(names)} files could be the weights", names)
    return best


def _sets(model: str, folder: str, files: Iterable[RemoteFile]) -> list[_Set]:
    parts: dict[tuple[str, str, str, int], dict[int, RemoteFile]] = defaultdict(dict)
    for file in files:
        if match := _parsed(file):
            variant = (match["before"] or match["after"] or "").lower()
            count = int(match["count"] or 1)
            key = (match["stem"], variant, match["kind"].lower(), count)
            parts[key][int(match["number"] or 1)] = file
    found: list[_Set] = []
    for (stem, variant, kind, count), numbered in parts.items():
        missing = count - len(numbered)
        if missing:
            raise SelectionFailed(model, f"{folder}: {missing} of {count} parts are missing")
        found.append(_Set(stem, variant, kind, count, tuple(numbered.values())))
    return found


def _parsed(file: RemoteFile) -> re.Match[str] | None:
    name = PurePosixPath(file.path).name
    return None if _NO_WEIGHTS.fullmatch(name) else _WEIGHTS.fullmatch(name)

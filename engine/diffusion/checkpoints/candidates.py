"""Which files of a folder together hold one set of tensors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path, PurePath

import torch

from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.stored import Stored, WeightFile
from engine.diffusion.checkpoints.weight_files import (
    GGUF,
    PICKLED,
    SAFE,
    SUFFIXES,
    is_weights,
    open_all,
    open_weights,
)

_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<ending>\.\w+)")
_VARIANT = re.compile(r".+\.(?:bf16|fp16|fp32|fp8|non_ema)(?:-\d{5}-of-\d{5})?\.safetensors")
_INDEX = ".safetensors.index"
_COMPARED_VALUES = 1 << 22
"""Values of two files that are compared at a time; chosen by hand."""


class Rank(IntEnum):
    """Which kind of file is read where several lie in one folder; the first that there is."""

    SAFE = 0
    VARIANT = 1
    """A format beside the usual one, by its name: `model.fp16.safetensors`."""
    GGUF = 2
    PICKLED = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """Files that together are one set of tensors. indexed: whether an index names them."""

    paths: tuple[Path, ...]
    rank: Rank
    indexed: bool = False

    @property
    def sharded(self) -> bool:
        """Whether it is in parts."""
        return _SHARD.fullmatch(self.paths[0].name) is not None


def candidates(folder: Path) -> list[Candidate]:
    """Return what lies in a folder, best rank first, then by name.

    Shards belong together by their index, or by their numbers where there is none. Raises Unusable
    if one is missing.
    """
    paths = sorted(path for path in listing(folder) if is_weights(path) and not path.is_dir())
    found: list[Candidate] = []
    for index in sorted(path for path in listing(folder) if _is_index(path)):
        shards = _named_by(index)
        found.append(Candidate(tuple(shards), _rank(shards[0]), indexed=True))
        paths = [path for path in paths if path not in shards]
    sets: dict[tuple[str, str, str], list[Path]] = {}
    for path in paths:
        if shard := _SHARD.fullmatch(path.name):
            sets.setdefault((shard["stem"], shard["count"], shard["ending"]), []).append(path)
        else:
            found.append(Candidate((path,), _rank(path)))
    for (stem, count, ending), shards in sets.items():
        wanted = [f"{stem}-{number + 1:05}-of-{count}{ending}" for number in range(int(count))]
        there = {path.name for path in shards}
        if missing := [name for name in wanted if name not in there]:
            raise Unusable(
                f"{folder.name} lacks {len(missing)} of {len(wanted)} parts: {listed(missing)}"
            )
        found.append(Candidate(tuple(shards), _rank(shards[0])))
    return sorted(found, key=lambda one: (one.rank, one.paths[0].name))


def listing(folder: Path) -> list[Path]:
    """Return what lies in a folder. Raises Unusable if it cannot be listed."""
    try:
        return list(folder.iterdir())
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unusable(f"the folder {folder.name} cannot be read ({reason})") from error


class Headers:
    """Opens files once, and names them in messages by their place below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: dict[tuple[Path, ...], WeightFile] = {}

    def label(self, path: Path) -> str:
        """How messages call a file."""
        if path.is_relative_to(self._root):
            return path.relative_to(self._root).as_posix()
        return path.name

    def open(self, candidate: Candidate) -> WeightFile:
        """Return what its files hold together. Raises Unusable."""
        paths = candidate.paths
        if paths not in self._opened:
            labels = [self.label(path) for path in paths]
            self._opened[paths] = (
                open_weights(paths[0], labels[0])
                if len(paths) == 1
                else open_all(list(paths), labels)
            )
        return self._opened[paths]


def same_tensors(one: WeightFile, other: WeightFile) -> bool:
    """Whether two files hold the same names with the same bits; reads both to the end if so."""
    if one.tensors.keys() != other.tensors.keys():
        return False
    pairs = [(tensor, other.tensors[name]) for name, tensor in one.tensors.items()]
    if any((a.shape, a.format) != (b.shape, b.format) for a, b in pairs):
        return False
    return all(
        torch.equal(_bits(a.rows(*rows)), _bits(b.rows(*rows)))
        for a, b in pairs
        for rows in _row_ranges(a)
    )


def _row_ranges(tensor: Stored) -> Iterator[tuple[int, int]]:
    rows = tensor.shape[0] if tensor.shape else 1
    step = max(1, _COMPARED_VALUES // max(1, tensor.count // max(1, rows)))
    for first in range(0, rows, step):
        yield first, min(rows, first + step)


def _bits(values: torch.Tensor) -> torch.Tensor:
    # NaN is equal to nothing, and fp8 cannot be compared.
    return values.reshape(-1).view(torch.uint8)


def _rank(path: Path) -> Rank:
    suffix = path.suffix.lower()
    if suffix in GGUF:
        return Rank.GGUF
    if suffix in PICKLED:
        return Rank.PICKLED
    assert suffix in SAFE
    return Rank.VARIANT if _VARIANT.fullmatch(path.name) else Rank.SAFE


def _is_index(path: Path) -> bool:
    return _INDEX in path.name and path.suffix == ".json" and not path.name.startswith(".")


def _named_by(index: Path) -> list[Path]:
    """Return the shards that an index names, which all have to be there."""
    label = f"{index.parent.name}/{index.name}"
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        if not names or any(PurePath(name).name != name for name in names):
            raise ValueError("it names no files of its folder")
        if others := [name for name in names if PurePath(name).suffix.lower() not in SUFFIXES]:
            raise Unusable(f"{label} names {listed(others)}, which is no file of weights")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unusable(f"{label} cannot be read ({type(error).__name__})") from error
    shards = [index.parent / name for name in names]
    missing = [path.name for path in shards if not path.exists() and not path.is_symlink()]
    if missing:
        raise Unusable(
            f"{index.parent.name} lacks {len(missing)} of the {len(names)} files that "
            f"{index.name} names: {listed(missing)}"
        )
    return shards

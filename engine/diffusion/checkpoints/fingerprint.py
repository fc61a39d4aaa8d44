"""A short digest that changes with a model's files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_SAMPLE_BYTES = 1 << 20
"""Read at the start, middle and end of each weights file."""
_CONFIGURATIONS = frozenset({".json", ".txt", ".jinja"})
_WEIGHTS = ".safetensors"


def fingerprint(folder: Path, *, without: str = "") -> str:
    """Return sixteen hex digits that change with the files in a model's folder.

    Reads every configuration and, of each weights file, its size, its header and three samples:
    hashing 33 GB at each start would take a minute. without: a folder that no picture depends on.
    """
    return digest(named_files(folder, without=without))


def named_files(folder: Path, *, without: str = "") -> Iterator[tuple[str, Path]]:
    """Return configurations and safetensors files anywhere in a folder, with their names there."""
    for path in sorted(folder.rglob("*")):
        wanted = path.suffix in _CONFIGURATIONS or path.suffix == _WEIGHTS
        place = path.relative_to(folder)
        if wanted and path.is_file() and place.parts[0] != without:
            yield place.as_posix(), path


def configurations(folder: Path) -> list[Path]:
    """Return the configurations that lie in a folder itself."""
    return sorted(path for path in folder.iterdir() if path.suffix in _CONFIGURATIONS)


def digest(files: Iterable[tuple[str, Path]]) -> str:
    """Return sixteen hex digits that change with names, sizes and sampled contents of files."""
    found = hashlib.sha256()
    for name, path in files:
        size = path.stat().st_size
        found.update(f"{name}\0{size}\0".encode())
        with path.open("rb") as file:
            for offset in sorted({0, max(0, size // 2), max(0, size - _SAMPLE_BYTES)}):
                file.seek(offset)
                found.update(file.read(_SAMPLE_BYTES))
    return found.hexdigest()[:16]

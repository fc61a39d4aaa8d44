"""Open a file of weights, whatever kind it is, after looking at what lies there."""

from __future__ import annotations

from pathlib import Path

from engine.diffusion.checkpoints import gguf_file
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.gguf_file import read_gguf
from engine.diffusion.checkpoints.pickled_file import read_pickled
from engine.diffusion.checkpoints.safetensors_file import read_safetensors
from engine.diffusion.checkpoints.stored import Stored, WeightFile

SAFE = (".safetensors", ".sft")
GGUF = (".gguf",)
PICKLED = (".bin", ".pt", ".pth", ".ckpt")
SUFFIXES = SAFE + GGUF + PICKLED

_UNFINISHED = (".incomplete", ".part", ".crdownload", ".aria2", ".download", ".tmp")
"""What download programs append to the name of a file that is not whole yet."""
_NOT_WEIGHTS = ("training_args", "optimizer", "scheduler", "random_states", "rng_state")
"""How training programs begin the names of their own files."""
_LFS = b"version https://git-lfs"
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<error", b"<!--")
"""Not "<" alone: the header of a safetensors file may be 60 bytes long."""


def is_weights(path: Path) -> bool:
    """Whether a file's name says that it holds a model's weights."""
    name = path.name
    return (
        path.suffix.lower() in SUFFIXES
        and not name.startswith(".")
        and not name.startswith(_NOT_WEIGHTS)
    )


def open_weights(path: Path, label: str) -> WeightFile:
    """Return what a file holds; reads its header alone. label: how messages call the file.

    Raises Unusable for what is no file of weights, or is not whole.
    """
    start = _start(path, label)
    suffix = path.suffix.lower()
    if start.startswith(gguf_file.MAGIC):
        return read_gguf(path, label)
    if suffix in PICKLED:
        return read_pickled(path, label)
    if suffix in SAFE:
        # A header of 640 bytes begins like a pickle, so its length has to be impossible as well.
        pickled = start.startswith((b"PK\x03\x04", b"\x80"))
        if pickled and int.from_bytes(start[:8], "little") > path.stat().st_size:
            raise Unusable(f"{label} is a pickled file under the name of a safetensors file")
        return read_safetensors(path, label)
    if suffix in GGUF:
        raise Unusable(f"{label} is no GGUF file: it does not begin with GGUF")
    raise Unusable(f"{label} is no safetensors, GGUF or torch file")


def open_all(paths: list[Path], labels: list[str]) -> WeightFile:
    """Return what several files hold together. Raises Unusable if two hold the same name."""
    tensors: dict[str, Stored] = {}
    metadata: dict[str, object] = {}
    for path, label in zip(paths, labels, strict=True):
        opened = open_weights(path, label)
        if twice := sorted(tensors.keys() & opened.tensors.keys()):
            raise Unusable(f"{label} and {tensors[twice[0]].label} both hold {listed(twice)}")
        tensors.update(opened.tensors)
        metadata.update(opened.metadata)
    return WeightFile(labels[0], tensors, metadata)


def _start(path: Path, label: str) -> bytes:
    """Check what can be seen without understanding the file; return its first bytes."""
    if path.is_symlink() and not path.exists():
        raise Unusable(f"{label} is a link to {path.readlink()}, which does not exist")
    for ending in _UNFINISHED:
        if path.with_name(path.name + ending).exists():
            raise Unusable(
                f"{label} is still being downloaded, or was not to the end: "
                f"{path.name}{ending} lies beside it"
            )
    try:
        if not path.is_file():
            raise Unusable(f"there is no file {label}")
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise Unusable(
            f"the weights file {label} cannot be read ({error.strerror or error})"
        ) from error
    if not start:
        raise Unusable(f"the weights file {label} is damaged or incomplete (it is empty)")
    if start.startswith(_LFS):
        raise Unusable(f"{label} is a Git LFS pointer, not the weights: run `git lfs pull`")
    if start.lstrip().lower().startswith(_MARKUP):
        raise Unusable(f"{label} is a web page, not weights: the download was an error message")
    return start

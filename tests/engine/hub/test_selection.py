"""Of a repository's files, one copy of each weight is chosen, or it is said why none can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engine.hub.errors import Hub, ListingRefused, SelectionFailed
from engine.hub.listing import Listing, RemoteFile
from engine.hub.selection import INDEX, select

ONE = {"transformer": ["diffusers", "ZImageTransformer2DModel"]}


def chosen(paths: Sequence[str], index: dict[str, Any] | None = None) -> list[str]:
    """Return what is chosen of these files."""
    there = [INDEX, *paths] if index is not None else paths
    files = tuple(RemoteFile(path, 1, f"{at:064x}") for at, path in enumerate(there))
    listing = Listing(Hub.HUGGING_FACE, "host", "Owner/Tiny", "main", "a" * 40, files)
    return [file.path for file in select(listing, index) if file.path != INDEX]


def of_transformer(*names: str) -> list[str]:
    """Return what is chosen of a component's files, without its folder."""
    found = chosen([f"transformer/{name}" for name in names], ONE)
    return [path.removeprefix("transformer/") for path in found]


WHOLE = "diffusion_pytorch_model.safetensors"
SHARDS = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
SHARD_INDEX = "diffusion_pytorch_model.safetensors.index.json"
HALF = "diffusion_pytorch_model.fp16.safetensors"
CHOICES = {
    "safetensors before bin": ([WHOLE, "diffusion_pytorch_model.bin"], [WHOLE]),
    "the usual name before a variant": ([WHOLE, HALF], [WHOLE]),
    "a variant alone": ([HALF, "config.json"], ["config.json", HALF]),
    "bf16 before fp16": ([HALF, HALF.replace("fp16", "bf16")], [HALF.replace("fp16", "bf16")]),
    "shards with their index": ([*SHARDS, SHARD_INDEX], [*SHARDS, SHARD_INDEX]),
    "a whole file before shards": ([WHOLE, *SHARDS, SHARD_INDEX], [WHOLE]),
    "bin alone": (["pytorch_model.bin", "training_args.bin"], ["pytorch_model.bin"]),
    "the usual name before another": ([WHOLE, "ema.safetensors"], [WHOLE]),
    "another name alone": (["ema.safetensors"], ["ema.safetensors"]),
    "no code, no texts": (["x.py", "README.txt", "a.png", ".cache.json", WHOLE], [WHOLE]),
}


@pytest.mark.parametrize(("there", "wanted"), CHOICES.values(), ids=CHOICES.keys())
def test_one_set_of_weights(there: list[str], wanted: list[str]) -> None:
    """Of a component's files the set is chosen that the loader would read."""
    assert of_transformer(*there) == sorted(wanted)


def test_what_the_index_does_not_name() -> None:
    """Other folders, the root, and components that are switched off are left out."""
    index = {**ONE, "_class_name": "X", "safety_checker": ["a", "B"], "image_encoder": [None, None]}
    paths = [f"transformer/{WHOLE}", f"vae/{WHOLE}", "all.safetensors", f"safety_checker/{WHOLE}"]
    assert chosen(paths, index) == [f"transformer/{WHOLE}"]


def test_a_repository_without_an_index() -> None:
    """One file in each folder is taken; where one has several, they are named."""
    paths = ["split_files/vae/ae.safetensors", "split_files/diffusion_models/z_bf16.safetensors"]
    assert chosen([*paths, "README.md"]) == sorted(paths)
    other = "split_files/diffusion_models/z_int8.safetensors"
    with pytest.raises(SelectionFailed) as caught:
        chosen([*paths, other])
    assert caught.value.files == (paths[1], other)


BAD: dict[str, tuple[list[str], dict[str, Any] | None, str]] = {
    "no component": ([], {"_class_name": "X"}, "names no components"),
    "a missing component": (["vae/config.json"], ONE, "transformer is missing"),
    "a missing shard": ([f"transformer/{SHARDS[0]}"], ONE, "1 of 2 parts are missing"),
    "two that could be meant": (["transformer/a.gguf", "transformer/b.gguf"], ONE, "2 files"),
    "no weights": (["config.json"], None, "has no weights"),
}


@pytest.mark.parametrize(("paths", "index", "words"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_told(paths: list[str], index: dict[str, Any] | None, words: str) -> None:
    """It is refused with what is missing, or too much."""
    with pytest.raises(SelectionFailed, match=words):
        chosen(paths, index)


def test_names_that_a_disk_would_mix_up() -> None:
    """Two needed files that differ in capitals only, or a file that is a folder, are refused."""
    for other in ("transformer/Config.json", "transformer/config.json/config.json"):
        files = tuple(
            RemoteFile(path, 1, f"{at:064x}")
            for at, path in enumerate(["transformer/config.json", other])
        )
        listing = Listing(Hub.HUGGING_FACE, "host", "Owner/Tiny", "main", "a" * 40, files)
        with pytest.raises(ListingRefused):
            select(listing, None, ("*",))

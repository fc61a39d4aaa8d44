"""Write a copy of a model in fewer bits: in bfloat16, or with its large matrices in int8.

The copy is a folder in diffusers' format. In int8 each large matrix has ComfyUI's layout
`int8_tensorwise` with a scale for each row: `L.weight` as int8, `L.weight_scale` as float32 with
one column, `L.comfy_quant` with the name of the layout; a weight is the product of the first two.
Which matrices are large is what the memory plans with `+int8` say; all else is bfloat16.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file

from engine.diffusion.checkpoints import Checkpoint, Companions, Unusable, open_checkpoint
from engine.diffusion.checkpoints.components import Prepared
from engine.diffusion.checkpoints.discovery import CONFIG, INDEX, SCHEDULER, TOKENIZER
from engine.diffusion.checkpoints.names.groups import TEXT_ENCODER, TRANSFORMER
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import family_for
from engine.diffusion.quantized import in_steps, large_layers
from engine.errors import ModelInvalid
from engine.hub.errors import DiskTooSmall

SHARD_BYTES: Final = 2 << 30
"""How much lies in one file, and so in memory, at most; chosen by hand. A single tensor may be
more: the largest of Z-Image-Turbo has 0.8 GB."""
_DESCRIPTION: Final = json.dumps({"format": "int8_tensorwise"}).encode()
_QUANTIZED: Final = (TRANSFORMER, TEXT_ENCODER)
"""Components whose matrices become int8; an autoencoder is small, and an error in it shows."""
_STEMS: Final = {TEXT_ENCODER: "model"}
_STEM: Final = "diffusion_pytorch_model"

OnComponent = Callable[[str, int], object]


class Format(StrEnum):
    """What a copy is stored in."""

    BF16 = "bf16"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class Converted:
    """A copy of a model. was_there: it was made before, and nothing was written now."""

    folder: Path
    size_bytes: int
    was_there: bool


def convert(
    source: Path,
    target: Path,
    kind: Format,
    on_component: OnComponent = lambda name, size_bytes: None,
    *,
    shard_bytes: int = SHARD_BYTES,
) -> Converted:
    """Write the copy of a model's folder to `target`, unless it is there.

    It appears there when it is whole, and only if it could be loaded. on_component: told of each
    component before it is written, with its new size in bytes. Raises ModelInvalid, DiskTooSmall
    and OSError.
    """
    if target.is_dir():
        return Converted(target, _bytes_of(target), was_there=True)
    fresh = target.with_name(f".{target.name}.partial")
    try:
        checkpoint = _checkpoint(source)
        shutil.rmtree(fresh, ignore_errors=True)  # what a kill has left
        fresh.mkdir(parents=True)
        _require_space(target, sum(_size(part, kind) for part in checkpoint.parts))
        _copy_configurations(checkpoint, fresh)
        for part in checkpoint.parts:
            on_component(part.name, _size(part, kind))
            _write(part, kind, fresh / part.name, shard_bytes)
        _checkpoint(fresh)
        fresh.rename(target)
    except Unusable as error:
        raise ModelInvalid(str(source), error.reason) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Converted(target, _bytes_of(target), was_there=False)


def _checkpoint(folder: Path) -> Checkpoint:
    family = family_for(str(folder))
    checkpoint = open_checkpoint(folder, family, Companions())
    if not isinstance(checkpoint, Checkpoint):
        raise Unusable(f"models of {family.name} cannot be converted")
    return checkpoint


def _copy_configurations(checkpoint: Checkpoint, target: Path) -> None:
    """Copy all but the weights. Raises Unusable if the model is not in diffusers' format."""
    files = checkpoint.files
    folders = {TOKENIZER: files.tokenizer, SCHEDULER: files.scheduler}
    configs = {part.name: files.components[part.name].config for part in checkpoint.parts}
    if not files.index or None in (*folders.values(), *configs.values()):
        raise Unusable("only a folder in diffusers' format can be converted")
    shutil.copyfile(files.root / INDEX, target / INDEX)
    for name, folder in folders.items():
        assert folder is not None
        shutil.copytree(folder, target / name)
    for name, config in configs.items():
        assert config is not None
        (target / name).mkdir()
        shutil.copyfile(config, target / name / CONFIG)


def _write(part: Prepared, kind: Format, folder: Path, shard_bytes: int) -> None:
    """Write a component's weights, in one file or in several with an index."""
    matrices = _matrices(part, kind)
    shards = list(_shards(part, matrices, shard_bytes))
    stem = _STEMS.get(part.name, _STEM)
    places: dict[str, str] = {}
    unscaled: list[str] = []
    fp8 = total = 0
    for number, names in enumerate(shards):
        shard = f"-{number + 1:05}-of-{len(shards):05}" if len(shards) > 1 else ""
        file = folder / f"{stem}{shard}.safetensors"
        tensors: dict[str, torch.Tensor] = {}
        for name in names:
            weight = part.weights[name]
            loading = weight.load(torch.float32 if name in matrices else torch.bfloat16)
            fp8 += weight.could_lack_scale
            if loading.scale_lost:
                unscaled.append(name)
            tensors |= _stored(name, loading.tensor, name in matrices)
        save_file(tensors, file, {"format": "pt"})
        with file.open("rb+") as written:
            os.fsync(written.fileno())
        places |= dict.fromkeys(tensors, file.name)
        total += sum(tensor.nbytes for tensor in tensors.values())
    part.require_scales(unscaled, fp8)
    if len(shards) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": places}
        text = json.dumps(index, indent=2)
        (folder / f"{stem}.safetensors.index.json").write_text(text, encoding="utf-8")


def _stored(name: str, values: torch.Tensor, as_int8: bool) -> dict[str, torch.Tensor]:
    if not as_int8:
        return {name: values.contiguous()}
    layer = name.removesuffix(".weight")
    steps, scale = in_steps(values)
    return {
        name: steps,
        f"{layer}.weight_scale": scale,
        f"{layer}.comfy_quant": torch.tensor(list(_DESCRIPTION), dtype=torch.uint8),
    }


def _matrices(part: Prepared, kind: Format) -> frozenset[str]:
    """Return the names of the weights that become int8."""
    if kind is not Format.INT8 or part.name not in _QUANTIZED:
        return frozenset()
    named = (f"{name}.weight" for name, _ in large_layers(part.module))
    return frozenset(name for name in named if name in part.weights)


def _shards(part: Prepared, matrices: frozenset[str], shard_bytes: int) -> Iterator[list[str]]:
    """Divide the weights into files, in their order."""
    names: list[str] = []
    filled = 0
    for name, weight in part.weights.items():
        size = _weight_size(weight, name in matrices)
        if names and filled + size > shard_bytes:
            yield names
            names, filled = [], 0
        names.append(name)
        filled += size
    if names:
        yield names


def _size(part: Prepared, kind: Format) -> int:
    matrices = _matrices(part, kind)
    return sum(_weight_size(weight, name in matrices) for name, weight in part.weights.items())


def _weight_size(weight: Weight, as_int8: bool) -> int:
    count = math.prod(weight.shape)
    if not as_int8:
        return count * torch.bfloat16.itemsize
    return count + weight.shape[0] * torch.float32.itemsize + len(_DESCRIPTION)


def _require_space(target: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(target.parent).free
    if needed_bytes > free_bytes:
        raise DiskTooSmall(target.parent, needed_bytes, free_bytes)


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

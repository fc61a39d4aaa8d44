"""Check that a model folder is complete, before any of it is loaded.

The libraries fill missing tensors with random numbers, invent a tokenizer for an empty folder and
build a full-size architecture for an empty configuration. So each component is first built without
memory from its own configuration, and its tensors are compared with the headers of its files.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import SafetensorError, safe_open

from engine.diffusion.families import Component, Family
from engine.errors import ModelInvalid

Shapes = dict[str, tuple[int, ...]]


def check_whole(model: str, folder: Path, family: Family) -> int:
    """Return how many weights the model has, if the folder is complete.

    Reads the headers of its files only. Raises ModelInvalid with a reason of one line.
    """
    index = _read_json(model, folder, "model_index.json")
    kind = index.get("_class_name")
    if not isinstance(kind, str):
        raise ModelInvalid(model, "its model_index.json cannot be read")
    if kind != family.pipeline_class:
        raise ModelInvalid(model, f"it is a {kind}; zimagine paints with {family.pipeline_class}")
    for component in family.components:
        if not any((folder / component.name).glob("*.json")):
            raise ModelInvalid(model, f"its component {component.name} is missing")
    return sum(
        _checked_weights(model, folder, component, index)
        for component in family.components
        if component.has_weights
    )


def _checked_weights(model: str, folder: Path, component: Component, index: dict[str, Any]) -> int:
    """Return how many weights a component has. Raises ModelInvalid if its files lack any."""
    part = component.name
    found = _file_shapes(model, folder / part)
    config = _read_json(model, folder, f"{part}/config.json")
    wanted = _architecture_shapes(model, folder, component, config, index)
    missing = sorted(name for name in wanted if name not in found)
    if missing:
        raise ModelInvalid(
            model, f"{part} lacks {len(missing)} of its tensors, {missing[0]} among them"
        )
    wrong = sorted(name for name, shape in wanted.items() if found[name] != shape)
    if wrong:
        raise ModelInvalid(
            model, f"{part} has {len(wrong)} tensors of a wrong shape, {wrong[0]} among them"
        )
    return sum(math.prod(shape) for shape in wanted.values())


def _file_shapes(model: str, folder: Path) -> Shapes:
    """Return names and shapes of all tensors in the safetensors files of a folder."""
    shapes: Shapes = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(str(path), framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    shapes[_bare(name)] = tuple(file.get_slice(name).get_shape())
        except (SafetensorError, OSError) as error:
            raise ModelInvalid(
                model, f"the weights file {path.name} of {folder.name} is damaged or incomplete"
            ) from error
    if not shapes:
        raise ModelInvalid(model, f"{folder.name} has no weights in safetensors format")
    return shapes


def _architecture_shapes(
    model: str, folder: Path, component: Component, config: dict[str, Any], index: dict[str, Any]
) -> Shapes:
    """Return names and shapes that the component's configuration requires; takes no memory."""
    try:
        with torch.device("meta"):
            module = _empty(folder, component, config, index)
        tied = set(getattr(module, "_tied_weights_keys", None) or ())
        return {
            _bare(name): tuple(tensor.shape)
            for name, tensor in module.state_dict().items()
            if name not in tied
        }
    except Exception as error:  # a broken configuration makes the libraries raise nearly anything
        raise ModelInvalid(
            model, f"the configuration of {component.name} is wrong ({_line(error)})"
        ) from error


def _empty(
    folder: Path, component: Component, config: dict[str, Any], index: dict[str, Any]
) -> torch.nn.Module:
    if component.class_name is None:
        name = index[component.name][1]
        kind = getattr(transformers, name)
        if not issubclass(kind, transformers.PreTrainedModel):
            raise ValueError(f"{name} is not a model")
        return kind(transformers.AutoConfig.from_pretrained(str(folder / component.name)))
    if config.get("_class_name") != component.class_name:
        raise ValueError(
            f"it describes a {config.get('_class_name')}, not a {component.class_name}"
        )
    return getattr(diffusers, component.class_name).from_config(config)


def _bare(name: str) -> str:
    """Remove "model.", the prefix of an encoder that was saved as part of a language model."""
    return name.removeprefix("model.")


def _read_json(model: str, folder: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelInvalid(model, f"the folder has no {name}") from None
    except (OSError, ValueError, RecursionError):
        raise ModelInvalid(model, f"its {name} cannot be read") from None
    if not isinstance(found, dict):
        raise ModelInvalid(model, f"its {name} cannot be read")
    return found


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__

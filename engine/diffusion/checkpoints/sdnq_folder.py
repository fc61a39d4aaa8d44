"""Folders that SDNQ has quantized, read by its own package where the owner has installed it.

The package is under GPL-3.0, so nothing here depends on it: without it such a folder is refused.
It decides which layers are quantized and how, and gives their weights; `joined` hands them on.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from torch import nn

from engine.diffusion.checkpoints.configurations import Config, read_json
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.stored import Stored

_PACKAGE = "sdnq"
_METHODS = ("sdnq", "sdnq_training")
_KEY, _FILE = "quantization_config", "quantization_config.json"
_DEQUANTIZER = "sdnq_dequantizer"
"""The attribute by which a layer that the package has replaced can be told."""
_ENCODER_PREFIX = "model."


def settings(config: Config, folder: Path, label: str) -> dict[str, Any] | None:
    """Take the settings of SDNQ out of a component's configuration; None if it is not quantized.

    config: loses its description of the quantization. folder: which may have that in a file of its
    own. label: how messages call the configuration. Raises Unusable for any other method, and if
    the package is not installed.
    """
    described = config.pop(_KEY, None)
    if not described and (folder / _FILE).is_file():
        described = read_json(folder / _FILE, f"{folder.name}/{_FILE}")
    if not described:
        return None
    method = described.get("quant_method") if isinstance(described, dict) else None
    method = method or (
        "sdnq" if isinstance(described, dict) and "weights_dtype" in described else ""
    )
    if method not in _METHODS:
        raise Unusable(
            f"{label} says that it is quantized by {method or described}, which cannot be read"
        )
    try:
        importlib.import_module(_PACKAGE)
    except ImportError:
        raise Unusable(
            f"{label} says that it is quantized by SDNQ, which only its own package can read: "
            f"install it with `pip install {_PACKAGE}` (licensed under GPL-3.0)"
        ) from None
    return described


def joined(
    tensors: Mapping[str, Stored], module: nn.Module, settings: Mapping[str, Any], label: str
) -> dict[str, Stored]:
    """Put in place of what SDNQ stores for a layer the weight that it stands for.

    module: the component on the meta device, which is changed. Raises Unusable if a layer lacks
    something, or has it in another shape than the package would write.
    """
    layers = _layers(module, settings, label)
    found = dict(tensors)
    for name, layer in layers.items():
        prefix = next(
            (start for start in ("", _ENCODER_PREFIX) if f"{start}{name}.weight" in tensors), ""
        )
        path = f"{prefix}{name}"
        parts = _parts(path, layer, tensors, label)
        for part in parts:
            found.pop(f"{path}.{part}", None)
        found[f"{path}.weight"] = SdnqTensor(path, layer, parts)
    return found


class SdnqTensor(Stored):
    """A weight that the package dequantizes, in float32.

    layer: as the package has replaced it, on the meta device. parts: what the file has for it.
    """

    read_whole = True

    def __init__(self, path: str, layer: Any, parts: Mapping[str, Stored]) -> None:
        dequantizer = getattr(layer, _DEQUANTIZER)
        self.name, self.label = f"{path}.weight", parts["weight"].label
        self.shape = tuple(dequantizer.original_shape)
        self.format = f"SDNQ {dequantizer.weights_dtype}"
        self._layer = layer
        self._parts = parts

    @property
    def dtype(self) -> None:
        return None

    def is_written(self) -> bool:
        return self._parts["weight"].is_written()

    def mapped(self) -> None:
        return None

    def rows(self, start: int, stop: int) -> torch.Tensor:
        return self._dequantized()[start:stop]

    def _dequantized(self) -> torch.Tensor:
        loader: Any = importlib.import_module(f"{_PACKAGE}.loader")
        utils: Any = importlib.import_module(f"{_PACKAGE}.utils")
        layer: Any = copy.copy(self._layer)
        layer._parameters = dict(layer._parameters)
        for part, stored in self._parts.items():
            values = stored.whole().view(stored.shape)
            setattr(layer, part, nn.Parameter(values, requires_grad=False))
        layer = loader.post_process_model(nn.ModuleDict({"layer": layer}))["layer"]
        dequantizer = getattr(layer, _DEQUANTIZER)
        try:
            # Compiling it would take longer than all layers together.
            values = dequantizer(
                **utils.get_sdnq_params(layer),
                skip_quantized_matmul=dequantizer.use_quantized_matmul,
                skip_compile=True,
                dtype=torch.float32,
            )
        except Exception as error:  # the package raises whatever torch does
            raise Unusable(
                f"{self.label}: {self.name} cannot be dequantized by SDNQ ({type(error).__name__})"
            ) from error
        return values.detach().reshape(self.shape)


def _layers(module: nn.Module, settings: Mapping[str, Any], label: str) -> dict[str, Any]:
    """Return the layers that the package has quantized, by their names."""
    package: Any = importlib.import_module(_PACKAGE)
    utils: Any = importlib.import_module(f"{_PACKAGE}.utils")
    try:
        arguments = utils.get_quant_args_from_config(copy.deepcopy(dict(settings)))
        with init_empty_weights():
            replaced = package.sdnq_post_load_quant(
                module, torch_dtype=torch.float32, pre_quantized=True, **arguments
            )
    except Exception as error:  # the package raises whatever torch does
        line = (str(error).strip().splitlines() or ["no detail"])[0][:160]
        raise Unusable(f"{label}: SDNQ refuses its settings ({line})") from error
    return {name: layer for name, layer in replaced.named_modules() if hasattr(layer, _DEQUANTIZER)}


def _parts(
    path: str, layer: nn.Module, tensors: Mapping[str, Stored], label: str
) -> dict[str, Stored]:
    wanted = {
        name: tuple(part.shape) for name, part in layer.state_dict().items() if name != "bias"
    }
    missing = [f"{path}.{name}" for name in sorted(wanted) if f"{path}.{name}" not in tensors]
    if missing:
        raise Unusable(
            f"{label} says that {path} is quantized by SDNQ, and the files lack {listed(missing)}"
        )
    found = {name: tensors[f"{path}.{name}"] for name in wanted}
    for name, part in found.items():
        if part.shape != wanted[name]:
            raise Unusable(
                f"{part.label}: {part.name} has the shape {list(part.shape)}, not "
                f"{list(wanted[name])} as SDNQ would write it by {label}"
            )
    return found

"""Build a component without memory, compare it with its files, and give it their tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import diffusers
import torch
import transformers
from accelerate import init_empty_weights
from torch import nn

from engine.diffusion.checkpoints import sdnq_folder
from engine.diffusion.checkpoints.configurations import (
    Config,
    completed,
    from_shapes,
    layers_of,
    read_json,
)
from engine.diffusion.checkpoints.discovery import Found
from engine.diffusion.checkpoints.errors import Unusable, listed
from engine.diffusion.checkpoints.names.groups import TEXT_ENCODER
from engine.diffusion.checkpoints.names.translation import Translation
from engine.diffusion.checkpoints.weights import Weight
from engine.diffusion.families import Component, Family

Large = Callable[[nn.Module], Collection[str]]
"""Returns the names of a module's weights that are kept in float16, whatever the others are in."""
_ENCODER_CLASS = "Qwen3Model"
_ENCODER_PREFIX = "model."
"""Before the names of an encoder that was saved as part of a language model."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A component whose files fill its architecture exactly; nothing of it is in memory yet.

    weights: by the module's own names. notes: what was put in or ignored. large: which weights are
    loaded in float16; None for none.
    """

    name: str
    module: nn.Module
    weights: Mapping[str, Weight]
    notes: list[str]
    large: Large | None = None

    @property
    def count(self) -> int:
        """Number of values in its weights."""
        return sum(math.prod(weight.shape) for weight in self.weights.values())

    def conversions(self, dtype: torch.dtype) -> list[str]:
        """Return what loading in a number format does to the values, and to how many tensors."""
        found: dict[str, int] = {}
        formats = self._formats(dtype)
        for name, weight in self.weights.items():
            if (step := weight.conversion(formats[name])) is not None:
                found[step] = found.get(step, 0) + 1
        return [f"{self.name}: {count} tensors {step}" for step, count in sorted(found.items())]

    def load(self, dtype: torch.dtype) -> nn.Module:
        """Give the module its weights, one tensor at a time, and return it.

        What is large and needs no conversion stays a part of its file. Call it once. Raises
        Unusable for values that are not finite, and for fp8 whose scales are lost.
        """
        tensors: dict[str, torch.Tensor] = {}
        unscaled: list[str] = []
        fp8 = 0
        formats = self._formats(dtype)
        for name, weight in self.weights.items():
            loading = weight.load(formats[name])
            tensors[name] = loading.tensor
            fp8 += weight.could_lack_scale
            if loading.scale_lost:
                unscaled.append(name)
        self.require_scales(unscaled, fp8)
        self.module.load_state_dict(tensors, strict=False, assign=True)
        if isinstance(self.module, transformers.PreTrainedModel):
            self.module.config.dtype = dtype
            self.module.tie_weights()
        named = chain(self.module.named_parameters(), self.module.named_buffers())
        if empty := [name for name, tensor in named if tensor.is_meta]:
            raise Unusable(f"{self.name} has no values for {listed(empty)}")
        return self.module.eval()

    def _formats(self, dtype: torch.dtype) -> dict[str, torch.dtype]:
        large = () if self.large is None else self.large(self.module)
        return {name: torch.float16 if name in large else dtype for name in self.weights}

    def require_scales(self, unscaled: list[str], fp8: int) -> None:
        """Raise Unusable if most weights in fp8 look as if their scales were lost.

        unscaled: the names of those that do. fp8: how many there are without a scale.
        """
        if 2 * len(unscaled) > fp8:
            label = next(iter(self.weights.values())).stored.label
            raise Unusable(
                f"{label}: the scales of its 8-bit weights are lost: {len(unscaled)} of {fp8} "
                f"fill the whole range of the format, {unscaled[0]} among them"
            )


def prepare(component: Component, found: Found, family: Family, index: Config) -> Prepared:
    """Compare a component's tensors with its architecture; reads headers only.

    index: of model_index.json, which names the encoder's class. Raises Unusable for tensors that
    are missing, of a wrong shape, or more than the architecture has.
    """
    name = component.name
    _require_class(component, family, index)
    notes: list[str] = []
    group, config, label = found.group, {}, found.group.label
    if found.config is not None:
        label = f"{found.config.parent.name}/config.json"
        config = read_json(found.config, label)
        if (settings := sdnq_folder.settings(config, found.config.parent, label)) is not None:
            plan = _module(component, config, index)
            group = replace(group, tensors=sdnq_folder.joined(group.tensors, plan, settings, label))
    translation = group.translation()
    if translation.ignored:
        notes.append(f"{group.label}: {listed(sorted(translation.ignored))} is not needed")
    if found.config is None:
        config = from_shapes(name, translation.weights, family, group.metadata)
        layers = ", ".join(f"{count} {kind}" for kind, count in _layers(translation).items())
        notes.append(
            f"{name}: its sizes were read from the shapes of its tensors"
            + (f" ({layers})" if layers else "")
        )
    notes += completed(config, name, family, label)
    module = _module(component, config, index)
    weights = matched(name, label, wanted_shapes(module), translation.weights)
    return Prepared(name, module, weights, notes)


def _require_class(component: Component, family: Family, index: Config) -> None:
    """Refuse a component of another class, or of a library that would come with the model."""
    entry = index.get(component.name)
    if not isinstance(entry, list) or len(entry) != 2:
        return
    library = "transformers" if component.class_name is None else "diffusers"
    wanted = component.class_name or entry[1]
    if entry != [library, wanted]:
        raise Unusable(
            f"model_index.json says that its {component.name} is {entry[1]} of {entry[0]}; "
            f"{family.name} has {component.class_name or 'a model'} of {library}"
        )


def _layers(translation: Translation) -> dict[str, int]:
    return dict(sorted(layers_of(translation.weights).items()))


def _module(component: Component, config: Config, index: Config) -> nn.Module:
    """Build the module as `empty_module` does. Raises Unusable."""
    try:
        return empty_module(component, config, index)
    except Exception as error:  # a broken configuration makes the libraries raise nearly anything
        raise Unusable(
            f"the configuration of {component.name} is wrong ({_line(error)})"
        ) from error


def empty_module(component: Component, config: Config, index: Config) -> nn.Module:
    """Build the module on the meta device; its buffers are real, because no file has them."""
    if component.class_name is None:
        kind, settings = _encoder(config, index.get(component.name))
        with init_empty_weights(include_buffers=False):
            return kind(settings)
    named = config.get("_class_name", component.class_name)
    if named != component.class_name:
        raise ValueError(f"it describes a {named}, not a {component.class_name}")
    with init_empty_weights(include_buffers=False):
        return getattr(diffusers, component.class_name).from_config(config)


def _encoder(config: Config, entry: Any) -> tuple[Any, Any]:
    name = entry[1] if isinstance(entry, list) and len(entry) == 2 else _ENCODER_CLASS
    kind = getattr(transformers, name)
    if not issubclass(kind, transformers.PreTrainedModel):
        raise ValueError(f"{name} is not a model")
    config = dict(config)
    model_type = config.pop("model_type", None)
    if model_type is None:
        raise ValueError("it has no model_type")
    settings = transformers.AutoConfig.for_model(model_type, **config)
    expected: Any = kind.config_class
    if not isinstance(settings, expected):
        raise ValueError(f"it describes a {model_type}, which {name} is not")
    return kind, settings


def wanted_shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of all tensors that the files have to hold."""
    tied: set[str] = set()
    settings = getattr(module, "config", None)
    if getattr(settings, "tie_word_embeddings", False):
        tied = set(getattr(module, "_tied_weights_keys", None) or ())
    return {
        name: tuple(tensor.shape)
        for name, tensor in module.state_dict().items()
        if name not in tied
    }


def matched(
    component: str,
    label: str,
    wanted: Mapping[str, tuple[int, ...]],
    weights: Mapping[str, Weight],
) -> dict[str, Weight]:
    """Return a weight for each tensor of the module. Raises Unusable if it does not come out even.

    label: where the configuration comes from.
    """
    own = {name: _bare(component, name) for name in wanted}
    missing = sorted(name for name in own.values() if name not in weights)
    extra = sorted(weights.keys() - set(own.values()))
    _same_layers(component, label, own.values(), weights)
    if missing:
        raise Unusable(f"{component} lacks {len(missing)} of its tensors, {missing[0]} among them")
    if extra:
        raise Unusable(
            f"{weights[extra[0]].stored.label} holds {len(extra)} tensors that {label} does not "
            f"describe: {listed(extra)}"
        )
    found = {name: weights[own[name]].fitted(shape) for name, shape in wanted.items()}
    wrong = sorted(name for name, shape in wanted.items() if found[name].shape != shape)
    if wrong:
        first = wrong[0]
        raise Unusable(
            f"{component} has {len(wrong)} tensors of a wrong shape, {own[first]} among them: "
            f"{list(found[first].shape)} instead of {list(wanted[first])}"
        )
    return found


def _same_layers(component: str, label: str, wanted: Any, weights: Mapping[str, Weight]) -> None:
    there, described = layers_of(weights), layers_of(wanted)
    for kind, count in described.items():
        if there.get(kind, 0) > count:
            raise Unusable(
                f"{component} has {there[kind]} {kind} in its files, and {count} by {label}"
            )


def _bare(component: str, name: str) -> str:
    return name.removeprefix(_ENCODER_PREFIX) if component == TEXT_ENCODER else name


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines()] or [type(error).__name__]
    # Some libraries say first that something is wrong, and what it is in the next line.
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])[:200]

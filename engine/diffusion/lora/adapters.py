"""Apply LoRAs to a model for as long as a picture takes, and take them off to the bit.

No weight is touched. For the duration of a block, adapted layers get a subclass of their own class,
which adds the changes to what the layer computes. So it does not matter in what form the weights
are and where: quantized layers, layers whose weights are streamed, and layers that other hooks
wrap compute as ever, and afterwards they have their own class again. Compiled models notice: what
torch.compile made is checked against a layer's class, but not against hooks that are added later.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from engine.diffusion.families.sdxl_layers import ENCODERS
from engine.diffusion.lora.deltas import Convolution, Delta
from engine.diffusion.lora.layout import Axis
from engine.diffusion.lora.multipliers import Side
from engine.diffusion.lora.shelf import LoraShelf, Stamp
from engine.diffusion.lora.targets import TEXT_MODEL, Part
from engine.diffusion.lora.weights import Change, LoadedLora, load
from engine.diffusion.quantized import QuantizedLinear
from engine.errors import LoraInvalid, LoraRefused
from engine.loras import LoraFile

_STACK = "_lora_stack"
_ONES = 256
"""Rows of a layer's input at once, where its weights can only be asked for. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What is applied: names and weights, and how many parts of a component each LoRA changes."""

    weights: Mapping[str, float]
    parts: Mapping[str, int]


class Adapters:
    """The LoRAs of a shelf, on the device, and their application to a model.

    device, dtype: that the model computes on and in. LoRAs of the last request stay on the
    device until another request needs others, or `unload`. All calls come from one thread.
    """

    def __init__(self, shelf: LoraShelf, device: torch.device, dtype: torch.dtype) -> None:
        self._shelf = shelf
        self._device = device
        self._dtype = dtype
        self._loaded: dict[str, LoadedLora] = {}
        self._adapts_encoders = any(part.encoder for part in shelf.targets.parts.values())

    @property
    def device_bytes(self) -> int:
        """What the loaded LoRAs take of the device's memory now."""
        return sum(each.device_bytes for each in self._loaded.values())

    def needed_bytes(self, weights: Mapping[str, float]) -> int:
        """Return what these LoRAs will take of the device's memory, from headers alone.

        Raises LoraUnusable.
        """
        total = 0
        for name in _active(weights):
            with self._shelf.opened(name) as lora:
                total += lora.layout.values * self._dtype.itemsize
        return total

    def drop_others(self, weights: Mapping[str, float]) -> None:
        """Free what LoRAs take that the next request does not use, before its memory is planned."""
        active = _active(weights)
        self._loaded = {name: each for name, each in self._loaded.items() if name in active}

    def hashed(self, name: str) -> tuple[Stamp, LoraFile]:
        """Return a LoRA's file as it is now, with its hash; may be called from any thread.

        Raises LoraUnusable.
        """
        with self._shelf.opened(name) as lora:
            return lora.stamp, LoraFile(name, self._shelf.sha256(lora))

    def confirm(self, name: str, stamp: Stamp) -> None:
        """Raise LoraInvalid unless the LoRA that was applied last came from this very file."""
        loaded = self._loaded.get(name)
        if loaded is None or loaded.stamp != stamp:
            raise LoraInvalid(name, "its file was changed while the picture was painted; try again")

    def reading(self, weights: Mapping[str, float]) -> tuple[object, ...]:
        """Return what decides how these LoRAs change the text encoders; () where none can.

        Raises LoraUnusable.
        """
        if not self._adapts_encoders:
            return ()
        found: list[object] = []
        for name in _active(weights):
            with self._shelf.opened(name) as lora:
                found.append((name, float(weights[name]), lora.stamp))
        return tuple(found)

    def load(self, weights: Mapping[str, float]) -> None:
        """Load the LoRAs that have a weight, and drop all others.

        Raises LoraUnusable, ValueError for a weight that is not finite, torch.OutOfMemoryError.
        After an error nothing is loaded.
        """
        names = _active(weights)
        known, self._loaded = self._loaded, {}
        kept = {name: known[name] for name in names if name in known}
        del known
        fresh: dict[str, LoadedLora] = {}
        for name in names:
            with self._shelf.opened(name) as lora:
                old = kept.pop(name, None)
                current = old is not None and old.stamp == lora.stamp
                fresh[name] = old if old and current else load(lora, self._device, self._dtype)
        self._loaded = fresh

    def unload(self) -> None:
        """Free the device's memory."""
        self._loaded = {}

    @contextlib.contextmanager
    @torch.no_grad()
    def applied(
        self, model: nn.Module, weights: Mapping[str, float], *, encoders: bool = False
    ) -> Iterator[Applied]:
        """Apply LoRAs by name for the duration of a block; {} and weight 0 change no bit.

        model: the transformer or U-Net. encoders: it is the pair of text encoders. weights: 1 as
        trained; negative ones act the other way. The changes of several LoRAs are added. Enter it
        when the memory plan has been carried out, because layers may be replaced by that, and leave
        it before the next plan. Raises what `load` raises, and LoraRefused where they do not fit
        together; nothing is applied then.
        """
        if encoders and not self._adapts_encoders:
            yield Applied({}, {})
            return
        self.load(weights)
        whole: nn.Module = getattr(model, "_orig_mod", model)
        changes: dict[str, list[_Weighted]] = {}
        parts = dict.fromkeys(self._loaded, 0)
        for name, loaded in self._loaded.items():
            for part, change in loaded.changes.items():
                if bool(change.part.encoder) is encoders:
                    weighted = _Weighted(name, float(weights[name]), change)
                    changes.setdefault(part, []).append(weighted)
                    parts[name] += 1
        # All is computed before anything is changed: norms are of the weights as they are.
        ready = [self._prepared(whole, part, each) for part, each in changes.items()]
        with contextlib.ExitStack() as undo:
            for each in ready:
                undo.callback(each())
            yield Applied({name: float(weights[name]) for name in parts}, parts)

    def _prepared(
        self, whole: nn.Module, name: str, changes: list[_Weighted]
    ) -> Callable[[], Callable[[], None]]:
        """Return a function that changes one part and returns the function that undoes it."""
        module = self._module(whole, name, changes[0])
        if changes[0].change.part.is_norm:
            return functools.partial(_replace, module, self._parameters(module, changes))
        return functools.partial(_extend, module, self._stack(whole, name, module, changes))

    def _module(self, whole: nn.Module, name: str, first: _Weighted) -> Any:
        try:
            module = _located(whole, name)
        except AttributeError:
            raise LoraRefused(first.lora, f"it adapts {name}, which this model lacks") from None
        if isinstance(module, _Adapted):
            raise RuntimeError(f"{name} is adapted already")
        part = first.change.part
        if _size(module, part) != (part.inputs, part.outputs):
            raise LoraRefused(first.lora, f"{name} has another size in this model")
        return module

    def _stack(self, whole: nn.Module, name: str, module: Any, changes: list[_Weighted]) -> _Stack:
        plain: list[_Compute] = []
        within: list[tuple[_Compute, torch.Tensor]] = []
        behind: list[tuple[_Compute, torch.Tensor]] = []
        inner: list[_Compute] = []
        outer: list[_Compute] = []
        columns = rows = bias = None

        def own_bias() -> torch.Tensor:
            return module.bias.detach().to(self._device, torch.float32)

        def exact(other: str) -> torch.Tensor:
            return exact_weight(_located(whole, other), self._device, self._dtype)

        for each in changes:
            weight, change = each.weight, each.change
            if change.bias is not None:
                bias = _plus(bias, change.bias * weight)
            if change.multiplier is not None:
                multiplied = change.multiplier.scaled(weight)
                compute = multiplied if change.part.kernel is None else multiplied.at_points
                if multiplied.side is Side.INPUTS:
                    inner.append(compute)
                else:
                    outer.append(compute)
                    if module.bias is not None:
                        bias = _plus(bias, -multiplied(own_bias()))  # which is as it was
            if change.delta is None:
                continue
            delta = _computed(change.delta if weight == 1 else change.delta.scaled(weight), module)
            if change.decomposition is None:
                plain.append(delta)
                continue
            # W + w · (W' − W), where W' = c · (W + ΔW): the norm is of the change at weight 1.
            factor = change.decomposition.factor(module, name, exact)
            more = (factor - 1) * weight
            if change.decomposition.axis is Axis.ROWS:
                rows = _plus(rows, more)
                behind.append((delta, factor))
                if module.bias is not None:
                    bias = _plus(bias, -more * own_bias())  # which is not decomposed
            else:
                columns = _plus(columns, more)
                within.append((delta, factor))
        if (rows is not None or outer) and (columns is not None or inner):
            names = " and ".join(each.lora for each in changes)
            raise LoraRefused(
                changes[-1].lora,
                f"{names} cannot act together: one multiplies the rows of {name}, one its columns",
            )

        def along(vector: torch.Tensor) -> torch.Tensor:
            """Return one value for each channel, as they lie in what the layer takes or gives."""
            ready = vector.to(self._dtype)
            return ready if changes[0].change.part.kernel is None else ready[:, None, None]

        return _Stack(
            tuple(plain),
            tuple((delta, along(factor)) for delta, factor in within),
            tuple((delta, along(factor)) for delta, factor in behind),
            tuple(inner),
            tuple(outer),
            None if columns is None else along(columns + 1),
            None if rows is None else along(rows),
            None if bias is None else along(bias),
        )

    def _parameters(self, module: Any, changes: list[_Weighted]) -> dict[str, nn.Parameter]:
        """Return a norm's changed parameters, on the device and in their own type."""
        made: dict[str, nn.Parameter] = {}
        for field in ("weight", "bias"):
            found = [
                getattr(each.change, field) * each.weight
                for each in changes
                if getattr(each.change, field) is not None
            ]
            if found:
                own = getattr(module, field).detach()
                changed = own.to(self._device, torch.float32) + torch.stack(found).sum(dim=0)
                made[field] = nn.Parameter(changed.to(own.dtype), requires_grad=False)
        return made


@dataclass(frozen=True, slots=True)
class _Weighted:
    """The change of one part by one LoRA, at a weight."""

    lora: str
    weight: float
    change: Change


_Compute = Callable[[torch.Tensor], torch.Tensor]
"""Takes what a layer takes or gives, and returns what is added to that or to what it gives."""


@dataclass(frozen=True, slots=True)
class _Stack:
    """All changes of one layer, as it computes them.

    plain: act on the input. within: on the input times a factor for each value. behind: their
    result is multiplied. inner: on the input, and their result is added to what the layer itself
    takes. outer: on the layer's own result. columns: what the layer's own input is multiplied by.
    rows: how much of the layer's own result is added to it once more.
    """

    plain: tuple[_Compute, ...]
    within: tuple[tuple[_Compute, torch.Tensor], ...]
    behind: tuple[tuple[_Compute, torch.Tensor], ...]
    inner: tuple[_Compute, ...]
    outer: tuple[_Compute, ...]
    columns: torch.Tensor | None
    rows: torch.Tensor | None
    bias: torch.Tensor | None


class _Adapted(nn.Module):
    """Comes before a layer's own class, and adds a stack of changes to what the layer computes.

    It is the call that is extended, not `forward`: streaming replaces `forward` on the layer.
    """

    def __call__(self, input: torch.Tensor) -> torch.Tensor:
        stack: _Stack = self._lora_stack  # pyright: ignore[reportAssignmentType]
        taken = input if stack.columns is None else input * stack.columns
        for multiplied in stack.inner:
            taken = taken + multiplied(input)
        own = super().__call__(taken)
        result = own if stack.rows is None else own + own * stack.rows
        for multiplied in stack.outer:
            result = result + multiplied(own)
        for delta in stack.plain:
            result = result + delta(input)
        for delta, factor in stack.within:
            result = result + delta(input * factor)
        for delta, factor in stack.behind:
            result = result + delta(input) * factor
        return result if stack.bias is None else result + stack.bias


@functools.cache
def _adapted_class(own: type[nn.Module]) -> type[nn.Module]:
    return type(f"Adapted{own.__name__}", (_Adapted, own), {"__module__": __name__})


def _extend(module: Any, stack: _Stack) -> Callable[[], None]:
    own = type(module)
    setattr(module, _STACK, stack)
    module.__class__ = _adapted_class(own)

    def undo() -> None:
        module.__class__ = own
        delattr(module, _STACK)

    return undo


def _replace(module: nn.Module, parameters: dict[str, nn.Parameter]) -> Callable[[], None]:
    own = {name: module._parameters[name] for name in parameters}
    module._parameters.update(parameters)
    return functools.partial(module._parameters.update, own)


def _located(whole: nn.Module, name: str) -> Any:
    """Return the module of a part. Raises AttributeError."""
    for component, place in zip(ENCODERS, ("first", "second"), strict=True):
        if name.startswith(f"{component}."):
            encoder = whole.get_submodule(place)
            rest = name.removeprefix(f"{component}.")
            try:
                return encoder.get_submodule(rest)
            except AttributeError:
                return encoder.get_submodule(TEXT_MODEL + rest)
    return whole.get_submodule(name)


def _size(module: Any, part: Part) -> tuple[int, int]:
    """Return the inputs and outputs of a module, as those of a part are reckoned."""
    if part.is_norm:
        return 0, module.weight.numel()
    if part.kernel is not None:
        return module.weight[0].numel(), len(module.weight)
    return module.in_features, module.out_features


def _computed(delta: Delta, module: Any) -> Delta | Convolution:
    """Return a change as the module computes: a convolution slides over its input."""
    if not isinstance(module, nn.Conv2d):
        return delta
    options = {name: getattr(module, name) for name in ("stride", "padding", "dilation")}
    return Convolution(delta, (module.kernel_size[0], module.kernel_size[1]), options)


def exact_weight(layer: Any, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Return the weights that a layer computes with, outputs × inputs in float32.

    dtype: that it computes in. Whatever form they are in: where nothing is known of it, the layer
    is asked for its answers to single ones.
    """
    if isinstance(layer, QuantizedLinear):
        return layer.whole(dtype).detach().to(device, torch.float32)
    if type(layer.weight) is nn.Parameter and layer.weight.is_floating_point():
        return layer.weight.detach().to(device, torch.float32).flatten(1)
    ones = torch.eye(layer.in_features, dtype=dtype, device=device)
    answers = torch.cat([layer.forward(piece) for piece in ones.split(_ONES)]).float()
    if layer.bias is not None:
        answers -= layer.bias.detach().to(device, torch.float32)
    return answers.T


def _plus(known: torch.Tensor | None, more: torch.Tensor) -> torch.Tensor:
    return more if known is None else known + more


def _active(weights: Mapping[str, float]) -> list[str]:
    for name, weight in weights.items():
        if not math.isfinite(weight):
            raise ValueError(f"the weight of {name!r} is {weight}")
    return [name for name, weight in weights.items() if weight]

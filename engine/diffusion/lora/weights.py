"""The tensors of a LoRA on the device that paints, as changes of the parts that they adapt."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from engine.diffusion.lora.deltas import (
    Delta,
    Factors,
    Hadamard,
    Kronecker,
    LowRank,
    Product,
    Single,
    Tucker,
    squared_norms,
)
from engine.diffusion.lora.dialects import Role
from engine.diffusion.lora.headers import FLOATS
from engine.diffusion.lora.layout import MULTIPLIED, Adaptation, Axis, Method
from engine.diffusion.lora.multipliers import Diagonal, Multiplier, Rotation, Side, rotations
from engine.diffusion.lora.shelf import OpenedLora, Stamp
from engine.diffusion.lora.targets import Part
from engine.errors import LoraInvalid

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_SURELY_FINITE = 1e3
"""No method multiplies more than six factors and adds up more than 10^13 products, so that smaller
values and scales stay below 10^34 in every result; float32 and bfloat16 end at 10^38."""
_EXACT_ROLES = (
    Role.ALPHA,
    Role.MAGNITUDE,
    Role.DIFF_BIAS,
    Role.UP_BIAS,
    Role.FACTORS,
    Role.ON_INPUT,
    Role.BLOCKS,
    Role.STRETCH,
)
"""Small tensors that are kept in float32, whatever is computed in."""


@dataclass(slots=True)
class Decomposition:
    """The magnitudes of a decomposed weight (DoRA): W' = g · (W + ΔW) / ‖W + ΔW‖.

    magnitude: float32, one for each row or column; of a convolution, for each input channel.
    together: all parts over which a column is normalised, with their changes: more than one where
    they were trained as one matrix.
    """

    axis: Axis
    magnitude: torch.Tensor
    together: tuple[tuple[str, Delta], ...]
    _factors: WeakKeyDictionary[nn.Module, torch.Tensor] = field(
        default_factory=WeakKeyDictionary[nn.Module, torch.Tensor]
    )

    def factor(
        self, module: nn.Module, own: str, exact: Callable[[str], torch.Tensor]
    ) -> torch.Tensor:
        """Return g / ‖W + ΔW‖, float32, computed once for each layer object.

        own: the name of the part that `module` is. exact: returns the weights of a part.
        """
        known = self._factors.get(module)
        if known is None:
            along = 1 if self.axis is Axis.ROWS else 0
            squares = [
                squared_norms(lambda name=name: exact(name), delta, along)
                for name, delta in self.together
                if self.axis is Axis.COLUMNS or name == own
            ]
            total = torch.stack(squares).sum(dim=0).view(len(self.magnitude), -1).sum(dim=1)
            norms = total.sqrt()
            # As LyCORIS has it, so that a row of zeros stays one.
            known = self.magnitude / (norms + torch.finfo(torch.float32).eps)
            self._factors[module] = known
        return known


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one part by one LoRA.

    delta: of a layer's weights, None where only its bias changes. weight: of a norm's weights,
    float32. bias: float32. multiplier: what is multiplied with the layer's own weights, and added.
    """

    part: Part
    delta: Delta | None = None
    weight: torch.Tensor | None = None
    bias: torch.Tensor | None = None
    decomposition: Decomposition | None = None
    multiplier: Multiplier | None = None


@dataclass(frozen=True, slots=True)
class LoadedLora:
    """A LoRA on the device. changes: by the canonical name of the part. device_bytes: it takes."""

    name: str
    stamp: Stamp
    changes: Mapping[str, Change]
    device_bytes: int


def load(lora: OpenedLora, device: torch.device, dtype: torch.dtype) -> LoadedLora:
    """Read all tensors of an opened file and bring them to the device.

    dtype: to compute in. Every change is computed with once. Raises LoraInvalid where values are
    not finite, or the file was changed meanwhile; torch.OutOfMemoryError.
    """
    tensors = _Tensors(lora, device, dtype)
    factors = torch.tensor(lora.scales.values, dtype=torch.float32).to(device)
    changes: dict[str, Change] = {}
    for number, adaptation in enumerate(lora.layout.adaptations):
        for change in _changes(adaptation, tensors, factors[number]):
            changes[change.part.name] = change
    _check_finite(lora, tensors, changes, device, dtype)
    return LoadedLora(lora.name, lora.stamp, changes, tensors.device_bytes)


class _Tensors:
    """The values of a file, on the device, by name.

    The data is read and moved in one piece: hundreds of small copies would take far longer.
    """

    def __init__(self, lora: OpenedLora, device: torch.device, dtype: torch.dtype) -> None:
        self._lora = lora
        self._dtype = dtype
        self._data = _read(lora, pinned=device.type == "cuda").to(device, non_blocking=True)
        kinds = {lora.entries[key].dtype for key in self._factor_keys()}
        self._as_they_are = all(_DTYPES[kind] is dtype for kind in kinds)
        self._made: dict[str, torch.Tensor] = {}

    @property
    def name(self) -> str:
        """The LoRA's, for errors."""
        return self._lora.name

    @property
    def device_bytes(self) -> int:
        """What the tensors take, once this object is gone."""
        made = sum(each.nbytes for each in self._made.values())
        return made + (self._data.nbytes if self._as_they_are else 0)

    def factor(self, key: str) -> torch.Tensor:
        """Return a factor in the type that is computed in."""
        if self._as_they_are:
            return self.raw(key)
        # A copy even where the type is right: a view would keep the whole file in memory.
        return self._keep(key, self.raw(key).to(self._dtype, copy=True))

    def exact(self, key: str) -> torch.Tensor:
        """Return a vector in float32."""
        return self._keep(key, self.raw(key).to(torch.float32, copy=True).flatten())

    def raw(self, key: str) -> torch.Tensor:
        """Return a tensor as the file has it; one of a convolution as a matrix."""
        entry = self._lora.entries[key]
        shape = entry.shape if len(entry.shape) < 3 else (entry.shape[0], -1)
        return self.span(entry.dtype, entry.start, entry.stop).view(shape)

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the sides of a tensor as the file has them."""
        return self._lora.entries[key].shape

    def span(self, kind: str, start: int, stop: int) -> torch.Tensor:
        """Return a part of the data as values of one type."""
        dtype = _DTYPES[kind]
        piece = self._data[start:stop]
        if start % dtype.itemsize:
            piece = piece.clone()  # some writers do not align what they write
        return piece.view(dtype)

    def _keep(self, key: str, tensor: torch.Tensor) -> torch.Tensor:
        self._made[key] = tensor
        return tensor

    def _factor_keys(self) -> Iterator[str]:
        for adaptation in self._lora.layout.adaptations:
            for role, key in adaptation.keys.items():
                if role not in _EXACT_ROLES:
                    yield key


def _read(lora: OpenedLora, *, pinned: bool) -> torch.Tensor:
    """Read the data behind the header, as bytes. It is not mapped: a file that is cut off while it
    is mapped kills the process."""
    wanted = lora.header.data_bytes
    data = torch.empty(wanted, dtype=torch.uint8, pin_memory=pinned)
    target: Any = data.numpy()
    rest = memoryview(target)
    try:
        lora.file.seek(lora.header.data_start)
        while rest and (count := lora.file.readinto(rest)):
            rest = rest[count:]
        now = os.fstat(lora.file.fileno())
    except OSError as error:
        raise LoraInvalid(lora.name, f"its file cannot be read ({error.strerror})") from error
    if rest or (now.st_size, now.st_mtime_ns) != lora.stamp[:2]:
        raise LoraInvalid(lora.name, "its file was changed while it was read; try again")
    return data


def _changes(each: Adaptation, tensors: _Tensors, scale: torch.Tensor) -> Iterator[Change]:
    keys = each.keys
    bias = tensors.exact(keys[Role.DIFF_BIAS]) if Role.DIFF_BIAS in keys else None
    if Role.UP_BIAS in keys:
        more = tensors.exact(keys[Role.UP_BIAS]) * scale
        bias = more if bias is None else bias + more
    if each.target.parts[0].is_norm:
        (part,) = each.target.parts
        weight = tensors.exact(keys[Role.DIFF]) if Role.DIFF in keys else None
        yield Change(part, weight=weight, bias=bias)
        return
    if each.method in MULTIPLIED:
        (part,) = each.target.parts
        delta = _delta(each, tensors, scale)
        yield Change(part, delta, bias=bias, multiplier=_multiplier(each, tensors, scale))
        return
    delta = _delta(each, tensors, scale)
    pieces = [
        (part, start, stop, None if delta is None else delta.rows(start, stop))
        for part, start, stop in each.target.rows()
    ]
    together = tuple((part.name, piece) for part, _, _, piece in pieces if piece is not None)
    for part, start, stop, piece in pieces:
        decomposition = None
        if each.axis is not None:
            magnitude = tensors.exact(keys[Role.MAGNITUDE])
            own = magnitude[start:stop] if each.axis is Axis.ROWS else magnitude
            decomposition = Decomposition(each.axis, own, together)
        yield Change(
            part,
            delta=piece,
            bias=None if bias is None else bias[start:stop],
            decomposition=decomposition,
        )


def _delta(each: Adaptation, tensors: _Tensors, scale: torch.Tensor) -> Delta | None:
    keys = each.keys

    def factor(role: Role) -> torch.Tensor:
        return tensors.factor(keys[role])

    def factors(left: Role, right: Role, core: Role) -> Factors:
        if core in keys:  # its left factor is written the other way round
            return Tucker(factor(left).T, factor(core), factor(right))
        return Product(factor(left), factor(right))

    match each.method:
        case Method.LORA if Role.CORE in keys:
            return Single(Tucker(factor(Role.UP), factor(Role.CORE), factor(Role.DOWN)), scale)
        case Method.LORA:
            return LowRank(factor(Role.DOWN), factor(Role.UP), scale)
        case Method.LOHA:
            first = factors(Role.HADA_1A, Role.HADA_1B, Role.HADA_1CORE)
            return Hadamard(first, factors(Role.HADA_2A, Role.HADA_2B, Role.HADA_2CORE), scale)
        case Method.LOKR:
            whole = Role.KRON_1 in keys
            one = Product(
                factor(Role.KRON_1 if whole else Role.KRON_1A),
                None if whole else factor(Role.KRON_1B),
            )
            if Role.KRON_2 in keys:
                return Kronecker(one, Product(factor(Role.KRON_2)), scale)
            two = factors(Role.KRON_2A, Role.KRON_2B, Role.KRON_2CORE)
            return Kronecker(one, two, scale)
        case Method.FULL:
            return Single(Product(factor(Role.DIFF)), scale) if Role.DIFF in keys else None
        case Method.GLORA:
            return LowRank(factor(Role.OUT_DOWN), factor(Role.OUT_UP), scale)
        case Method.IA3 | Method.OFT | Method.BOFT:
            return None


def _multiplier(each: Adaptation, tensors: _Tensors, scale: torch.Tensor) -> Multiplier:
    keys = each.keys
    if each.method is Method.GLORA:
        action = Product(tensors.factor(keys[Role.IN_UP]), tensors.factor(keys[Role.IN_DOWN]))
        return Multiplier(Side.INPUTS, each.target.channels, action, scale)
    if each.method is Method.IA3:
        return _scaling(each, tensors, scale)
    rows = each.target.outputs
    blocks = tensors.exact(keys[Role.BLOCKS]).view(tensors.shape(keys[Role.BLOCKS]))
    # The limit is one for each output; 0 where there is none.
    alpha = float(tensors.exact(keys[Role.ALPHA])) if Role.ALPHA in keys else 0.0
    turned = rotations(blocks, alpha * rows)
    stretch = tensors.exact(keys[Role.STRETCH]) if Role.STRETCH in keys else None
    if each.method is Method.OFT:  # which turns the other way than BOFT
        turned = turned.mT[None]
    rotation = Rotation(turned, each.method is Method.BOFT, stretch)
    return Multiplier(Side.OUTPUTS, rows, rotation, scale)


def _scaling(each: Adaptation, tensors: _Tensors, scale: torch.Tensor) -> Multiplier:
    """Return (IA)³'s factors, on the side of the layer to which they belong.

    Raises LoraInvalid where the file says a side that has another size.
    """
    key = each.keys[Role.FACTORS]
    factors, on_input = tensors.exact(key), bool(tensors.exact(each.keys[Role.ON_INPUT]))
    wanted = each.target.channels if on_input else each.target.outputs
    if len(factors) != wanted:
        side = "takes" if on_input else "gives"
        raise LoraInvalid(
            tensors.name,
            f"{key} has {len(factors)} values, but {each.target.names} {side} {wanted}",
        )
    return Multiplier(Side.INPUTS if on_input else Side.OUTPUTS, wanted, Diagonal(factors), scale)


def _largest(lora: OpenedLora, tensors: _Tensors) -> float:
    """Return the largest magnitude of all values; infinite or NaN if one is.

    Neighbours of one type are looked at together: hundreds of small operations on several threads
    take seconds where something else keeps one of the cores busy.
    """
    spans: list[tuple[str, int, int]] = []
    for entry in lora.entries.values():
        if entry.dtype not in FLOATS or entry.start == entry.stop:
            continue
        if spans and spans[-1][0] == entry.dtype and spans[-1][2] == entry.start:
            spans[-1] = (entry.dtype, spans[-1][1], entry.stop)
        else:
            spans.append((entry.dtype, entry.start, entry.stop))
    extremes: list[torch.Tensor] = []
    for kind, start, stop in spans:
        own = tensors.span(kind, start, stop)
        # Many times as fast as isfinite, and NaN passes through.
        extremes += (own if own.itemsize > 1 else own.float()).aminmax()
    return float(torch.stack([each.float() for each in extremes]).abs().amax())


def _check_finite(
    lora: OpenedLora,
    tensors: _Tensors,
    changes: Mapping[str, Change],
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    """Raise LoraInvalid with the first tensor that is to blame, if a change is not finite.

    Where values are too large to be sure of their products, each change is computed with once.
    """
    if _largest(lora, tensors) < _SURELY_FINITE and lora.scales.largest < _SURELY_FINITE:
        return

    @functools.cache
    def probe(size: int) -> torch.Tensor:
        """Return an input without a zero, so that nothing hides behind a product with it."""
        return torch.arange(size, dtype=torch.float32).cos().to(device, dtype)[None]

    found: list[torch.Tensor] = []
    for change in changes.values():
        if change.delta is not None:
            found.append(change.delta.probe(probe(change.part.inputs)))
        if change.multiplier is not None:
            found.append(change.multiplier(probe(change.multiplier.channels)))
        found += [each for each in (change.weight, change.bias) if each is not None]
        if change.decomposition is not None:
            found.append(change.decomposition.magnitude)
    if bool(torch.stack([torch.isfinite(each).all() for each in found]).all()):
        return
    for adaptation in lora.layout.adaptations:
        for role, key in adaptation.keys.items():
            if role is Role.ALPHA:
                continue
            wrong = int((~torch.isfinite(tensors.raw(key).float())).sum())
            if wrong:
                total = math.prod(lora.entries[key].shape)
                raise LoraInvalid(
                    lora.name, f"{key} has {wrong} of {total} values that are NaN or infinite"
                )
    raise LoraInvalid(
        lora.name, f"its values are too large: their products overflow {str(dtype)[6:]}"
    )

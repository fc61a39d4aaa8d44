"""What a LoRA file contains: for each adapted part its method and its tensors. No torch.

Everything is decided by names and shapes. A file is understood wholly or not at all: the first
tensor that belongs to no known method and no part of the model is named in the error.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from engine.diffusion.lora.dialects import (
    Name,
    Names,
    Role,
    factors_beside,
    is_text_encoder,
    method_of,
    target_of,
)
from engine.diffusion.lora.headers import FLOATS, Entry
from engine.diffusion.lora.origins import SDXL, STABLE_DIFFUSION, Origin, origin_of
from engine.diffusion.lora.targets import Group, Target, Targets, group_of


class Method(StrEnum):
    """How a change of a layer's weights is written down."""

    LORA = "LoRA"
    LOKR = "LoKr"
    LOHA = "LoHa"
    FULL = "full difference"
    IA3 = "IA3"
    OFT = "OFT"
    BOFT = "BOFT"
    GLORA = "GLoRA"


class Axis(StrEnum):
    """Along what a decomposed weight (DoRA) is normalised: each of its rows, or each column."""

    ROWS = "rows"
    COLUMNS = "columns"


class Unreadable(ValueError):
    """A tensor is not understood or does not fit; the message is one line for the owner."""


class Foreign(ValueError):
    """The file was made for another model; the message is one line for the owner."""


KRON_FACTOR, KRON_METADATA = "lokr_factor", "ss_lokr_factor"
"""musubi-tuner's own LoKr saves this setting of the training beside its tensors or in the
metadata. It divides alpha by the larger side of a whole second factor; LyCORIS and ai-toolkit
give alpha no effect there."""

_KRON_FIRST = (Role.KRON_1, Role.KRON_1A, Role.KRON_1B)
_KRON_SECOND = (Role.KRON_2, Role.KRON_2A, Role.KRON_2B, Role.KRON_2CORE)
_HADA = (Role.HADA_1A, Role.HADA_1B, Role.HADA_2A, Role.HADA_2B)
_HADA_CORES = (Role.HADA_1CORE, Role.HADA_2CORE)
_BIASES = (Role.DIFF_BIAS, Role.UP_BIAS)
_GLORA = (Role.IN_UP, Role.IN_DOWN, Role.OUT_UP, Role.OUT_DOWN)
_DECOMPOSED = frozenset({Role.DOWN, Role.HADA_1A, Role.KRON_1, Role.KRON_1A})
"""Roles of methods that can be decomposed."""
MULTIPLIED = (Method.IA3, Method.OFT, Method.BOFT, Method.GLORA)
"""Methods whose change is that of the layer's own weights."""
_AS_WRITTEN = (Role.MAGNITUDE, Role.BLOCKS)
"""Roles whose tensors are no matrices."""
_PEFT_MAGNITUDE = "lora_magnitude_vector"
"""PEFT has one of a convolution in 1 × rows, as others write columns."""


@dataclass(frozen=True, slots=True)
class Adaptation:
    """The change of one target. keys: the tensors' names in the file.

    module: the target's name without the trainer's prefix. rank: None for methods without one.
    divisor: of an alpha; None where an alpha has no effect. axis: of a decomposed weight, else
    None.
    """

    target: Target
    module: str
    method: Method
    keys: Mapping[Role, str]
    rank: int | None
    divisor: int | None
    axis: Axis | None


@dataclass(frozen=True)
class Layout:
    """Everything that a file adapts. values: numbers in all its tensors."""

    adaptations: tuple[Adaptation, ...]
    origin: Origin | None
    values: int

    @cached_property
    def parts(self) -> frozenset[str]:
        """Canonical names of all parts that it changes."""
        return frozenset(part.name for each in self.adaptations for part in each.target.parts)

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Methods that occur, the most frequent first; a decomposed LoRA is called DoRA."""
        found = Counter(
            f"{each.method}, decomposed"
            if each.axis and each.method is not Method.LORA
            else ("DoRA" if each.axis else str(each.method))
            for each in self.adaptations
        )
        return tuple(name for name, _ in found.most_common())

    @cached_property
    def ranks(self) -> tuple[int, ...]:
        """Ranks that occur, in ascending order; empty where no method in the file has one."""
        return tuple(sorted({each.rank for each in self.adaptations if each.rank is not None}))

    @cached_property
    def groups(self) -> Mapping[Group, int]:
        """How many parts of each group it changes, the largest group first."""
        return dict(Counter(group_of(name) for name in sorted(self.parts)).most_common())


def understand(
    entries: Mapping[str, Entry],
    metadata: Mapping[str, str],
    targets: Targets,
    names: Names | None = None,
) -> Layout:
    """Understand a file's tensors as changes of the parts in `targets`.

    names: of the same targets, to take names apart once for many files.

    Raises Unreadable with the first tensor that is not understood, Foreign if the file is for
    another model.
    """
    if not entries:
        raise Unreadable("the file has no tensors")
    shapes = {name: each.shape for name, each in entries.items()}
    origin = origin_of(shapes, metadata)
    _check_origin(origin, targets)
    musubi = KRON_FACTOR in entries or KRON_METADATA in metadata
    names = names or Names(targets)
    groups: dict[str, tuple[Name, dict[Role, str]]] = {}
    for key, entry in entries.items():
        if key == KRON_FACTOR:
            continue
        name = names.read(key) or factors_beside(key, entries, names)
        if name is None:
            raise Unreadable(_stranger(key, origin, targets))
        role = name.role
        if role not in (Role.ALPHA, Role.ON_INPUT) and entry.dtype not in FLOATS:
            raise Unreadable(f"{key} has the type {entry.dtype}, not a floating one")
        _, roles = groups.setdefault(name.module, (name, {}))
        if role in roles:
            raise Unreadable(f"{key} and {roles[role]} mean the same")
        roles[role] = key
    adaptations = tuple(
        _adaptation(name, roles, entries, targets, origin, musubi)
        for name, roles in groups.values()
    )
    _check_twice(adaptations)
    return Layout(adaptations, origin, sum(_size(each.shape) for each in entries.values()))


def _check_origin(origin: Origin | None, targets: Targets) -> None:
    if origin is None or (origin.family == STABLE_DIFFUSION and targets.family == SDXL):
        return
    if origin.family != targets.family:
        raise Foreign(
            f"it was made for {origin.family}, and this model is of {targets.family}'s family"
        )
    if origin.width is not None and origin.width != targets.width:
        raise Foreign(
            f"it was made for a model that is {origin.width} values wide, "
            f"and this one has {targets.width}"
        )


def _stranger(key: str, origin: Origin | None, targets: Targets) -> str:
    if is_text_encoder(key) and targets.family != SDXL:
        return f"it adapts the text encoder ({key}), and only the transformer can be adapted"
    method = method_of(key)
    if method is not None:
        return f"it uses {method}, which is not read ({key})"
    module, _, last = key.rpartition(".")
    if last in ("weight", "bias") and target_of(module, targets) is not None:
        return f"{key} is a weight itself: this is a whole model, not a LoRA"
    if origin is None:
        return f"{key} is no part of a LoRA: this is a file of another kind"
    return f"{key} belongs to no method that is known"


def _adaptation(
    name: Name,
    roles: dict[Role, str],
    entries: Mapping[str, Entry],
    targets: Targets,
    origin: Origin | None,
    musubi: bool,
) -> Adaptation:
    first = next(iter(roles.values()))
    target = name.target
    if target is None:
        if is_text_encoder(first) and targets.family != SDXL:
            raise Unreadable(_stranger(first, origin, targets))
        raise Unreadable(f"{first} adapts {name.bare}, which this model does not have")
    shape = {
        role: as_matrix(entries[key].shape, target.kernel)
        if role not in _AS_WRITTEN
        else entries[key].shape
        for role, key in roles.items()
    }
    if (rank := _plain_rank(target, shape)) is not None:
        return Adaptation(target, name.bare, Method.LORA, roles, rank, rank, None)
    alpha = shape.get(Role.ALPHA)
    if alpha is not None and _size(alpha) != 1:
        raise Unreadable(f"{roles[Role.ALPHA]} has {_size(alpha)} values, not one")
    check = _Check(target, roles, shape)
    method, rank = _method(check)
    axis = check.axis() if Role.MAGNITUDE in roles else None
    check.biases()
    if target.parts[0].is_norm and method is not Method.FULL:
        raise Unreadable(f"{first} is a {method} of a norm, {target.names}")
    if method in MULTIPLIED and len(target.parts) > 1:
        raise Unreadable(f"it uses {method} on {target.names} as one layer, which is not read")
    divisor = rank
    if method is Method.LOKR and musubi and Role.KRON_2 in shape:
        divisor = max(shape[Role.KRON_2])
    return Adaptation(target, name.bare, method, roles, rank, divisor, axis)


def _plain_rank(target: Target, shape: Mapping[Role, tuple[int, ...]]) -> int | None:
    """Return the rank of a low-rank pair with or without alpha, if every shape is right.

    Nearly all files are like that, and a folder may have thousands. None where `_Check` has to
    look closer.
    """
    down, up = shape.get(Role.DOWN), shape.get(Role.UP)
    if down is None or up is None or len(down) != 2:
        return None
    alpha = shape.get(Role.ALPHA)
    if len(shape) != (2 if alpha is None else 3) or (alpha and _size(alpha) != 1):
        return None
    rank, inputs = down
    right = rank and inputs and inputs == target.inputs and up == (target.outputs, rank)
    return rank if right else None


def _method(check: _Check) -> tuple[Method, int | None]:
    """Return the method of a group of tensors and its rank, after checking every shape."""
    has = check.roles.keys() - {Role.ALPHA, Role.MAGNITUDE, *_BIASES}
    rows, inputs = check.target.outputs, check.target.inputs
    if has & {Role.DOWN, Role.UP, Role.CORE}:
        check.only(Role.DOWN, Role.UP, *(has & {Role.CORE}))
        rank = check.length(Role.DOWN, 0)
        if Role.CORE in has:
            inputs //= check.kernel(Role.CORE, rank)
        check.is_shaped(Role.DOWN, (rank, inputs))
        check.is_shaped(Role.UP, (rows, rank))
        return Method.LORA, rank
    if has & {*_HADA, *_HADA_CORES}:
        return Method.LOHA, _hada(check, bool(has & set(_HADA_CORES)))
    if has & {*_KRON_FIRST, *_KRON_SECOND}:
        return Method.LOKR, _kron(check)
    if has & {Role.FACTORS, Role.ON_INPUT}:
        check.only(Role.FACTORS, Role.ON_INPUT)
        check.factors()
        return Method.IA3, None
    if has & {Role.BLOCKS, Role.STRETCH}:
        check.only(Role.BLOCKS, *(has & {Role.STRETCH}))
        return check.blocks(), None
    if has & set(_GLORA):
        check.only(*_GLORA)
        return Method.GLORA, _glora(check)
    if Role.DIFF in has:
        check.only(Role.DIFF)
        whole = (rows,) if check.target.parts[0].is_norm else (rows, inputs)
        check.is_shaped(Role.DIFF, whole)
        return Method.FULL, None
    if check.roles.keys() & {Role.DIFF_BIAS}:
        check.only()
        return Method.FULL, None
    key = next(iter(check.roles.values()))
    raise Unreadable(f"{key} stands alone: nothing in the file goes with it")


def _hada(check: _Check, has_cores: bool) -> int:
    """Check both factors of a product value by value; return the rank."""
    check.only(*_HADA, *(_HADA_CORES if has_cores else ()))
    rank = check.length(Role.HADA_1B, 0)
    rows, inputs = check.target.outputs, check.target.inputs
    for left, right, core in (
        (Role.HADA_1A, Role.HADA_1B, Role.HADA_1CORE),
        (Role.HADA_2A, Role.HADA_2B, Role.HADA_2CORE),
    ):
        kernel = check.kernel(core, rank) if has_cores else 1
        check.is_shaped(left, (rank, rows) if has_cores else (rows, rank))
        check.is_shaped(right, (rank, inputs // kernel))
    return rank


def _kron(check: _Check) -> int | None:
    """Check both factors of a Kronecker product, whole or in factors; return the rank."""
    whole = [role for role in (Role.KRON_1, Role.KRON_2) if role in check.roles]
    core = Role.KRON_2CORE if Role.KRON_2CORE in check.roles else None
    split = [
        role
        for one, two in ((Role.KRON_1, _KRON_FIRST[1:]), (Role.KRON_2, _KRON_SECOND[1:3]))
        if one not in check.roles
        for role in two
    ]
    if core is not None and Role.KRON_2 not in check.roles:
        split.append(core)
    check.only(*whole, *split)
    rows, inputs, rank = 1, 1, None
    for one, left, right in (_KRON_FIRST, _KRON_SECOND[:3]):
        if one in check.roles:
            rows, inputs = rows * check.length(one, 0), inputs * check.length(one, 1)
            continue
        rank = check.length(right, 0)  # of the second where both have one, as LyCORIS reckons
        inputs *= check.length(right, 1)
        if one is Role.KRON_2 and core is not None:
            inputs *= check.kernel(core, rank)
            check.is_shaped(left, (rank, check.length(left, 1)))
            rows *= check.length(left, 1)
        else:
            check.is_shaped(left, (check.length(left, 0), rank))
            rows *= check.length(left, 0)
    if (rows, inputs) != (check.target.outputs, check.target.inputs):
        key = check.roles[(whole or split)[0]]
        raise Unreadable(
            f"{key} and its other factor make {rows}×{inputs}, but {check.target.names} "
            f"has {check.target.outputs}×{check.target.inputs}"
        )
    return rank


def _glora(check: _Check) -> int:
    """Check the pair that multiplies the weights and the pair beside it; return the rank."""
    rank = check.length(Role.OUT_DOWN, 0)
    check.is_shaped(Role.IN_UP, (check.target.channels, rank))
    check.is_shaped(Role.IN_DOWN, (rank, check.target.channels))
    check.is_shaped(Role.OUT_UP, (check.target.outputs, rank))
    check.is_shaped(Role.OUT_DOWN, (rank, check.target.inputs))
    return rank


@dataclass(frozen=True, slots=True)
class _Check:
    """The tensors of one target, whose shapes are being checked. Raises Unreadable."""

    target: Target
    roles: Mapping[Role, str]
    shape: Mapping[Role, tuple[int, ...]]

    def only(self, *wanted: Role) -> None:
        """Require these roles, and none beside them but alpha, magnitude and biases."""
        key = next(iter(self.roles.values()))
        for role in wanted:
            if role not in self.roles:
                raise Unreadable(f"{key} has no {role} beside it: the file is incomplete")
        extra = self.roles.keys() - {*wanted, Role.ALPHA, Role.MAGNITUDE, *_BIASES}
        if extra:
            wrong = min(self.roles[role] for role in extra)
            right = self.roles[wanted[0]] if wanted else key
            raise Unreadable(f"{wrong} belongs to another method than {right}")
        if Role.MAGNITUDE in self.roles and _DECOMPOSED.isdisjoint(wanted):
            raise Unreadable(f"{self.roles[Role.MAGNITUDE]} stands beside no factors")
        if Role.UP_BIAS in self.roles and Role.UP not in wanted:
            raise Unreadable(f"{self.roles[Role.UP_BIAS]} stands beside no lora_B")

    def factors(self) -> None:
        """Require one factor for each channel that the layer takes or gives."""
        found, rows = self.shape[Role.FACTORS], self.target.outputs
        sizes = (self.target.channels, rows)
        if found not in {(*ones, size) for size in sizes for ones in ((), (1,))}:
            raise Unreadable(
                f"{self.roles[Role.FACTORS]} is {_written(found)}, but {self.target.names} needs "
                f"{sizes[0]} or {sizes[1]}"
            )
        if _size(self.shape[Role.ON_INPUT]) != 1:
            raise Unreadable(f"{self.roles[Role.ON_INPUT]} is not one value")

    def blocks(self) -> Method:
        """Require blocks that cover the outputs, in one stage or as a butterfly of several."""
        found, rows = self.shape[Role.BLOCKS], self.target.outputs
        if Role.STRETCH in self.roles:
            self.is_shaped(Role.STRETCH, (rows, 1))
        plain = len(found) == 3
        if plain or len(found) == 4:
            stages, count, high, wide = (1, *found) if plain else found
            fits = stages > 0 and high == wide and count * wide == rows
            # Each stage of a butterfly takes halves of blocks from twice as far.
            if fits and (plain or (wide % 2 == 0 and count % 2 ** (stages - 1) == 0)):
                return Method.OFT if plain else Method.BOFT
        raise Unreadable(
            f"{self.roles[Role.BLOCKS]} is {_written(found)}, which does not fit the {rows} "
            f"outputs of {self.target.names}"
        )

    def length(self, role: Role, axis: int) -> int:
        """Return one side of a matrix, which must not be empty."""
        found = self.shape[role]
        if len(found) != 2 or 0 in found:
            raise Unreadable(f"{self.roles[role]} is {_written(found)}, not a matrix")
        return found[axis]

    def kernel(self, role: Role, rank: int) -> int:
        """Check the core of a kernel in factors; return the size of the kernel."""
        if self.target.kernel is None:
            key, names = self.roles[role], self.target.names
            raise Unreadable(f"{key} is for a convolution's kernel, and {names} has none")
        size = math.prod(self.target.kernel)
        self.is_shaped(role, (rank, rank * size))
        return size

    def is_shaped(self, role: Role, wanted: tuple[int, ...]) -> None:
        if self.shape[role] != wanted:
            raise Unreadable(
                f"{self.roles[role]} is {_written(self.shape[role])}, "
                f"but {self.target.names} needs {_written(wanted)}"
            )

    def axis(self) -> Axis:
        """Return what the magnitude of a decomposed weight belongs to."""
        found, rows, inputs = self.shape[Role.MAGNITUDE], self.target.outputs, self.target.inputs
        key, kernel = self.roles[Role.MAGNITUDE], self.target.kernel
        if kernel is not None:
            inputs //= math.prod(kernel)
            found = found[:2] if found[2:] == (1, 1) else found
            if found == (1, rows) and _PEFT_MAGNITUDE in key:
                return Axis.ROWS
        if found in ((rows, 1), (rows,)):
            return Axis.ROWS
        if found == (1, inputs):
            return Axis.COLUMNS
        raise Unreadable(
            f"{key} is {_written(self.shape[Role.MAGNITUDE])}, but {self.target.names} needs "
            f"{rows}×1 or 1×{inputs}"
        )

    def biases(self) -> None:
        """Require that what is added to a bias has the bias' size, and that there is one."""
        for role in _BIASES:
            if role not in self.roles:
                continue
            self.is_shaped(role, (self.target.outputs,))
            if role is Role.DIFF_BIAS and not all(part.has_bias for part in self.target.parts):
                raise Unreadable(
                    f"{self.roles[role]} changes a bias, and {self.target.names} has none"
                )


def _check_twice(adaptations: tuple[Adaptation, ...]) -> None:
    seen: dict[str, str] = {}
    for each in adaptations:
        key = next(iter(each.keys.values()))
        for part in each.target.parts:
            if part.name in seen:
                raise Unreadable(f"{key} adapts {part.name} again, after {seen[part.name]}")
            seen[part.name] = key


def as_matrix(shape: tuple[int, ...], kernel: tuple[int, int] | None) -> tuple[int, ...]:
    """Return the shape as a matrix of a factor that was written for a convolution.

    Factors that leave the kernel alone have one of 1×1, and so may those of a linear layer.
    """
    if len(shape) == 4 and shape[2:] in ((1, 1), kernel):
        return shape[0], math.prod(shape[1:])
    return shape


def _size(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


def _written(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single value"

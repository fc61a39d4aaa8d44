"""The process that compiles one block: `python -m engine.diffusion.compilation.process`.

It takes an order from its standard input, pickled, and keeps reading there: when that ends, so has
whoever ordered, and the process ends too. Its last line is what went wrong, if anything did. It
runs at the lowest priority, and so does the compiler that it calls.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import psutil
import torch
from torch import nn
from torch.utils import _pytree as pytree

from engine.diffusion.compilation.calls import Accepted, filled
from engine.diffusion.compilation.rotation import with_real_rotations
from engine.diffusion.compilation.store import CompiledStore
from engine.diffusion.compilation.structure import weights_of

LENGTH: Final = struct.Struct("<Q")
"""What comes before the order itself: its bytes."""
_LOWEST: Final = 19
_OPTIONS: Final = {
    "compile_threads": 1,
    # For a single library, compiling headers beforehand takes longer than it saves; and so does
    # asking the compiler whether it knows the processor's instructions, which fails later if not.
    "cpp_cache_precompile_headers": False,
    "aot_inductor.precompile_headers": False,
    "cpp.vec_isa_ok": True,
    "aot_inductor.enable_line_tables": False,
}
_LINE_CHARS: Final = 300
_MOST: Final = 2**31 - 1
"""The end of a range that has none."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to compile. block: without weights. tensors: sizes and types of the call's tensors.

    constants, structure, kind: as of `Call`. threads: of the processor, None where they do not
    matter. library: where the result belongs, in the store's `folder`.
    """

    block: nn.Module
    tensors: tuple[tuple[tuple[int, ...], torch.dtype], ...]
    constants: tuple[Any, ...]
    structure: Any
    kind: str
    device: str
    threads: int | None
    folder: Path
    library: Path


class _Functional(nn.Module):
    """A block whose weights are arguments, like the tensors of its call."""

    def __init__(self, block: nn.Module, order: Order) -> None:
        super().__init__()
        # Not as a module of this one: then its weights would be constants of what is compiled.
        self._hidden = (block, tuple(weights_of(block)), order, with_real_rotations(block))

    def forward(
        self, weights: Sequence[torch.Tensor], tensors: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        block, names, order, pairs = self._hidden
        leaves = filled(order.constants, tensors, pairs=pairs)
        args, kwargs = pytree.tree_unflatten(leaves, order.structure)
        return torch.func.functional_call(
            block, dict(zip(names, weights, strict=True)), args, kwargs
        )


def main() -> None:
    """Carry out one order."""
    psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if sys.platform == "win32" else _LOWEST)
    order = _received(sys.stdin.buffer)
    threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), daemon=True).start()
    try:
        _carry_out(order)
    except BaseException as error:  # the compiler raises nearly anything
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = f"{type(error).__name__}: {lines[0] if lines else 'no detail'}"
        print(text[:_LINE_CHARS], flush=True)
        sys.exit(1)


def _received(stream: BinaryIO) -> Order:
    (length,) = LENGTH.unpack(stream.read(LENGTH.size))
    return pickle.loads(stream.read(length))


def _end_with(pipe: int) -> None:
    """End this process with the one that ordered: nobody would use the result before the next."""
    # Not by the stream, whose lock this thread would hold when the interpreter ends.
    while os.read(pipe, 1):
        pass
    os._exit(1)


def _carry_out(order: Order) -> None:
    store = CompiledStore(order.folder)
    store.tidy()
    with store.work_folder() as work:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(work)
        made, accepted = compiled(order, work / order.library.name)
        store.write(made, order.library, accepted)
    store.tidy()


@torch.no_grad()
def compiled(order: Order, path: Path) -> tuple[Path, Accepted]:
    """Compile to a library at `path`; return it, and which calls it takes."""
    import torch._inductor as inductor
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.export import Dim, export
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    functional = _Functional(order.block.eval(), order)
    # Tensors that have sizes only: the weights of a large block are not allocated a second time.
    with FakeTensorMode(shape_env=ShapeEnv()):
        weights = [
            torch.empty(each.shape, dtype=each.dtype, device=order.device)
            for each in weights_of(order.block).values()
        ]
        tensors = [
            torch.empty(shape, dtype=dtype, device=order.device) for shape, dtype in order.tensors
        ]
    # Of the call's tensors every size but the batch's may vary, where the block does not fix it.
    varying = [dict.fromkeys(range(1, each.ndim), Dim.AUTO) for each in tensors]
    shapes: Any = ([None] * len(weights), varying)
    program = export(functional, (weights, tensors), dynamic_shapes=shapes, strict=False)
    accepted = _accepted(order, program, len(weights))
    options: dict[str, Any] = {"aot_inductor.output_path": str(path), **_OPTIONS}
    if order.threads is not None:
        options["cpp.threads"] = order.threads
    module: Any = program.module()
    made = Path(str(inductor.aot_compile(module, (weights, tensors), options=options)))
    if made.with_suffix(".json").exists():
        raise RuntimeError("it needs operations that cannot be called from a library")
    return made, accepted


def _accepted(order: Order, program: Any, weights: int) -> Accepted:
    """Read off the program which sizes were fixed, and within which bounds the others are."""
    inputs = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"]
    # A size that was fixed on the way is a symbol still, whose name is its value.
    names = [[str(dim) for dim in each.shape] for each in inputs[weights:]]
    shapes = tuple(tuple(int(x) if x.isdecimal() else x for x in each) for each in names)
    ranges: dict[str, tuple[int, int]] = {}
    for name, bounds in program.range_constraints.items():
        upper = bounds.upper
        ranges[str(name)] = (int(bounds.lower), int(upper) if upper.is_Integer else _MOST)
    varying = {dim for shape in shapes for dim in shape if isinstance(dim, str)}
    if unknown := varying - ranges.keys():
        raise RuntimeError(f"a size depends on others: {min(unknown)}")
    return Accepted(order.kind, shapes, ranges)


if __name__ == "__main__":
    main()

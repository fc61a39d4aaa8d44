"""What this build of torch can use of this machine, looked at without computing anything large."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812, torch's own name for it

from engine.diffusion.devices import computes_bfloat16, pick_dtype, pick_products
from engine.diffusion.machine import has_fp8_units, has_int8_units

_LINE_CHARS = 200
"""How much of torch's own complaint is kept. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class TorchCard:
    """A card as torch sees it. Sizes in bytes, None if they cannot be asked for.

    capability: its generation. bfloat16: whether it computes in it. fp16_instead: whether it
    multiplies large matrices in float16 then. int8_units: whether it computes in int8. kernels:
    whether this build of torch has programs for it.
    """

    index: int
    name: str
    capability: tuple[int, int]
    total_bytes: int | None
    free_bytes: int | None
    bfloat16: bool
    fp8_units: bool
    kernels: bool
    fp16_instead: bool = False
    int8_units: bool = False


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """A build of torch, and what it finds here.

    cuda: the CUDA release that it was built for, None without. rocm: likewise of AMD. cards: those
    that work. error: why none does although it was built for them, one line. apple: whether it
    finds Apple's GPU. apple_bytes: what that may take of the memory. cpu_bfloat16: whether the
    processor computes in bfloat16 itself.
    """

    version: str
    cuda: tuple[int, int] | None
    rocm: str | None
    cards: tuple[TorchCard, ...]
    error: str | None
    apple: bool
    apple_bytes: int | None
    cpu_bfloat16: bool


def read_build() -> TorchBuild:
    """Return what torch says about itself and the machine. Never raises."""
    error: str | None = None
    cards: tuple[TorchCard, ...] = ()
    if torch.version.cuda is not None or torch.version.hip is not None:
        try:
            torch.cuda.init()
            cards = tuple(_card(index) for index in range(torch.cuda.device_count()))
        except Exception as problem:  # a broken driver makes torch raise nearly anything
            error = _line(problem)
    apple = torch.backends.mps.is_available()
    return TorchBuild(
        version=torch.__version__,
        cuda=release(torch.version.cuda),
        rocm=torch.version.hip,
        cards=cards,
        error=error,
        apple=apple,
        apple_bytes=torch.mps.recommended_max_memory() if apple else None,
        cpu_bfloat16=computes_bfloat16(),
    )


def release(text: str | None) -> tuple[int, int] | None:
    """Return major and minor number of a release like "12.8"."""
    found = re.match(r"(\d+)\.(\d+)", text or "")
    return None if found is None else (int(found[1]), int(found[2]))


def has_kernels(capability: tuple[int, int], built_for: list[str]) -> bool:
    """Whether a build with programs for these architectures ("sm_90", "compute_90") runs on a card.

    Programs run on cards of the same generation that are not older than they are; "compute" is
    translated by the driver for all later ones.
    """
    if not built_for:
        return True  # not a build that says so, such as ROCm's
    for name in built_for:
        found = re.fullmatch(r"(sm|compute)_(\d+)(\d)[af]?", name)
        if found is None:
            continue
        built = (int(found[2]), int(found[3]))
        if built <= capability and (found[1] == "compute" or built[0] == capability[0]):
            return True
    return False


def unsupported_in_bfloat16(device: torch.device) -> tuple[str, ...]:
    """Return `unsupported_operations` in bfloat16, whatever a painting would use."""
    return unsupported_operations(device, torch.bfloat16)


def unsupported_operations(
    device: torch.device, dtype: torch.dtype | None = None
) -> tuple[str, ...]:
    """Return the names of the operations of a painting that fail on a device.

    dtype: the number format; None for the one that the device paints large models in. Each is run
    once on a few values; all fail if not even a tensor can be made.
    """
    dtype = dtype or pick_dtype(device)
    try:
        x = torch.ones(1, 4, 8, 8, dtype=dtype, device=device)
    except torch.OutOfMemoryError:
        return ()
    except Exception:  # as below
        return tuple(_operations(torch.ones(1, 4, 8, 8)))
    failed: list[str] = []
    for name, run in _operations(x).items():
        try:
            run().float().cpu()
        except torch.OutOfMemoryError:
            pass  # a full card says nothing about what it can do
        except Exception:  # NotImplementedError, RuntimeError or TypeError, by backend and version
            failed.append(name)
    return tuple(failed)


def _operations(x: torch.Tensor) -> Mapping[str, Callable[[], torch.Tensor]]:
    """The operations that text encoder, transformer and autoencoder are made of."""
    rows, weight = x[0, 0], x[0, :1].expand(4, 8, 8)[0]
    kernel = x[:1, :, :3, :3].expand(4, 4, 3, 3)
    table = torch.zeros(1, dtype=torch.long, device=x.device)
    return {
        "matrix product": lambda: rows @ weight,
        "attention": lambda: F.scaled_dot_product_attention(x, x, x),
        "convolution": lambda: F.conv2d(x, kernel, padding=1),
        "group norm": lambda: F.group_norm(x, 2),
        "RMS norm": lambda: F.rms_norm(x, (8,)),
        "softmax": lambda: rows.softmax(-1),
        "SiLU": lambda: F.silu(x),
        "embedding": lambda: F.embedding(table, rows),
        "enlarging": lambda: F.interpolate(x, scale_factor=2.0, mode="nearest"),
        "rotation by complex numbers": lambda: torch.view_as_real(
            torch.view_as_complex(x.float().reshape(1, 4, 32, 2))
            * torch.ones(1, dtype=torch.complex64, device=x.device)
        ),
    }


def _card(index: int) -> TorchCard:
    device = torch.device("cuda", index)
    found = torch.cuda.get_device_properties(device)
    try:
        free_bytes, total_bytes = torch.cuda.mem_get_info(device)
    except Exception:  # out of memory already, or not permitted
        free_bytes, total_bytes = None, found.total_memory
    capability = (found.major, found.minor)
    return TorchCard(
        index=index,
        name=found.name,
        capability=capability,
        total_bytes=total_bytes,
        free_bytes=free_bytes,
        bfloat16=pick_dtype(device) is torch.bfloat16,
        fp8_units=has_fp8_units(device),
        kernels=has_kernels(capability, torch.cuda.get_arch_list()),
        fp16_instead=pick_products(device) is torch.float16,
        int8_units=has_int8_units(device),
    )


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:_LINE_CHARS]

"""The full-size model and some machines, as data to check plans against."""

from engine.diffusion.footprint import Machine, Shape
from engine.diffusion.full_size import SIZES

GIB = 2**30

MODEL = SIZES
"""Z-Image-Turbo in bfloat16, measured on its shapes."""

NATIVE = Shape(1024, 1024)


def card(
    free_gib: float,
    *,
    tflops: float,
    pcie_gb: float,
    memory_gb: float,
    host_gib: float = 27,
    fp8_units: bool = False,
) -> Machine:
    """A card by its data sheet, with this much free memory on it and on its host."""
    return Machine(
        kind="cuda",
        free_bytes=int(free_gib * GIB),
        total_bytes=int(free_gib * GIB),
        host_free_bytes=int(host_gib * GIB),
        copy_bytes_per_s=pcie_gb * 1e9,
        pageable_bytes_per_s=pcie_gb * 0.4e9,
        memory_bytes_per_s=memory_gb * 1e9,
        flops_per_s=tflops * 1e12,
        fp8_units=fp8_units,
    )


def rtx_3060(free_gib: float = 11.4, host_gib: float = 27) -> Machine:
    return card(free_gib, tflops=25, pcie_gb=22, memory_gb=360, host_gib=host_gib)


def rtx_4060(free_gib: float = 7.4, host_gib: float = 27) -> Machine:
    return card(free_gib, tflops=30, pcie_gb=12, memory_gb=270, host_gib=host_gib, fp8_units=True)


def rtx_4090(free_gib: float = 23.0, host_gib: float = 55) -> Machine:
    return card(free_gib, tflops=165, pcie_gb=22, memory_gb=1000, host_gib=host_gib, fp8_units=True)


def h100(free_gib: float = 78.0, host_gib: float = 110) -> Machine:
    return card(free_gib, tflops=600, pcie_gb=50, memory_gb=3000, host_gib=host_gib, fp8_units=True)


def cpu(host_gib: float = 55) -> Machine:
    return Machine(
        kind="cpu",
        free_bytes=None,
        total_bytes=int(64 * GIB),
        host_free_bytes=int(host_gib * GIB),
        copy_bytes_per_s=1e10,
        pageable_bytes_per_s=1e10,
        memory_bytes_per_s=1e10,
        flops_per_s=1e12,
    )

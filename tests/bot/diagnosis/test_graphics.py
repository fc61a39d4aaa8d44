"""What the driver has against what torch can use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.diagnosis.findings import Code, Level
from bot.diagnosis.graphics import check_apple, check_graphics, check_operations
from bot.diagnosis.machine import hardware_of
from engine.diffusion.accelerators import TorchBuild, TorchCard
from engine.diffusion.nvidia_driver import DriverCard, NvidiaDriver
from engine.diffusion.recommendation import Pool
from tests.bot.diagnosis.reading import levels, said

GIB = 2**30
RTX = DriverCard("NVIDIA GeForce RTX 3060", 12 * GIB, 11 * GIB)
DRIVER = NvidiaDriver("550.54.14", (12, 4), (RTX,))
CARD = TorchCard(
    0, "NVIDIA GeForce RTX 3060", (8, 6), 12 * GIB, 11 * GIB, bfloat16=True, fp8_units=False,
    kernels=True,
)  # fmt: skip
WITHOUT = TorchBuild(
    "2.13.0+cpu", cuda=None, rocm=None, cards=(), error=None, apple=False, apple_bytes=None,
    cpu_bfloat16=True,
)  # fmt: skip
BUILD = replace(WITHOUT, version="2.13.0+cu126", cuda=(12, 6), cards=(CARD,))


def test_a_card_that_works() -> None:
    """Card, driver and number format are each told, and nothing needs help."""
    found = check_graphics(DRIVER, BUILD, "auto")
    assert set(levels(found).values()) == {Level.OK}
    assert "RTX 3060, 12.0 GiB of memory, 11.0 GiB of it free" in said(found)


def test_a_torch_without_cuda_beside_a_card() -> None:
    """A GPU that this build of torch cannot use is broken; the remedy says where to get one."""
    found = check_graphics(DRIVER, WITHOUT, "auto")
    assert levels(found)[Code.CPU_ONLY_TORCH] is Level.BROKEN
    assert "The right torch" in said(found) and "RTX 3060" in said(found)


@pytest.mark.parametrize("driver", [DRIVER, NvidiaDriver("550.54.14", None, (RTX,))])
def test_a_driver_older_than_cuda(driver: NvidiaDriver) -> None:
    """A driver of CUDA 12 does not run a torch for CUDA 13, whichever way it is told."""
    build = replace(BUILD, cuda=(13, 0), cards=(), error="The NVIDIA driver is too old")
    found = check_graphics(driver, build, "auto")
    assert levels(found)[Code.DRIVER_TOO_OLD] is Level.BROKEN
    assert "580 or newer" in said(found)


def test_a_card_that_torch_cannot_use() -> None:
    """Where the driver is new enough, torch's own reason is told."""
    build = replace(BUILD, cards=(), error="CUDA unknown error")
    found = check_graphics(DRIVER, build, "auto")
    assert levels(found)[Code.CARD_UNUSABLE] is Level.BROKEN
    assert "CUDA unknown error" in said(found)


def test_a_driver_in_trouble() -> None:
    """What nvidia-smi complains of is quoted."""
    driver = replace(DRIVER, trouble="Failed to initialize NVML: Driver/library version mismatch")
    found = check_graphics(driver, replace(BUILD, cards=()), "auto")
    assert levels(found) == {Code.DRIVER_TROUBLE: Level.BROKEN, Code.CPU_BFLOAT16: Level.OK}
    assert "version mismatch" in said(found)


def test_a_processor_that_was_chosen() -> None:
    """Nothing about a GPU is broken for whoever does not want it."""
    broken = replace(DRIVER, trouble="x")
    for driver in (DRIVER, broken):
        found = levels(check_graphics(driver, WITHOUT, "cpu"))
        assert found[Code.CPU_CHOSEN] is Level.NOTE and Level.BROKEN not in found.values()


def test_no_card() -> None:
    """A machine without a GPU works; a processor without bfloat16 is worth a note."""
    assert levels(check_graphics(None, WITHOUT, "auto"))[Code.NO_CARD] is Level.NOTE
    found = check_graphics(None, replace(WITHOUT, cpu_bfloat16=False), "auto")
    assert levels(found)[Code.CPU_FLOAT32] is Level.NOTE


def test_a_card_without_programs_or_bfloat16() -> None:
    """A card that torch has no programs for is broken; one without bfloat16 paints slower."""
    old = replace(CARD, capability=(6, 1), bfloat16=False, kernels=False)
    found = check_graphics(DRIVER, replace(BUILD, cards=(old,)), "auto")
    assert levels(found)[Code.NO_KERNELS] is Level.BROKEN
    found = check_graphics(DRIVER, replace(BUILD, cards=(replace(old, kernels=True),)), "cuda:0")
    assert levels(found)[Code.NO_BFLOAT16] is Level.NOTE
    turing = replace(CARD, capability=(7, 5), bfloat16=False, fp16_instead=True)
    found = check_graphics(DRIVER, replace(BUILD, cards=(turing,)), "auto")
    assert levels(found)[Code.FLOAT16_INSTEAD] is Level.NOTE and "float16" in said(found)
    assert hardware_of(None, replace(BUILD, cards=(turing,)), "auto").fp16_instead


def test_a_device_that_does_not_exist() -> None:
    """A second GPU in the settings and one in the machine: the engine's own reason is told."""
    found = check_graphics(DRIVER, BUILD, "cuda:1", missing="torch finds 1 CUDA device(s)")
    assert levels(found)[Code.DEVICE_MISSING] is Level.BROKEN


def test_windows_puts_it_into_main_memory() -> None:
    """The fallback of Windows' driver is named with the switch that turns it off."""
    found = check_graphics(DRIVER, BUILD, "auto", shares_memory=True)
    assert levels(found)[Code.SHARED_MEMORY_FALLBACK] is Level.NOTE
    assert "Prefer No Sysmem Fallback" in said(found)


def test_other_makers() -> None:
    """ROCm is named as untested; Apple's GPU shares its memory and paints in float32."""
    rocm = replace(BUILD, cuda=None, rocm="6.3")
    assert levels(check_graphics(None, rocm, "auto"))[Code.ROCM] is Level.NOTE
    apple = replace(WITHOUT, apple=True, apple_bytes=48 * GIB)
    assert levels(check_graphics(None, apple, "auto")) == {Code.APPLE: Level.OK}
    for bfloat16 in (True, False):
        assert "float32" in said([check_apple(bfloat16=bfloat16)])


def test_operations() -> None:
    """Unsupported operations are named and broken."""
    found = [check_operations("mps", ["group norm", "attention"])]
    assert levels(found)[Code.OPERATIONS_MISSING] is Level.BROKEN
    assert "group norm, attention" in said(found)
    assert levels([check_operations("cuda:0", [])]) == {Code.OPERATIONS: Level.OK}


def test_the_machine_as_a_whole() -> None:
    """The pool is the chosen card's; a card that torch cannot use yet still counts; Apple's memory
    is one pool in float32; a processor is one in what it computes in."""
    assert hardware_of(DRIVER, BUILD, "auto").pool is Pool.CARD
    ahead = hardware_of(DRIVER, WITHOUT, "auto")
    assert (ahead.pool, ahead.card_bytes) == (Pool.CARD, 12 * GIB)
    apple = hardware_of(None, replace(WITHOUT, apple=True), "auto")
    assert (apple.pool, apple.item_bytes, apple.card_bytes) == (Pool.UNIFIED, 4, 0)
    assert hardware_of(DRIVER, BUILD, "cpu").pool is Pool.HOST
    assert hardware_of(None, WITHOUT, "auto").item_bytes == 2
    assert hardware_of(None, replace(WITHOUT, cpu_bfloat16=False), "auto").item_bytes == 4

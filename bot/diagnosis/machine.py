"""Look at the machine as the renderer will: GPU, memory, the model's files, and what would fit.

torch is imported by the engine's modules when a check is run, not with this module; a device is a
torch.device.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from bot.diagnosis import graphics
from bot.diagnosis.disk import ReadRoom, read_room
from bot.diagnosis.findings import Code, Finding, broken, note, ok
from bot.diagnosis.memory import check_fetching, check_fit, check_host, check_loading, check_plan
from bot.diagnosis.model import check_model, check_refusal
from engine.compilation import OFF, compiler
from engine.diffusion import memory_plans
from engine.diffusion.families import SKETCH
from engine.diffusion.footprint import MemoryPlan, Shape
from engine.diffusion.memory_plans import Choice
from engine.diffusion.nvidia_driver import NvidiaDriver, read_driver
from engine.diffusion.recommendation import Hardware, Pool, Recommendation, recommend
from engine.errors import ModelUnavailable
from engine.hub.cache import default_cache
from engine.settings import AUTO, EngineSettings

if TYPE_CHECKING:
    from engine.diffusion.accelerators import TorchBuild
    from engine.diffusion.loading import Examined

_WSL = "microsoft"
_ITEM_BYTES = 2
"""Of a value in bfloat16, in which every card of the last years computes."""


@dataclass(frozen=True, slots=True)
class Probes:
    """How the machine is read. cache: the folder of downloaded models."""

    driver: Callable[[], NvidiaDriver | None] = read_driver
    room: ReadRoom = read_room
    cache: Callable[[], Path] = default_cache


def check_machine(
    settings: EngineSettings | None, probes: Probes, *, bot_runs: bool
) -> Iterator[Finding]:
    """Yield what is found about the machine and the model.

    settings: None if they could not be read; then there is no model to check. Without the device of
    the settings, the model's files are still checked. bot_runs: a bot that
    runs holds memory, which is not taken for a fault.
    """
    driver = probes.driver()
    try:
        from engine.diffusion.accelerators import read_build
        from engine.diffusion.machine import host_bytes, host_free_bytes
    except (ImportError, OSError) as error:  # OSError: a library of it cannot be loaded
        yield broken(Code.TORCH_BROKEN, reason=_line(error))
        return
    build = read_build()
    device, missing = _device(settings or EngineSettings())
    yield from graphics.check_graphics(
        driver,
        build,
        "auto" if settings is None else settings.device,
        missing=missing,
        shares_memory=_shares_memory(),
    )
    if device is not None and device.type != "cpu":
        yield from _operations(device)
    if settings is not None:
        yield from _compiling(settings)
    total_bytes, limit_bytes = psutil.virtual_memory().total, host_bytes()
    yield from check_host(total_bytes, limit_bytes, host_free_bytes())
    there = False
    if settings is not None:
        found = list(_model(settings, device, bot_runs=bot_runs))
        there = any(each.code is Code.MODEL_READY for each in found) and settings.model != SKETCH
        yield from found
    hardware = hardware_of(driver, build, "auto" if settings is None else settings.device)
    fit = recommend(hardware)
    yield from check_fit(fit, hardware.pool)
    if not there:
        yield from check_fetching(fit, disk_free_bytes=_free(probes))


def check_others(others: Iterable[EngineSettings]) -> Iterator[Finding]:
    """Yield whether the files of the models beside the default one are usable.

    Whether there is room for one shows when it is loaded: the others are not in memory then.
    """
    try:
        import engine.diffusion.loading  # noqa: F401
    except (ImportError, OSError):
        return  # the check of the machine says so
    for each in others:
        yield from _model(each, None, bot_runs=False)


def first_fit(driver: Callable[[], NvidiaDriver | None] = read_driver) -> Recommendation | None:
    """Return what a machine with a GPU could paint with; None without a GPU, or if nothing fits.

    torch is asked only where there may be a GPU. Blocking.
    """
    found = driver()
    if found is None and sys.platform != "darwin":
        return None
    from engine.diffusion.accelerators import read_build

    hardware = hardware_of(found, read_build(), AUTO)
    fit = recommend(hardware)
    return None if hardware.pool is Pool.HOST or fit.weights is None else fit


def hardware_of(driver: NvidiaDriver | None, build: TorchBuild, device: str) -> Hardware:
    """Return the machine as a whole: the card that the settings choose, or the driver's first one
    where torch cannot use it yet."""
    from engine.diffusion.machine import host_bytes

    host, swap_bytes = host_bytes(), psutil.swap_memory().total
    card = graphics.used_card(build, device)
    if card is not None:
        return Hardware(
            Pool.CARD,
            card.total_bytes or 0,
            host,
            swap_bytes,
            item_bytes=_ITEM_BYTES if card.bfloat16 else 2 * _ITEM_BYTES,
            fp8_units=card.fp8_units,
            fp16_instead=card.fp16_instead,
            int8_products=card.fp16_instead and card.int8_units,
        )
    sizes = [one.total_bytes for one in driver.cards] if driver is not None else []
    if device != graphics.CPU and sizes and sizes[0] is not None:
        return Hardware(Pool.CARD, sizes[0], host, swap_bytes)
    if build.apple and device in (AUTO, graphics.MPS):
        # The model is in float32 there: see `pick_dtype`.
        return Hardware(Pool.UNIFIED, 0, host, item_bytes=2 * _ITEM_BYTES)
    item_bytes = _ITEM_BYTES if build.cpu_bfloat16 else 2 * _ITEM_BYTES
    return Hardware(Pool.HOST, 0, host, item_bytes=item_bytes)


def _device(settings: EngineSettings) -> tuple[Any, str | None]:
    """Return the device of the settings, or why it cannot be had."""
    from engine.diffusion.devices import pick_device

    try:
        return pick_device(settings.device, settings.model), None
    except ModelUnavailable as error:
        return None, error.reason


def _operations(device: Any) -> Iterator[Finding]:
    from engine.diffusion.accelerators import unsupported_in_bfloat16, unsupported_operations

    if device.type == graphics.MPS:
        yield graphics.check_apple(bfloat16=not unsupported_in_bfloat16(device))
    yield graphics.check_operations(str(device), unsupported_operations(device))


def _compiling(settings: EngineSettings) -> Iterator[Finding]:
    """Yield whether blocks of large models can be compiled, and whether that failed of late."""
    if settings.compile == OFF:
        return
    from engine.diffusion.compilation.store import FOLDER, CompiledStore

    found = compiler()
    yield note(Code.NO_COMPILER) if found is None else ok(Code.COMPILER, compiler=found)
    if found is not None and settings.cache_dir is not None:
        failure = CompiledStore(settings.cache_dir / FOLDER).failure
        if failure:
            yield note(Code.COMPILING_FAILED, reason=failure.rstrip("."))


def _model(settings: EngineSettings, device: Any, *, bot_runs: bool) -> Iterator[Finding]:
    from engine.diffusion.devices import pick_device
    from engine.diffusion.loading import examine_model

    try:
        examined = examine_model(settings, device or pick_device(graphics.CPU, settings.model))
    except ModelUnavailable as error:
        yield check_refusal(error, download=settings.download)
        return
    dtype = str(examined.dtype).removeprefix("torch.")
    yield from check_model(settings.model, examined.family.name, dtype, examined.notes)
    if device is None:
        return
    too_large = examined.too_large
    lacking = None if too_large is None else (too_large.needed_bytes, too_large.free_bytes)
    unfit = check_loading(lacking, dtype, bot_runs=bot_runs)
    yield from unfit
    if not unfit:
        choice = _choice(settings, examined, device, bot_runs=bot_runs)
        yield check_plan(choice, allow_quantized=settings.allow_quantized, bot_runs=bot_runs)


def _choice(settings: EngineSettings, examined: Examined, device: Any, *, bot_runs: bool) -> Choice:
    """Choose the plan for a picture of the native size, as the renderer would now."""
    from engine.diffusion import machine
    from engine.diffusion.faults import is_memory

    family = examined.family
    side_px, exact = family.native_side_px, not family.bfloat16
    try:
        # Measuring takes some hundred megabytes, which a bot that paints may need at that moment.
        speeds = machine.cautious if bot_runs else None
        there = machine.read(device, speeds=speeds, float32_only=exact)
    except Exception as error:
        if not is_memory(error):
            raise
        there = machine.read(device, speeds=machine.cautious, float32_only=exact)
    wanted = settings.memory_plan
    return memory_plans.choose(
        examined.sizes,
        there,
        Shape(side_px, side_px, family.default_steps),
        wanted=None if wanted == AUTO else MemoryPlan.parse(wanted),
        allow_quantized=settings.allow_quantized,
        reserve_bytes=settings.reserve_bytes if device.type == "cuda" else 0,
    )


def _free(probes: Probes) -> int | None:
    folder = probes.cache()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return probes.room(folder).free_bytes
    except OSError:
        return None  # the section on disks says so


def _shares_memory() -> bool:
    """Whether this is Windows, or WSL, which uses Windows' driver."""
    if sys.platform == "win32":
        return True
    try:
        kernel = Path("/proc/sys/kernel/osrelease").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return _WSL in kernel.lower()


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__

"""GPU, driver and number formats: what the driver has against what torch can use.

Everything here is a function of facts that `report` has collected. The facts' types are only named,
because their module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.diagnosis.findings import Code, Finding, broken, note, ok
from engine.diffusion.nvidia_driver import OLDEST_DRIVER, NvidiaDriver

if TYPE_CHECKING:
    from engine.diffusion.accelerators import TorchBuild, TorchCard

CPU, CUDA, MPS, AUTO = "cpu", "cuda", "mps", "auto"


def check_graphics(
    driver: NvidiaDriver | None,
    build: TorchBuild,
    device: str,
    *,
    missing: str | None = None,
    shares_memory: bool = False,
) -> list[Finding]:
    """Return what is right and wrong with GPU and driver.

    device: as in the settings. missing: why that device cannot be had, None if it can.
    shares_memory: whether this system's driver puts what exceeds a card into main memory.
    """
    found = list(_driver(driver, build, device))
    if missing is not None and not any(each.level == "broken" for each in found):
        found.append(broken(Code.DEVICE_MISSING, device=device, reason=missing))
    if device in (AUTO, MPS) and build.apple and not build.cards:
        found.append(ok(Code.APPLE, total_bytes=build.apple_bytes or 0))
        return found
    if device == CPU or (not build.cards and not found):
        found.append(_without_card(driver, device))
    if build.cards and device != CPU:
        used = used_card(build, device)
        for card in build.cards:
            found += _card(card, build, used=card is used)
        if build.rocm is not None:
            found.append(note(Code.ROCM, release=build.rocm))
        if shares_memory:
            found.append(note(Code.SHARED_MEMORY_FALLBACK))
    else:
        found.append(ok(Code.CPU_BFLOAT16) if build.cpu_bfloat16 else note(Code.CPU_FLOAT32))
    return found


def used_card(build: TorchBuild, device: str) -> TorchCard | None:
    """Return the card that the settings choose, None if they choose none or it does not exist."""
    kind, _, index = device.partition(":")
    if kind not in (AUTO, CUDA):
        return None
    wanted = int(index or 0)
    return next((card for card in build.cards if card.index == wanted), None)


def check_apple(*, bfloat16: bool) -> Finding:
    """Return what Apple's GPU computes in: zimagine paints in float32 there either way."""
    return note(Code.APPLE_BFLOAT16) if bfloat16 else note(Code.APPLE_FLOAT32)


def check_operations(device: str, failed: Sequence[str]) -> Finding:
    """Return whether the operations of a painting work on a device."""
    if failed:
        return broken(Code.OPERATIONS_MISSING, device=device, operations=tuple(failed))
    return ok(Code.OPERATIONS, device=device)


def _driver(driver: NvidiaDriver | None, build: TorchBuild, device: str) -> Iterator[Finding]:
    if driver is None or device == CPU or (device == MPS and build.apple):
        return
    name = driver.cards[0].name if driver.cards else "NVIDIA"
    if driver.trouble is not None:
        yield broken(Code.DRIVER_TROUBLE, card=name, reason=driver.trouble)
        return
    version = driver.version or "?"
    cuda = build.cuda
    if cuda is None and build.rocm is None:
        yield broken(Code.CPU_ONLY_TORCH, card=name, torch=build.version)
        return
    if cuda is None or build.cards:
        yield ok(Code.DRIVER, version=version, cuda=_release(driver.cuda))
        return
    if driver.runs(cuda) is False:
        yield broken(
            Code.DRIVER_TOO_OLD,
            version=version,
            card=name,
            cuda=_release(cuda),
            torch=build.version,
            needed=OLDEST_DRIVER.get(cuda[0], "?"),
        )
        return
    yield broken(Code.CARD_UNUSABLE, card=name, reason=build.error or "torch finds no GPU")


def _without_card(driver: NvidiaDriver | None, device: str) -> Finding:
    if device == CPU and driver is not None and driver.cards:
        return note(Code.CPU_CHOSEN, card=driver.cards[0].name)
    return note(Code.NO_CARD)


def _card(card: TorchCard, build: TorchBuild, *, used: bool) -> Iterator[Finding]:
    yield ok(
        Code.CARD,
        number=card.index,
        name=card.name,
        total_bytes=card.total_bytes or 0,
        free_bytes=card.free_bytes or 0,
    )
    if not used:
        return
    if not card.kernels:
        generation = ".".join(map(str, card.capability))
        yield broken(Code.NO_KERNELS, name=card.name, generation=generation, torch=build.version)
    elif card.bfloat16:
        yield ok(Code.BFLOAT16)
    else:
        yield note(Code.FLOAT16_INSTEAD if card.fp16_instead else Code.NO_BFLOAT16)


def _release(cuda: tuple[int, int] | None) -> str:
    return "?" if cuda is None else f"{cuda[0]}.{cuda[1]}"

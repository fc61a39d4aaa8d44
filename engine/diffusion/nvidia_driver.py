"""What NVIDIA's driver says about itself and its cards, whatever torch can use. No torch."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

PROC = Path("/proc/driver/nvidia")
PCI = Path("/sys/bus/pci/devices")
_VENDOR, _DISPLAY = "0x10de", "0x03"
"""NVIDIA's number on the PCI bus, and how the class of everything that displays begins."""
_WSL_TOOL = Path("/usr/lib/wsl/lib/nvidia-smi")
"""Where WSL has the tool; that folder is not on every PATH."""
LIMIT_S = 10.0
"""How long nvidia-smi may take; a driver in trouble hangs. Chosen by hand."""
OLDEST_DRIVER = {11: 450, 12: 525, 13: 580}
"""The oldest branch of Linux's driver that runs programs built for a CUDA release, by NVIDIA's
table of minor version compatibility."""
_MIB = 2**20
_UNNAMED = "NVIDIA"
_NAME_CHARS = 40
_REASON_CHARS = 160
"""How much of the tool's complaint is kept. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class CardProcess:
    """A program that holds memory of a card, as far as the driver says."""

    pid: int
    name: str
    used_bytes: int


@dataclass(frozen=True, slots=True)
class DriverCard:
    """A card that the driver has. Sizes in bytes, None where the driver does not say."""

    name: str
    total_bytes: int | None = None
    free_bytes: int | None = None
    processes: tuple[CardProcess, ...] = ()


@dataclass(frozen=True, slots=True)
class NvidiaDriver:
    """The driver of this machine.

    version: "550.54.14", None if unknown. cuda: the newest CUDA release that it runs, None if
    unknown. trouble: why it does not work, one line.
    """

    version: str | None = None
    cuda: tuple[int, int] | None = None
    cards: tuple[DriverCard, ...] = ()
    trouble: str | None = None

    @property
    def branch(self) -> int | None:
        """The first number of the version."""
        head = (self.version or "").partition(".")[0]
        return int(head) if head.isdecimal() else None

    def runs(self, cuda: tuple[int, int]) -> bool | None:
        """Whether it runs programs that were built for a CUDA release; None if unknown.

        Within a major release a driver runs all of them.
        """
        if self.cuda is not None:
            return self.cuda[0] >= cuda[0]
        oldest = OLDEST_DRIVER.get(cuda[0])
        if self.branch is None or oldest is None:
            return None
        return self.branch >= oldest


def read_driver(
    proc: Path = PROC, pci: Path = PCI, limit_s: float = LIMIT_S
) -> NvidiaDriver | None:
    """Ask nvidia-smi, or else the kernel's files, about the driver and its cards.

    None if there is neither a driver nor a card. A card without a driver is trouble; a driver that
    finds none is not, on a machine without any. Never raises. Blocking, for at most `limit_s`.
    """
    kernel = _from_kernel(proc)
    if kernel is None or not kernel.cards:
        there = tuple(DriverCard(_UNNAMED) for _ in range(_on_bus(pci)))
        if kernel is not None:
            kernel = replace(kernel, cards=there)
        elif there:
            kernel = NvidiaDriver(cards=there, trouble="there is none on this system")
    tool = shutil.which("nvidia-smi") or (str(_WSL_TOOL) if _WSL_TOOL.exists() else None)
    if tool is None:
        return kernel
    if kernel is None and sys.platform == "win32":  # where the tool comes with the driver alone
        kernel = NvidiaDriver(cards=(DriverCard(_UNNAMED),))
    found = _from_tool(tool, kernel, limit_s)
    return found if found.cards else None


def _from_tool(tool: str, kernel: NvidiaDriver | None, limit_s: float) -> NvidiaDriver:
    try:
        done = subprocess.run([tool, "-q", "-x"], capture_output=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return _in_trouble(kernel, f"nvidia-smi did not answer within {limit_s:g} s")
    except OSError as error:
        return _in_trouble(kernel, f"nvidia-smi cannot be started ({error.strerror or error})")
    text = done.stdout.decode("utf-8", errors="replace")
    if done.returncode != 0:
        said = text + done.stderr.decode("utf-8", errors="replace")
        return _in_trouble(kernel, _first_line(said) or f"nvidia-smi ended with {done.returncode}")
    try:
        return _from_xml(text)
    except (ElementTree.ParseError, ValueError):
        return _in_trouble(kernel, "nvidia-smi printed what cannot be read")


def _from_xml(text: str) -> NvidiaDriver:
    root = ElementTree.fromstring(text)
    release = re.fullmatch(r"(\d+)\.(\d+)", root.findtext("cuda_version", "").strip())
    return NvidiaDriver(
        version=root.findtext("driver_version", "").strip() or None,
        cuda=None if release is None else (int(release[1]), int(release[2])),
        cards=tuple(
            DriverCard(
                card.findtext("product_name", "").strip() or _UNNAMED,
                _mebibytes(card.findtext("fb_memory_usage/total")),
                _mebibytes(card.findtext("fb_memory_usage/free")),
                tuple(_processes(card)),
            )
            for card in root.iter("gpu")
        ),
    )


def _processes(card: ElementTree.Element) -> Iterator[CardProcess]:
    """Yield who holds memory of a card; in a container, and on Windows, the driver hides that."""
    for each in card.iter("process_info"):
        pid, used_bytes = each.findtext("pid", "").strip(), _mebibytes(each.findtext("used_memory"))
        if pid.isdecimal() and used_bytes is not None:
            path = each.findtext("process_name", "").strip()
            # Of a path, whichever system's: the name alone, and no arguments.
            name = re.split(r"[/\\]", path)[-1].partition(" ")[0]
            yield CardProcess(int(pid), name[:_NAME_CHARS] or "?", used_bytes)


def _on_bus(pci: Path) -> int:
    """Return how many of NVIDIA's cards are plugged in."""
    return sum(
        _text(device / "vendor") == _VENDOR and _text(device / "class").startswith(_DISPLAY)
        for device in (pci.iterdir() if pci.is_dir() else ())
    )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _from_kernel(proc: Path) -> NvidiaDriver | None:
    """Read the files of the kernel module, which are there without the tool."""
    try:
        text = (proc / "version").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    version = re.search(r"\b(\d{3,}(?:\.\d+)+)\b", text)
    names = (_model(file) for file in sorted(proc.glob("gpus/*/information")))
    return NvidiaDriver(
        None if version is None else version[1],
        cards=tuple(DriverCard(name) for name in names),
    )


def _model(information: Path) -> str:
    try:
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return _field(lines, "Model") or _UNNAMED


def _field(lines: Iterable[str], name: str) -> str | None:
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == name and value.strip():
            return value.strip()
    return None


def _in_trouble(kernel: NvidiaDriver | None, reason: str) -> NvidiaDriver:
    return replace(kernel or NvidiaDriver(), trouble=reason)


def _mebibytes(text: str | None) -> int | None:
    found = re.fullmatch(r"(\d+)\s*MiB", (text or "").strip())
    return None if found is None else int(found[1]) * _MIB


def _first_line(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines[0].rstrip(".")[:_REASON_CHARS] if lines else ""

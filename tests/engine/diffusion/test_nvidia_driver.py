"""What is known of NVIDIA's driver, from its tool and from the kernel's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.diffusion.nvidia_driver import CardProcess, DriverCard, NvidiaDriver, read_driver
from tests.engine.diffusion.nvidia_smi import REPORT, install, with_processes

MIB = 2**20
VERSION = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n"
    "GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)\n"
)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """The kernel module's folder, as a loaded driver with one card has it."""
    card = tmp_path / "proc" / "gpus" / "0000:01:00.0"
    card.mkdir(parents=True)
    (tmp_path / "proc" / "version").write_text(VERSION)
    (card / "information").write_text("Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 52\n")
    return tmp_path / "proc"


def plugged_in(folder: Path, vendor: str = "0x10de", kind: str = "0x030000") -> Path:
    """Make a PCI bus with one device."""
    device = folder / "pci" / "0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text(f"{kind}\n")
    return folder / "pci"


def no_tool(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing on PATH."""
    monkeypatch.setenv("PATH", str(folder / "empty"))


def test_the_tool_tells_version_and_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Driver, its newest CUDA release, names and memory come from nvidia-smi's own XML."""
    install(tmp_path, monkeypatch, REPORT)
    card = DriverCard("NVIDIA GeForce RTX 3060", 12288 * MIB, 12054 * MIB)
    found = read_driver(tmp_path / "none", tmp_path / "none")
    assert found == NvidiaDriver("550.54.14", (12, 4), (card,))


def test_who_holds_memory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs by the last part of their path; those whose memory is hidden are left out."""
    printed = with_processes(
        (12, "/usr/bin/python3 -m comfy", "4000 MiB"),
        (34, "C:\\Games\\game.exe", "300 MiB"),
        (56, "[Not Found]", "N/A"),
        (78, "", "1 MiB"),
    )
    install(tmp_path, monkeypatch, printed)
    found = read_driver(tmp_path / "none", tmp_path / "none")
    assert found is not None
    assert found.cards[0].processes == (
        CardProcess(12, "python3", 4000 * MIB),
        CardProcess(34, "game.exe", 300 * MIB),
        CardProcess(78, "?", MIB),
    )


def test_memory_that_is_not_told_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chip that shares the host's memory says N/A, which is no number of bytes."""
    shared = REPORT.replace("12288 MiB", "N/A").replace("12054 MiB", "[Not Supported]")
    install(tmp_path, monkeypatch, shared)
    found = read_driver(tmp_path / "none", tmp_path / "none")
    assert found is not None and found.cards == (DriverCard("NVIDIA GeForce RTX 3060"),)


@pytest.mark.parametrize(
    ("printed", "code", "reason"),
    [
        (
            "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 5\n",
            18,
            "Failed to initialize NVML: Driver/library version mismatch",
        ),
        ("", 9, "nvidia-smi ended with 9"),
        ("<nvidia_smi_log>", 0, "nvidia-smi printed what cannot be read"),
    ],
    ids=["mismatch", "silent", "cut off"],
)
def test_a_tool_in_trouble_is_quoted(
    tmp_path: Path,
    proc: Path,
    monkeypatch: pytest.MonkeyPatch,
    printed: str,
    code: int,
    reason: str,
) -> None:
    """Where a card is there, the tool's first line is the trouble, and the rest is still known."""
    install(tmp_path, monkeypatch, printed, code=code)
    found = read_driver(proc, tmp_path / "none")
    card = DriverCard("NVIDIA GeForce RTX 3060")
    assert found == NvidiaDriver("550.54.14", None, (card,), reason)


def test_a_tool_that_hangs_is_left(
    tmp_path: Path, proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that does not answer costs the limit and no more."""
    install(tmp_path, monkeypatch, REPORT, wait_s=30)
    found = read_driver(proc, tmp_path / "none", limit_s=0.2)
    assert found is not None and found.trouble == "nvidia-smi did not answer within 0.2 s"


def test_without_the_tool_the_kernel_tells(
    tmp_path: Path, proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers often have the driver without its tool: version and names are still known."""
    no_tool(tmp_path, monkeypatch)
    found = read_driver(proc, tmp_path / "none")
    assert found == NvidiaDriver("550.54.14", None, (DriverCard("NVIDIA GeForce RTX 3060"),))


def test_a_card_without_a_driver_is_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card on the bus of a system that has no driver is found; other devices are not cards."""
    no_tool(tmp_path, monkeypatch)
    found = read_driver(tmp_path / "none", plugged_in(tmp_path))
    assert found is not None and len(found.cards) == 1 and found.trouble is not None
    for number, (vendor, kind) in enumerate([("0x8086", "0x030000"), ("0x10de", "0x040300")]):
        bus = plugged_in(tmp_path / str(number), vendor, kind)
        assert read_driver(tmp_path / "none", bus) is None


def test_a_tool_on_a_machine_without_a_card_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images for GPUs have the tool; where there is no card, it has nothing to say."""
    install(tmp_path, monkeypatch, "No devices were found", code=6)
    assert read_driver(tmp_path / "none", tmp_path / "none") is None


def test_which_builds_a_driver_runs() -> None:
    """A driver runs every release of a major number that it knows, by its word or its branch."""
    assert NvidiaDriver("550.54.14", (12, 4)).runs((12, 8)) is True
    assert NvidiaDriver("550.54.14", (12, 4)).runs((13, 0)) is False
    assert NvidiaDriver("580.65.06").runs((13, 0)) is True
    assert NvidiaDriver("550.54.14").runs((13, 0)) is False
    assert NvidiaDriver(None).runs((13, 0)) is None
    assert NvidiaDriver("999.1").runs((14, 0)) is None

"""The machine's memory and speeds are read, not assumed."""

from pathlib import Path

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.diffusion.machine import (
    Speeds,
    free_bytes,
    has_fp8_units,
    host_bytes,
    host_free_bytes,
    measure,
    measured,
    read,
    total_bytes,
)

CPU = torch.device("cpu")
MIB = 2**20
SPEEDS = Speeds(1.0, 2.0, 3.0, 4.0)


def group(folder: Path, **files: str) -> Path:
    """A control group of version 2 with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text, encoding="ascii")
    return folder


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    return tmp_path / "nowhere"


def test_a_cpu_shares_its_memory() -> None:
    """A CPU has no memory of its own, and no fp8 units."""
    machine = read(CPU, speeds=lambda _: SPEEDS)
    assert (machine.kind, machine.free_bytes, machine.fp8_units) == ("cpu", None, False)
    assert machine.total_bytes == psutil.virtual_memory().total == total_bytes(CPU)
    assert free_bytes(CPU) is None
    assert not has_fp8_units(CPU)
    speeds = (
        machine.copy_bytes_per_s,
        machine.pageable_bytes_per_s,
        machine.memory_bytes_per_s,
        machine.flops_per_s,
    )
    assert speeds == (1.0, 2.0, 3.0, 4.0)


def test_what_the_model_holds_is_free_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's own weights on the host count as free: the next plan may use their place."""
    monkeypatch.setattr("engine.diffusion.machine.host_free_bytes", lambda: 5 * MIB)
    machine = read(CPU, host_held_bytes=7 * MIB, speeds=lambda _: SPEEDS)
    assert machine.host_free_bytes == 12 * MIB


def test_no_groups(nowhere: Path) -> None:
    """Without control groups, the host's own number counts."""
    free = host_free_bytes(nowhere, nowhere / "cgroup")
    assert 0 < free <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({"memory_max": str(9 * MIB), "memory_current": str(4 * MIB)}, 5),
        (
            {
                "memory_max": str(9 * MIB),
                "memory_current": str(4 * MIB),
                "memory_stat": f"anon 7\ninactive_file {2 * MIB}\n",
            },
            7,
        ),
        ({"memory_limit_in_bytes": str(9 * MIB), "memory_usage_in_bytes": str(9 * MIB)}, 0),
        ({"memory_max": str(9 * MIB), "memory_current": str(12 * MIB)}, 0),
    ],
    ids=["v2", "files are given up", "v1, full", "over"],
)
def test_a_bound_of_the_container(files: dict[str, str], left: int, tmp_path: Path) -> None:
    """A container's limit applies where it is lower, less what is used and cannot be reclaimed."""
    groups = group(tmp_path / "groups", **files)
    assert host_free_bytes(groups, tmp_path / "none") == left * MIB


@pytest.mark.parametrize("limit", ["max", "", "many", str(2**63 - 1)])
def test_no_bound(limit: str, tmp_path: Path) -> None:
    """A group without a limit, or with an unreadable one, changes nothing."""
    groups = group(tmp_path / "groups", memory_max=limit, memory_current="5")
    assert host_free_bytes(groups, tmp_path / "none") > 12 * MIB


def test_the_lowest_of_all_groups(tmp_path: Path) -> None:
    """A service's own group and its ancestors may have limits; the lowest applies."""
    groups = tmp_path / "groups"
    group(groups / "system" / "bot", memory_max=str(8 * MIB), memory_current=str(MIB))
    group(groups / "system", memory_max=str(6 * MIB), memory_current=str(3 * MIB))
    own = tmp_path / "own"
    own.write_text("0::/system/bot\n", encoding="utf-8")
    assert host_free_bytes(groups, own) == 3 * MIB


def test_all_memory_of_a_container(tmp_path: Path) -> None:
    """The lowest limit of version 1 or 2 is all there is, however much of it is used; a version 1
    without a limit has a huge one."""
    total_bytes = psutil.virtual_memory().total
    assert host_bytes(tmp_path / "none", tmp_path / "none") == total_bytes
    unlimited = group(tmp_path / "old", memory_limit_in_bytes=str(2**63 - 4096))
    assert host_bytes(unlimited, tmp_path / "none") == total_bytes
    for number, name in enumerate(("memory_max", "memory_limit_in_bytes")):
        limited = group(tmp_path / str(number), **{name: str(9 * MIB)})
        assert host_bytes(limited, tmp_path / "none") == 9 * MIB


@given(st.binary(max_size=60))
def test_any_group_file(content: bytes) -> None:
    """Whatever the kernel's file contains, the host's memory can be read."""
    own = Path("/proc/self/cgroup")

    class Odd(type(own)):
        def read_text(self, *_: object, **__: object) -> str:
            return content.decode("latin-1")

    assert host_free_bytes(Path("/nowhere"), Odd("odd")) > 0


def test_speeds_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring gives positive numbers, and happens once per device."""
    measured.cache_clear()
    speeds = measured(CPU)
    assert min(speeds.copy_bytes_per_s, speeds.memory_bytes_per_s, speeds.flops_per_s) > 0
    monkeypatch.setattr("engine.diffusion.machine.measure", lambda _: SPEEDS)
    assert measured(CPU) is speeds
    assert read(CPU).flops_per_s == speeds.flops_per_s
    measured.cache_clear()


def test_speeds_follow_the_clock() -> None:
    """Speeds are bytes and operations divided by the seconds of the clock."""
    now = iter(range(100))
    speeds = measure(CPU, clock=lambda: next(now) * 1.5)
    nbytes = 512 * 1024 * 4
    assert speeds.copy_bytes_per_s == pytest.approx(nbytes / 0.5)
    assert speeds.memory_bytes_per_s == pytest.approx(2 * nbytes / 0.5)
    assert speeds.flops_per_s == pytest.approx(2 * 512**3 / 0.5)


def test_a_clock_that_stands_still() -> None:
    """A clock too coarse for the measurement gives large speeds, never a division by zero."""
    assert measure(CPU, clock=lambda: 0.0).flops_per_s > 1e9

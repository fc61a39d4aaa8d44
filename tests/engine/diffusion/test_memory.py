"""The fastest plan that fits is chosen, and carried out with the pipeline's own switches."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.diffusion.memory import WORK_BYTES, Plan, apply, choose

GIB = 2**30
TOTAL, LARGEST = 19 * GIB, 12 * GIB
BYTES = st.integers(0, 200 * GIB)


@pytest.mark.parametrize(
    ("free_bytes", "plan"),
    [
        (None, Plan.RESIDENT),
        (80 * GIB, Plan.RESIDENT),
        (TOTAL + WORK_BYTES, Plan.RESIDENT),
        (TOTAL + WORK_BYTES - 1, Plan.MODEL),
        (LARGEST + WORK_BYTES, Plan.MODEL),
        (LARGEST + WORK_BYTES - 1, Plan.SEQUENTIAL),
        (0, Plan.SEQUENTIAL),
    ],
)
def test_choose(free_bytes: int | None, plan: Plan) -> None:
    """All on the device if it fits with room to work, else a component, else a layer at a time."""
    assert choose(free_bytes, TOTAL, LARGEST) is plan


@given(BYTES, BYTES, BYTES, BYTES)
def test_more_memory_is_never_slower(free: int, more: int, rest: int, largest: int) -> None:
    """A device with more room gets the same plan or a faster one."""
    speed = list(Plan)
    total = largest + rest
    assert speed.index(choose(free + more, total, largest)) <= speed.index(
        choose(free, total, largest)
    )


class Switches:
    """Notes which switch was used."""

    def __init__(self) -> None:
        self.used: list[tuple[str, Any]] = []

    def to(self, device: str) -> None:
        self.used.append(("to", device))

    def enable_model_cpu_offload(self, *, device: str) -> None:
        self.used.append(("model", device))

    def enable_sequential_cpu_offload(self, *, device: str) -> None:
        self.used.append(("sequential", device))


@pytest.mark.parametrize(
    ("plan", "switch"),
    [(Plan.RESIDENT, "to"), (Plan.MODEL, "model"), (Plan.SEQUENTIAL, "sequential")],
)
def test_apply(plan: Plan, switch: str) -> None:
    """Each plan is one switch of the pipeline, for the device that was picked."""
    pipeline = Switches()
    apply(pipeline, plan, "cuda:1")
    assert pipeline.used == [(switch, "cuda:1")]

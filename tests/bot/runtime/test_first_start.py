"""The line about what a machine could paint with, at the start with the demo model."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.diagnosis.machine import first_fit
from bot.runtime.first_start import log_fit
from engine.diffusion.footprint import Weights
from engine.diffusion.nvidia_driver import DriverCard, NvidiaDriver
from engine.diffusion.recommendation import Hardware, Pool, Recommendation, recommend

GIB = 2**30
FIT = recommend(Hardware(Pool.CARD, 24 * GIB, 64 * GIB))


async def logged(model: str, fit: Recommendation | None) -> list[str]:
    """Return the lines that are logged at the start with a model."""
    with capture_logs() as lines:
        await log_fit(model, lambda: fit)
    return [each["event"] for each in lines]


async def test_the_demo_model_on_a_gpu_is_one_line() -> None:
    """What fits is told once, and only to whoever paints with the demo model on a GPU."""
    (line,) = await logged("sketch", FIT)
    assert "zimagine download z-image-turbo" in line
    assert await logged("Tongyi-MAI/Z-Image-Turbo", FIT) == []
    assert await logged("sketch", None) == []


async def test_a_driver_that_breaks_stops_nothing() -> None:
    """Whatever goes wrong while the machine is looked at is one line of its own."""

    def breaks() -> Recommendation | None:
        raise RuntimeError("driver")

    with capture_logs() as lines:
        await log_fit("sketch", breaks)
    assert [each["error"] for each in lines] == ["RuntimeError"]


def test_only_a_gpu_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that the driver knows counts, whatever torch can use; no card is nothing."""
    monkeypatch.setattr("engine.diffusion.machine.host_bytes", lambda: 64 * GIB)
    card = DriverCard("NVIDIA GeForce RTX 3060", 12 * GIB)
    fit = first_fit(lambda: NvidiaDriver("550.54.14", (12, 4), (card,)))
    assert fit is not None and fit.weights is Weights.INT8
    monkeypatch.setattr("sys.platform", "linux")
    assert first_fit(lambda: None) is None

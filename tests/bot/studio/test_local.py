"""Painting without Discord: what the command line relies on."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from bot.studio.compose import Wish, compose, replay_problem
from bot.studio.local import OutKeeper, paint_local
from bot.studio.outcomes import BadSize, Composed, EmptyPrompt, OutOfRange
from engine.diffusion.families import SKETCH_FAMILY
from engine.errors import Defunct, NonFinite
from engine.queue import Bounds
from engine.service import Engine
from engine.types import Progress
from tests.fakes import ScriptedRenderer

COMPOSED = compose(Wish("a lake", seed=5, size=(128, 128)), SKETCH_FAMILY, lambda: 5)
assert isinstance(COMPOSED, Composed)


async def paint(painter: ScriptedRenderer, out: Path) -> list[Progress]:
    """Paint one picture; the steps that were reported."""
    engine = Engine(painter.load, bounds=Bounds(queue=1))
    engine.start()
    await engine.ready()
    steps: list[Progress] = []
    assert isinstance(COMPOSED, Composed)
    try:
        async with asyncio.timeout(10):
            await paint_local(engine, OutKeeper(out), 1, COMPOSED, None, steps.append)
    finally:
        await engine.drain()
    return steps


async def test_a_picture_is_written_and_its_steps_are_told(tmp_path: Path):
    """The file is there, and the last step was reported."""
    steps = await paint(ScriptedRenderer(), tmp_path / "one.png")
    assert (tmp_path / "one.png").exists()
    assert steps and all(each.steps == 8 for each in steps)


@pytest.mark.parametrize("error", [NonFinite("step 3"), Defunct("gone")])
async def test_an_error_ends_the_wait(tmp_path: Path, error: Exception):
    """A broken picture, and even a lost device, is raised; nothing is written."""
    painter = ScriptedRenderer()
    painter.failures["a lake"] = error
    with pytest.raises(type(error)):
        await paint(painter, tmp_path / "one.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"steps": 10**9}, OutOfRange),
        ({"guidance": 99.0}, OutOfRange),
        ({"width_px": 4096}, BadSize),
        ({"prompt": ""}, EmptyPrompt),
    ],
)
def test_a_recipe_that_somebody_wrote_is_checked(change: dict, kind: type):
    """What a PNG asks for is held to the same bounds as what a person types."""
    assert isinstance(COMPOSED, Composed)
    assert replay_problem(COMPOSED.request, SKETCH_FAMILY) is None
    changed = dataclasses.replace(COMPOSED.request, **change)
    assert isinstance(replay_problem(changed, SKETCH_FAMILY), kind)

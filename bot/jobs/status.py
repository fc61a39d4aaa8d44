"""How the bot is: what it paints with, how fast, and who waits."""

from __future__ import annotations

from dataclasses import dataclass

from bot.request.outcomes import Refused
from bot.request.params import Wish
from bot.request.resolve import compose
from engine.diffusion.families import Family
from engine.prompts import Level
from engine.service import Engine
from engine.states import EngineState


@dataclass(frozen=True, slots=True)
class Condition:
    """The bot at this moment.

    model, device: None until the model is loaded. usual_s: how long a usual picture takes, None
    before anything was painted. waiting: jobs in the queue, of `places` that there are.
    """

    state: EngineState
    model: str | None
    device: str | None
    width_px: int
    height_px: int
    steps: int
    usual_s: float | None
    waiting: int
    places: int


def condition_of(engine: Engine, family: Family) -> Condition:
    """Read off the engine; costs nothing."""
    usual = compose(Wish("a picture", enhance=Level.OFF), family, lambda: 0)
    assert not isinstance(usual, Refused)
    request, info = usual.request, engine.info
    return Condition(
        state=engine.state,
        model=None if info is None else info.model,
        device=None if info is None else info.device,
        width_px=request.width_px,
        height_px=request.height_px,
        steps=request.steps,
        usual_s=engine.estimator.seconds(request.work),
        waiting=len(engine.queue),
        places=engine.queue.bounds.queue,
    )

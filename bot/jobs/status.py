"""How the bot is: what it paints with, how fast, and who waits."""

from __future__ import annotations

from dataclasses import dataclass

from bot.request.outcomes import Refused
from bot.request.params import GenerationParams
from bot.request.resolve import resolve
from engine.diffusion.families import Family
from engine.prompts import EnhancementLevel
from engine.service import Engine
from engine.states import EngineState


@dataclass(frozen=True, slots=True)
class BotStatus:
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
    typical_s: float | None
    waiting: int
    capacity: int


def bot_status(engine: Engine, family: Family) -> BotStatus:
    """Read off the engine; costs nothing."""
    usual = resolve(GenerationParams("a picture", enhance=EnhancementLevel.OFF), family, lambda: 0)
    assert not isinstance(usual, Refused)
    request, info = usual.request, engine.info
    return BotStatus(
        state=engine.state,
        model=None if info is None else info.model,
        device=None if info is None else info.device,
        width_px=request.width_px,
        height_px=request.height_px,
        steps=request.steps,
        typical_s=engine.estimator.seconds(request.work),
        waiting=len(engine.queue),
        capacity=engine.queue.bounds.queue,
    )

"""The state of the bot: its model, its speed, how many jobs wait."""

from __future__ import annotations

from dataclasses import dataclass

from bot.jobs.device_memory import DeviceMemoryHistory
from bot.jobs.painting_control import PaintingControl
from bot.request.outcomes import Refused
from bot.request.params import GenerationParams
from bot.request.resolve import resolve
from engine.compilation import Compilation
from engine.diffusion.families import Family
from engine.engine_states import EngineState
from engine.prompts import EnhancementLevel
from engine.renderer import DeviceMemory
from engine.service import Engine


@dataclass(frozen=True, slots=True)
class BotStatus:
    """The bot at one moment.

    model, device: None while none is loaded. typical_s: how long a picture with default settings
    takes, None before anything was painted. waiting: jobs in the queue, of `capacity`. name: of the
    loaded model where there are several, else "". unloaded: its memory was freed because nothing
    was painted. loading: the name of the model that is being loaded where there are several, None
    if none is. loading_left_s: how long that still takes, None if not known. guidance: of a picture
    with default settings. dtype: of the model's weights. memory: of the device, None if not known.
    compilation: of the loaded model, None while none is loaded. paused, accepting: as the bot's
    owners decided.
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
    name: str = ""
    unloaded: bool = False
    loading: str | None = None
    loading_left_s: float | None = None
    guidance: float = 1.0
    dtype: str = ""
    memory: DeviceMemory | None = None
    compilation: Compilation | None = None
    paused: bool = False
    accepting: bool = True


class StatusService:
    """Read the bot's state off the engine; only the device is asked, for a moment."""

    def __init__(
        self,
        engine: Engine,
        family: Family,
        memory: DeviceMemoryHistory,
        control: PaintingControl,
    ) -> None:
        self._engine = engine
        self._family = family
        self._memory = memory
        self._control = control

    @property
    def loading(self) -> bool:
        """Whether the model is still being loaded."""
        return self._engine.info is None

    @property
    def loaded_model(self) -> str | None:
        """The name of the model that is in memory; None while there is none."""
        return self._engine.models.in_memory

    @property
    def loading_model(self) -> str | None:
        """The name of the model that is being loaded now; None if none is."""
        return self._engine.models.loading

    async def current(self) -> BotStatus:
        """Return the state at this moment, for a picture with default settings."""
        params = GenerationParams("a picture", enhance=EnhancementLevel.OFF)
        typical = resolve(params, self._family, lambda: 0)
        assert not isinstance(typical, Refused)
        memory = await self._memory.current()
        engine, request = self._engine, typical.request
        models = engine.models
        info = None if models.loaded is None else models.info
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
            name=(models.loaded or "") if models.several else "",
            unloaded=models.loaded is not None and models.in_memory is None,
            loading=models.loading if models.several else None,
            loading_left_s=models.loading_left_s,
            guidance=request.guidance,
            dtype="" if info is None else info.dtype,
            memory=memory,
            compilation=models.compilation,
            paused=self._control.paused,
            accepting=self._control.accepting,
        )

"""What a picture says of itself while it is painted, and how it is stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.diffusion.previews import Previews
from engine.diffusion.sampling import Step
from engine.renderer import RenderTask
from engine.types import Progress


class Stopped(Exception):
    """Leaves a painting from between two of its steps."""


@dataclass(slots=True)
class Watch:
    """Tells of one task. report: takes its progress. previews: of the components there are now."""

    task: RenderTask
    report: Callable[[Progress], None]
    previews: Callable[[], Previews]
    told: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.told = Progress(0, self.task.request.forwards)

    def alive(self) -> None:
        """Nothing new, but it goes on. Raises Stopped."""
        if self.task.cancel.is_set():
            raise Stopped
        self.report(self.told)

    def step(self, step: Step) -> None:
        """A step was taken. Raises Stopped."""
        if self.task.cancel.is_set():
            raise Stopped
        preview = self.previews().of(step) if self.task.previews else None
        self.told = Progress(step.number, self.task.request.forwards)
        self.report(dataclasses.replace(self.told, preview=preview))

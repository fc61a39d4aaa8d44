"""Report the progress of a task, and stop it when it is cancelled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.diffusion.preview_choice import Previews
from engine.diffusion.sampling import Step
from engine.renderer import RenderTask
from engine.types import Progress


class Stopped(Exception):
    """Raised to leave a painting between two of its steps."""


@dataclass(slots=True)
class Watch:
    """Reports on one task. report: takes its progress. previews: for the current components."""

    task: RenderTask
    report: Callable[[Progress], None]
    previews: Callable[[], Previews]
    latest: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.latest = Progress(0, self.task.request.forwards)

    def alive(self) -> None:
        """Report that painting goes on without a new step. Raises Stopped."""
        if self.task.cancel.is_set():
            raise Stopped
        self.report(self.latest)

    def step(self, step: Step) -> None:
        """Report a step. Raises Stopped."""
        if self.task.cancel.is_set():
            raise Stopped
        preview = self.previews().of(step) if self.task.previews else None
        self.latest = Progress(step.number, self.task.request.forwards)
        self.report(dataclasses.replace(self.latest, preview=preview))

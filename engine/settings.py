"""What an engine is told at its start."""

from __future__ import annotations

from dataclasses import dataclass

from engine.queue import Bounds


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """model: "sketch", a hub id or a folder. device: "auto", "cpu", "cuda", "cuda:1", "mps".

    queue_limit, user_limit, server_limit: jobs that may wait in all, of one user, of one server;
    None = as many as the queue holds. stall_s: without a step for so long, a painter counts as
    hung. drain_s: how long the picture on the GPU may still take when the engine stops.
    threads: CPU threads for painting, None = torch's own choice.
    download: may a hub id be fetched from the hub; otherwise only local files are used.
    revision: of a hub id, None = the newest one that is here.
    """

    model: str = "sketch"
    device: str = "auto"
    queue_limit: int = 100
    user_limit: int | None = 10
    server_limit: int | None = None
    stall_s: float = 300.0
    drain_s: float = 60.0
    threads: int | None = None
    download: bool = False
    revision: str | None = None

    @property
    def bounds(self) -> Bounds:
        """What the queue is told of this."""
        return Bounds(self.queue_limit, self.user_limit, self.server_limit)

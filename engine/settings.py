"""What an engine is told at its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """model: "sketch", a hub id or a folder. device: "auto", "cpu", "cuda", "cuda:1", "mps".

    queue_limit: jobs that may wait. threads: CPU threads for painting, None = torch's own choice.
    download: may a hub id be fetched from the hub; otherwise only local files are used.
    revision: of a hub id, None = the newest one that is here.
    """

    model: str = "sketch"
    device: str = "auto"
    queue_limit: int = 100
    threads: int | None = None
    download: bool = False
    revision: str | None = None

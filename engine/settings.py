"""The settings of an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.diffusion.lora.admission import MAX_RANK
from engine.queue import Bounds

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Settings that an engine is started with.

    model: "sketch", a hub id, a folder or a file of weights. family: its family's name, or AUTO to
    find it by what is there. text_encoder, vae, tokenizer: a file or folder in place of the model's
    own; None for what lies in it or beside it. device: "auto", "cpu", "cuda", "cuda:1", "mps".

    queue_limit, user_limit, server_limit: how many jobs may wait in total, per user and per server;
    None = as many as the queue holds. stall_s: a renderer counts as hung after this long without a
    step. drain_s: how long the picture on the GPU may still take when the engine stops. threads:
    CPU threads for painting, None = torch's own choice. memory_plan: AUTO, or a plan that is always
    used ("streamed+tiled"). compile: whether blocks of the model are compiled in the background,
    AUTO, "on" or "off". allow_quantized: whether weights may be stored in 8 bits where they do
    not fit otherwise; pictures differ slightly then. reserve_bytes: of a GPU's memory, left to
    other programs. idle_unload_s: free the memory after this long without a job, None = never.
    expand_limit_s: how long the text encoder may write a prompt. cache_dir: for what is learned
    about a model, None = nowhere. download: whether a hub id may be fetched from the hub; otherwise
    only local files are used. revision: of a hub id, None = the newest one on this machine.

    loras: the folder of LoRA files, None = none are offered. lora_max_rank: the highest rank that
    may be used. lora_strict: whether those whose alpha is above their rank are refused.
    """

    model: str = "sketch"
    family: str = AUTO
    text_encoder: Path | None = None
    vae: Path | None = None
    tokenizer: Path | None = None
    device: str = "auto"
    queue_limit: int = 100
    user_limit: int | None = 10
    server_limit: int | None = None
    stall_s: float = 300.0
    drain_s: float = 60.0
    threads: int | None = None
    memory_plan: str = AUTO
    compile: str = AUTO
    allow_quantized: bool = False
    reserve_bytes: int = 512 * 2**20
    idle_unload_s: float | None = None
    expand_limit_s: float = 10.0
    cache_dir: Path | None = None
    download: bool = False
    revision: str | None = None
    loras: Path | None = None
    lora_max_rank: int = MAX_RANK
    lora_strict: bool = False

    @property
    def bounds(self) -> Bounds:
        """The limits of the queue."""
        return Bounds(self.queue_limit, self.user_limit, self.server_limit)

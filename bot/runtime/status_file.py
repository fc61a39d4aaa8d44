"""Keep in a file what the bot paints with and how much memory is in use, for other programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any, Final

import structlog

from bot.jobs.status import BotStatus, StatusService

log = structlog.get_logger(__name__)

EVERY_S: Final = 2.0
"""How often it is written. Chosen by hand: as often as the playground's page shows it anew."""


async def keep_status_file(path: Path, status: StatusService, every_s: float = EVERY_S) -> None:
    """Write the file again and again until cancelled, and remove it then.

    It holds a JSON object, and is never half written. Where it cannot be written, that is logged
    once and tried again.
    """
    warned = False
    try:
        while True:
            text = json.dumps(status_facts(await status.current()))
            try:
                await asyncio.to_thread(_write, path, text)
                warned = False
            except OSError as error:
                if not warned:
                    log.warning("status file not written", path=str(path), detail=str(error))
                warned = True
            await asyncio.sleep(every_s)
    finally:
        _remove(path)


def status_facts(status: BotStatus) -> dict[str, Any]:
    """Return what the file says: of a picture with default settings, the steps and the guidance.

    model, device: null while none is loaded; dtype: of the weights, "" then. memory: of the device,
    in bytes, null if not known; shared: it is the machine's.
    """
    memory = status.memory
    return {
        "model": status.model,
        "device": status.device,
        "dtype": status.dtype,
        "steps": status.steps,
        "guidance": status.guidance,
        "memory": None
        if memory is None
        else {
            "used_bytes": memory.used_bytes,
            "total_bytes": memory.total_bytes,
            "shared": memory.shared,
        },
    }


def _write(path: Path, text: str) -> None:
    # In one step, so that nobody reads half of it.
    draft = path.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # on Windows, somebody may be reading it
        path.unlink(missing_ok=True)

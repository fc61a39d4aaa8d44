"""The real bot with its loop watched: `python -m tests.loop.bot API GATEWAY ARGUMENTS…`.

The bot itself has no such switch. Its loop is watched from when the model is loaded until the bot
ends; the findings are written to the file named by LOOP_FINDINGS.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

from bot.playground import redirected
from tests.loop.watch import LoopWatch


def main() -> None:
    """Wrap the bot's start and end with the watch, then hand over to the usual launcher."""
    _watched(Path(os.environ["LOOP_FINDINGS"]))
    redirected.main()


def _watched(file: Path) -> None:
    from bot.runtime import app

    announce, serve, watch = app._log_model, app.serve, LoopWatch()

    async def announced(*arguments: Any) -> None:
        await announce(*arguments)
        watch.begin()

    async def served(*arguments: Any, **named: Any) -> int:
        try:
            code = await serve(*arguments, **named)
            # There may have been none during the run: measure one in any case.
            await asyncio.to_thread(gc.collect)
            return code
        finally:
            watch.end()
            file.write_text(watch.findings.to_json(), encoding="utf-8")

    app._log_model, app.serve = announced, served


if __name__ == "__main__":
    main()

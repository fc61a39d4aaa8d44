"""The real bot with its loop watched: `python -m tests.loop.bot API GATEWAY ARGUMENTS…`.

Nothing in the bot itself has such a switch. From the moment its model is loaded until it ends, its
loop is watched; what was found is written to the file that LOOP_FINDINGS names.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

from bot.playground import pointed
from tests.loop.watch import LoopWatch


def main() -> None:
    """Put the watch around the bot's way up and down, then hand over to the usual launcher."""
    _watched(Path(os.environ["LOOP_FINDINGS"]))
    pointed.main()


def _watched(file: Path) -> None:
    from bot.runtime import app

    announce, serve, watch = app._log_model, app.serve, LoopWatch()

    async def announced(*arguments: Any) -> None:
        await announce(*arguments)
        watch.begin()

    async def served(*arguments: Any) -> int:
        try:
            code = await serve(*arguments)
            # Under way there may be none: how long one takes is measured all the same.
            await asyncio.to_thread(gc.collect)
            return code
        finally:
            watch.end()
            file.write_text(watch.findings.to_json(), encoding="utf-8")

    app._log_model, app.serve = announced, served


if __name__ == "__main__":
    main()

"""Ask a function of the owner's what it thinks of a picture, before anybody sees it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import structlog

log = structlog.get_logger(__name__)

Checker = Callable[[bytes], object]
"""Takes a PNG file and returns the value of a verdict. Called on a thread of its own."""
AT_ONCE: Final = 4
"""Calls that may run at the same time. A function that hangs keeps its place: threads cannot be
stopped. Chosen by hand: as many as the pictures of one job."""


class PictureVerdict(StrEnum):
    """What becomes of a checked picture: shown, hidden until clicked, reported, or not shown."""

    PASS = "pass"
    SPOILER = "spoiler"
    REPORT = "report"
    REFUSE = "refuse"


class PictureCheck:
    """Calls the function within limits. failure: the verdict where it gives none."""

    def __init__(self, checker: Checker, *, timeout_s: float, failure: PictureVerdict) -> None:
        self._checker = checker
        self._timeout_s = timeout_s
        self._failure = failure
        self._places = threading.BoundedSemaphore(AT_ONCE)

    async def verdict(self, png: bytes) -> PictureVerdict:
        """Return the verdict on a picture; an error, another answer and a timeout are `failure`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[object] = loop.create_future()
        thread = threading.Thread(
            target=self._call, args=(png, loop, answer), name="picture-check", daemon=True
        )
        thread.start()
        try:
            async with asyncio.timeout(self._timeout_s):
                return PictureVerdict(str(await answer))
        except TimeoutError:
            log.warning("picture check took too long", limit_s=self._timeout_s)
        except Exception as error:  # the function's own, or a verdict that there is not
            log.warning("picture check failed", error=f"{type(error).__name__}: {error}"[:200])
        return self._failure

    def _call(
        self, png: bytes, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[object]
    ) -> None:
        found: object = None
        error: Exception | None = None
        if not self._places.acquire(timeout=self._timeout_s):
            return
        try:
            found = self._checker(png)
        except BaseException as raised:
            error = RuntimeError(f"{type(raised).__name__}: {raised}")
        finally:
            self._places.release()
        try:
            loop.call_soon_threadsafe(_settle, answer, found, error)
        except RuntimeError:  # the loop was closed meanwhile
            return


def _settle(answer: asyncio.Future[object], found: object, error: Exception | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(found)

"""Memory: what the host has, the plan a picture would be painted with, and what would fit."""

from __future__ import annotations

from bot.diagnosis.findings import Code, Finding, broken, note, ok
from engine.diffusion.footprint import Weights
from engine.diffusion.memory_plans import Choice
from engine.diffusion.recommendation import Obstacle, Pool, Recommendation

_OBSTACLES = {
    Obstacle.LOADING: Code.NO_ROOM_TO_LOAD,
    Obstacle.CARD: Code.NO_ROOM_ON_CARD,
    Obstacle.HOST: Code.NO_ROOM_IN_MEMORY,
}

_ON_CARD = {
    Weights.FULL: Code.FITS_EXACT,
    Weights.FP16: Code.FITS_FLOAT16,
    Weights.INT8: Code.FITS_EIGHT_BIT,
}
_STREAMED = {
    Weights.FULL: Code.FITS_STREAMED,
    Weights.FP16: Code.FITS_STREAMED_FLOAT16,
    Weights.INT8: Code.FITS_STREAMED_EIGHT_BIT,
}


def check_host(total_bytes: int, limit_bytes: int, free_bytes: int) -> list[Finding]:
    """Return how much main memory there is.

    total_bytes: of the machine. limit_bytes: what a container's limit leaves of it; as much as the
    machine has without one. free_bytes: that this process may take now.
    """
    found = [ok(Code.HOST, total_bytes=total_bytes, free_bytes=free_bytes)]
    if limit_bytes < total_bytes:
        found.append(note(Code.CONTAINER, limit_bytes=limit_bytes, total_bytes=total_bytes))
    return found


def check_plan(choice: Choice, *, allow_quantized: bool, bot_runs: bool) -> Finding:
    """Return the memory plan that a picture of the model's native size would be painted with.

    allow_quantized: whether plans with 8-bit weights were among those to choose from. bot_runs: a
    bot that runs holds memory, so that a plan that does not fit beside it is no fault.
    """
    peak_bytes, plan = choice.estimate.peak_bytes, str(choice.plan)
    free_bytes = choice.free_bytes
    over = not choice.fits or choice.too_large
    over |= free_bytes is not None and peak_bytes > free_bytes
    if not over:
        return ok(Code.PLAN, plan=plan, peak_bytes=peak_bytes, free_bytes=free_bytes or 0)
    if bot_runs:
        return note(Code.BOT_HOLDS)
    if choice.too_large:
        named = {"plan": plan, "peak_bytes": peak_bytes, "free_bytes": free_bytes or 0}
        if choice.instead is None:
            return broken(Code.NOTHING_FITS, **named)
        return broken(Code.WANTED_TOO_LARGE, **named, instead=str(choice.instead))
    code = Code.EIGHT_BIT_TOO_LARGE if allow_quantized else Code.PLAN_TOO_LARGE
    return broken(code, plan=plan, peak_bytes=peak_bytes, free_bytes=free_bytes or 0)


def check_loading(
    too_large: tuple[int, int] | None, dtype: str, *, bot_runs: bool
) -> list[Finding]:
    """Return whether main memory can hold the model while it is loaded.

    too_large: bytes that are needed and that are free; None if it can.
    """
    if too_large is None:
        return []
    if bot_runs:
        return [note(Code.BOT_HOLDS)]
    needed_bytes, free_bytes = too_large
    return [
        broken(Code.MODEL_TOO_LARGE, needed_bytes=needed_bytes, free_bytes=free_bytes, dtype=dtype)
    ]


def check_fit(fit: Recommendation, pool: Pool) -> list[Finding]:
    """Return which weights of Z-Image-Turbo to take for this machine."""
    if fit.weights is None or fit.plan is None:
        code = _OBSTACLES[fit.obstacle or Obstacle.HOST]
        return [note(code, needed_bytes=fit.needed_bytes, available_bytes=fit.available_bytes)]
    found = [
        ok(
            _fitting(fit, pool),
            plan=str(fit.plan),
            memory_bytes=fit.memory_bytes,
            host_bytes=fit.host_bytes,
            stored_bytes=fit.stored_bytes,
            loading_bytes=fit.loading_bytes,
            download_gb=round(fit.download_bytes / 1e9),
        )
    ]
    if fit.packed_bytes is not None:
        found.append(ok(Code.FITS_PACKED, packed_bytes=fit.packed_bytes))
    return found


def check_fetching(fit: Recommendation, *, disk_free_bytes: int | None) -> list[Finding]:
    """Return how to fetch those weights.

    disk_free_bytes: where models are kept, None if unknown.
    """
    if fit.weights is None:
        return []
    if disk_free_bytes is not None and fit.disk_bytes > disk_free_bytes:
        return [
            note(Code.NO_ROOM_ON_DISK, needed_bytes=fit.disk_bytes, available_bytes=disk_free_bytes)
        ]
    code = Code.FETCH_EIGHT_BIT if fit.weights.eight_bit else Code.FETCH
    return [ok(code, command=fit.command, disk_bytes=fit.disk_bytes)]


def _fitting(fit: Recommendation, pool: Pool) -> Code:
    if pool is Pool.UNIFIED:
        return Code.FITS_UNIFIED
    if pool is Pool.HOST:
        return Code.FITS_HOST
    kept = Weights.INT8 if fit.weights is None or fit.weights.eight_bit else fit.weights
    return _STREAMED[kept] if fit.streamed else _ON_CARD[kept]

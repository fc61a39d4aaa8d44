"""Rate limits: a few requests per window, route and resource, and fifty a second in total."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MESSAGES: Final = "/channels/{channel_id}/messages"
MESSAGE: Final = "/channels/{channel_id}/messages/{message_id}"
WEBHOOK: Final = "/webhooks/{application_id}/{token}"
WEBHOOK_MESSAGE: Final = "/webhooks/{application_id}/{token}/messages/{message_id}"
CALLBACK: Final = "/interactions/{interaction_id}/{token}/callback"

GLOBAL_PER_S: Final = 50
_DEFAULT: Final = (50, 1.0)
_BY_ROUTE: Final = {
    ("POST", MESSAGES): (5, 5.0),
    ("PATCH", MESSAGE): (5, 5.0),
    ("DELETE", MESSAGE): (5, 1.0),
    ("POST", WEBHOOK): (5, 2.0),
    ("PATCH", WEBHOOK_MESSAGE): (5, 2.0),
    ("PUT", "/applications/{application_id}/commands"): (2, 4.0),
}
"""(requests, seconds). Discord does not publish these; they were observed in its headers."""
_UNLIMITED_TOGETHER: Final = (CALLBACK, WEBHOOK, WEBHOOK_MESSAGE)


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """The contents of a response's rate limit headers; retry_after_s is None if it may pass.

    early: it was sent although an earlier response had told the bot to wait.
    """

    bucket: str
    limit: int
    remaining: int
    reset_after_s: float
    retry_after_s: float | None = None
    is_global: bool = False
    early: bool = False


@dataclass(slots=True)
class _Window:
    started_s: float
    used: int = 0
    refused_until_s: float = 0.0


class RateLimiter:
    """Counts requests in windows."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._windows: dict[tuple[str, ...], _Window] = {}

    def check(self, method: str, template: str, place: str) -> RateLimitResult:
        """Count a request. place: the resource the limit applies to, such as the channel's id."""
        now_s = self._now_s()
        limit, seconds = _BY_ROUTE.get((method, template), _DEFAULT)
        bucket = hashlib.sha256(f"{method} {template}".encode()).hexdigest()[:32]
        if len(self._windows) > 10_000:
            self._windows = {k: w for k, w in self._windows.items() if now_s - w.started_s < 60}
        if template not in _UNLIMITED_TOGETHER:
            everything = self._window(("global",), now_s, 1.0)
            everything.used += 1
            if everything.used > GLOBAL_PER_S:
                wait_s = max(0.01, everything.started_s + 1.0 - now_s)
                return RateLimitResult(bucket, limit, 0, wait_s, wait_s, is_global=True)
        window = self._window((method, template, place), now_s, seconds)
        reset_s = max(0.01, window.started_s + seconds - now_s)
        if window.used >= limit:
            early = now_s < window.refused_until_s
            window.refused_until_s = now_s + reset_s
            return RateLimitResult(bucket, limit, 0, reset_s, reset_s, early=early)
        window.used += 1
        return RateLimitResult(bucket, limit, limit - window.used, reset_s)

    def _window(self, key: tuple[str, ...], now_s: float, seconds: float) -> _Window:
        window = self._windows.get(key)
        if window is None or now_s - window.started_s >= seconds:
            window = self._windows[key] = _Window(now_s)
        return window

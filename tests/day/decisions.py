"""The reference: what admins and moderators decided, and what follows for a request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

SAID: Final[dict[str, tuple[str, ...]]] = {
    "blocked": ("have blocked you from painting here",),
    "paused": ("The admins of this server have paused painting here",),
    "place": ("there is a rule for",),
    "count": ("You can ask for at most",),
    "cooldown": ("after your last request",),
    "pending": ("unfinished job",),
    "filter": ("not allowed in prompts on this server", "words that are not allowed"),
    "quota": ("Your quota is used up", "You asked for", "your quota is 0 pictures"),
    "ceiling": ("The bot's owner lets this server paint",),
    "queue": ("The queue is full",),
    "restarting": ("I am restarting",),
}
"""How each reason is recognised by its reader."""


def reasons_said(text: str) -> set[str]:
    """Return which reasons a refusal names; none if it is generic."""
    return {name for name, marks in SAID.items() if any(each in text for each in marks)}


@dataclass(frozen=True)
class Wish:
    """What a member asks for. forbidden: it has a word of the filter."""

    user_id: int
    channel_id: int
    prompt: str
    count: int = 1
    weight: int = 1
    forbidden: bool = False


@dataclass
class Decisions:
    """What holds on the server now.

    blocks: until when who is blocked, None for ever. paint: whether a user, channel, role or the
    server (0) may paint. Of channels: the most pictures at once, the seconds between two requests,
    and the most unfinished jobs of a member.
    """

    blocks: dict[int, datetime | None] = field(default_factory=dict[int, datetime | None])
    paint: dict[tuple[str, int], bool] = field(default_factory=dict[tuple[str, int], bool])
    count: dict[int, int] = field(default_factory=dict[int, int])
    cooldown_s: dict[int, int] = field(default_factory=dict[int, int])
    pending: dict[int, int] = field(default_factory=dict[int, int])
    paused: bool = False

    def forbidding(self, wish: Wish, roles: Iterable[int], now: datetime) -> set[str]:
        """Return what forbids a request, whatever was asked for before."""
        found: set[str] = set()
        until = self.blocks.get(wish.user_id, now)
        if until is None or until > now:
            found.add("blocked")
        if self.paused:
            found.add("paused")
        if not self.may_paint(wish, roles):
            found.add("place")
        if wish.count > self.count.get(wish.channel_id, wish.count):
            found.add("count")
        if wish.forbidden:
            found.add("filter")
        return found

    def may_paint(self, wish: Wish, roles: Iterable[int]) -> bool:
        """Return whether a member may paint there: the most specific that was decided."""
        for subject in (("user", wish.user_id), ("channel", wish.channel_id)):
            if subject in self.paint:
                return self.paint[subject]
        decided = [self.paint[("role", each)] for each in roles if ("role", each) in self.paint]
        return all(decided) if decided else self.paint.get(("server", 0), True)

    def cools_down(self, wish: Wish, charged_at: Iterable[datetime], now: datetime) -> bool:
        """Return whether a member asks too soon after what they were charged for."""
        pause = timedelta(seconds=self.cooldown_s.get(wish.channel_id, 0))
        latest = max(charged_at, default=None)
        return bool(pause) and latest is not None and latest + pause > now

    def is_full(self, wish: Wish, unfinished: int) -> bool:
        """Return whether a member has as many unfinished jobs as they may."""
        limit = self.pending.get(wish.channel_id)
        return limit is not None and unfinished + 1 > limit

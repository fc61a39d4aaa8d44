"""What the front rooms work with, put together by `bot.app` and handed to `bot.discord`."""

from __future__ import annotations

from dataclasses import dataclass

from bot.casework import Casework
from bot.copies import Copies
from bot.delivery import Delivery
from bot.progress import Board
from bot.studio.album import Album
from bot.studio.allowance import Allowance
from bot.studio.choices import Choices
from bot.studio.ending import Endings
from bot.studio.lookup import Lookup
from bot.studio.moderation import Moderation
from bot.studio.paint import Painter
from bot.studio.preferences import Preferences
from bot.studio.repaint import Repaint
from bot.studio.starts import Starts


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases and the ways back to people. guilds: the servers served, empty = all."""

    painter: Painter
    repaint: Repaint
    starts: Starts
    endings: Endings
    album: Album
    allowance: Allowance
    lookup: Lookup
    copies: Copies
    delivery: Delivery
    board: Board
    moderation: Moderation
    casework: Casework
    choices: Choices
    preferences: Preferences
    guilds: frozenset[int] = frozenset()

    def serves(self, guild_id: int | None) -> bool:
        """Is this one of the servers the owner wants the bot to work in?"""
        return guild_id is not None and (not self.guilds or guild_id in self.guilds)

"""What the front rooms work with, put together by `bot.runtime.app` and handed to `bot.discord`."""

from __future__ import annotations

from dataclasses import dataclass

from bot.accounts.delivery_settings import Preferences
from bot.accounts.quotas import Allowance
from bot.delivery.copies import Copies
from bot.delivery.progress import Board
from bot.delivery.worker import Delivery
from bot.jobs.cancellation import Endings
from bot.jobs.generation import Painter
from bot.jobs.image_to_image import Starts
from bot.jobs.permutations import Choices
from bot.jobs.variations import Repaint
from bot.moderation.notifier import Casework
from bot.moderation.service import Moderation
from bot.pictures.gallery import Album
from bot.pictures.inspection import Lookup


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

"""Answers a mention of the bot with how to ask for a picture."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

import aiohttp
import discord
import structlog

from bot.discord.interaction.services import Services
from bot.i18n import words
from bot.wording.names import command_link

log = structlog.get_logger(__name__)

USER_INTERVAL_S = 60.0
CHANNEL_INTERVAL_S = 10.0
"""At most one answer in this time to one person, and in one channel. Chosen by hand."""
REMEMBERED = 1000
"""People and channels that are remembered at a time. Chosen by hand."""


class IntervalLimit:
    """Allows something once in an interval for each id; remembers the newest REMEMBERED ids."""

    def __init__(self, interval_s: float, clock: Callable[[], float]) -> None:
        """clock: seconds that only go forward."""
        self._interval_s = interval_s
        self._clock = clock
        self._last_s: OrderedDict[int, float] = OrderedDict()

    def is_free(self, key: int) -> bool:
        """Return whether it is allowed now for this id."""
        last_s = self._last_s.get(key)
        return last_s is None or self._clock() - last_s >= self._interval_s

    def take(self, key: int) -> None:
        """Remember that it happened now for this id."""
        self._last_s[key] = self._clock()
        self._last_s.move_to_end(key)
        while len(self._last_s) > REMEMBERED:
            self._last_s.popitem(last=False)


class BotMentions:
    """Answers messages that mention the bot by name; other messages are neither read nor kept."""

    def __init__(
        self,
        services: Services,
        command_ids: Callable[[], Mapping[str, int]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """command_ids: returns them as `Words.linking` takes them, as far as they are known."""
        self._services = services
        self._command_ids = command_ids
        self._people = IntervalLimit(USER_INTERVAL_S, clock)
        self._channels = IntervalLimit(CHANNEL_INTERVAL_S, clock)

    async def answer(self, message: discord.Message, bot_id: int) -> None:
        """Reply how to ask, unless nobody asked, it was said just now, or the bot may not write.

        A reply to one of the bot's messages, which Discord counts as a mention, is no question.
        Nobody is notified, and other bots and webhooks get no answer.
        """
        guild, author = message.guild, message.author
        if author.bot or message.webhook_id is not None or bot_id not in message.raw_mentions:
            return
        if guild is None or not self._services.serves(guild.id) or not _may_reply(message, guild):
            return
        if not (self._people.is_free(author.id) and self._channels.is_free(message.channel.id)):
            return
        self._people.take(author.id)
        self._channels.take(message.channel.id)
        try:
            await message.reply(
                self._text(self._services.languages.of(guild.id, str(guild.preferred_locale))),
                allowed_mentions=discord.AllowedMentions.none(),
                mention_author=False,
                suppress_embeds=True,
            )
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.info("mention not answered", error=type(error).__name__)

    def _text(self, locale: str) -> str:
        say = words(locale).linking(self._command_ids())
        return say(
            "To ask for a picture, use {imagine} and say what to paint. {help} shows what else I "
            "can do.",
            imagine=command_link("imagine", say),
            help=command_link("help", say),
        )


def _may_reply(message: discord.Message, guild: discord.Guild) -> bool:
    can = message.channel.permissions_for(guild.me)
    in_thread = isinstance(message.channel, discord.Thread)
    may_send = can.send_messages_in_threads if in_thread else can.send_messages
    return may_send and can.read_message_history

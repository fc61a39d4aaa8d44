"""Samples of starred pictures, and of the channel where they are shown once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.delivery.cards import ShownPicture, StarCard
from bot.discord.views.pictures import starred_layout
from bot.pictures.filenames import attachment_name
from bot.pictures.gallery import MessageRef
from bot.wording.stars import star_channel
from storage.star_posts import StarChannel
from tests.bot.discord.views.samples.data import CHANNEL, GUILD, Sample, a_picture


def _card(words: str, **changes: Any) -> StarCard:
    picture = a_picture(31, words, **changes)
    return StarCard(
        picture,
        (ShownPicture(31, picture.seed, Path("31.png")),),
        attachment_name(picture.file.rpartition("/")[2], spoiler=picture.spoiler),
        MessageRef(CHANNEL, 7 * 10**17).url(GUILD),
    )


STARS: dict[str, Sample] = {
    "star": lambda say, words: starred_layout(_card(words), say),
    "star-spoiler": lambda say, words: starred_layout(_card(words, spoiler=True), say),
    "star-channel": lambda say, _: star_channel(StarChannel(CHANNEL, 5), say),
    "star-channel-none": lambda say, _: star_channel(None, say),
}

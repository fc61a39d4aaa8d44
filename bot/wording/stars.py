"""Sentences about stars, favourites and notes."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from bot.pictures.gallery import Starred
from bot.wording.names import command_link, option_name
from storage.star_posts import StarChannel


def starred_sentence(starred: Starred, say: Words) -> str:
    """Say what became of a star."""
    if starred.own and starred.starred:
        return say(
            "Picture #{id} is one of your favourites now. {command} with {option} lists them.",
            id=starred.picture_id,
            command=command_link("history", say),
            option=option_name("favourites", say),
        )
    if starred.own:
        return say("Picture #{id} is no longer one of your favourites.", id=starred.picture_id)
    count = say.plural("It has {n} star now.", "It has {n} stars now.", starred.stars)
    if starred.starred:
        return paragraph(say("You gave picture #{id} a star.", id=starred.picture_id), count)
    taken = say("You took your star from picture #{id}.", id=starred.picture_id)
    return paragraph(taken, count)


def note_sentence(picture_id: int, note: str, say: Words) -> str:
    """Say what became of a note. note: "" if it was removed."""
    if note:
        return say(
            "Your note on picture #{id} is kept: only you see it, and {history} finds it by its "
            "words.",
            id=picture_id,
            history=command_link("history", say),
        )
    return say("Picture #{id} has no note of yours now.", id=picture_id)


def star_channel(chosen: StarChannel | None, say: Words) -> str:
    """Say where pictures with many stars are shown from now on, and which never are."""
    if chosen is None:
        return say("Pictures with many stars are not shown in a channel any more.")
    shown = say.plural(
        "A picture that gets {n} star is shown once in {channel} from now on.",
        "A picture that gets {n} stars is shown once in {channel} from now on.",
        chosen.stars,
        channel=f"<#{chosen.channel_id}>",
    )
    which = say(
        "Only pictures of channels that everybody who sees {channel} may read; never private ones, "
        "and none of an age-restricted channel in another.",
        channel=f"<#{chosen.channel_id}>",
    )
    return paragraph(shown, which)

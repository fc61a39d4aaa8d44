"""Sentences about stars, favourites and notes."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from bot.pictures.gallery import Starred
from bot.wording.names import command_link, option_name


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

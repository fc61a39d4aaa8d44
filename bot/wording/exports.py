"""Sentences about exports."""

from __future__ import annotations

from collections.abc import Sequence

from bot.delivery.exports import ExportPart
from bot.i18n import Words, paragraph
from bot.wording.names import command_link, option_name


def part_sentence(part: ExportPart, say: Words) -> str:
    """Say what is in one zip."""
    if len(part.ids) == 1:
        return say("Zip {number}: picture #{id}", number=part.number, id=part.ids[0])
    return say(
        "Zip {number}: {count} pictures from #{first} to #{last}",
        number=part.number,
        count=len(part.ids),
        first=part.ids[0],
        last=part.ids[-1],
    )


def export_summary(parts: Sequence[ExportPart], rest_id: int | None, say: Words) -> str:
    """Say what was sent, what is not as it was painted, and how to get the rest."""
    if not parts:
        return say("There is nothing to export: none of your pictures here match.")
    pictures = sum(len(part.ids) for part in parts)
    sentences = [
        say.plural(
            "Here is {n} picture with its recipe, in numbered zips.",
            "Here are {n} pictures with their recipes, in numbered zips.",
            pictures,
        )
    ]
    if without := sum(len(part.without_file) for part in parts):
        sentences.append(
            say.plural(
                "Of {n} only the recipe is there: its file was removed or is too large for "
                "Discord.",
                "Of {n} only the recipes are there: their files were removed or are too large for "
                "Discord.",
                without,
            )
        )
    if smaller := sum(len(part.smaller) for part in parts):
        sentences.append(
            say.plural(
                "{n} was too large for Discord and is in a smaller format.",
                "{n} were too large for Discord and are in a smaller format.",
                smaller,
            )
        )
    if rest_id is not None:
        sentences.append(
            say(
                "There are more: {command} with {option} {id} goes on from here.",
                command=command_link("export", say),
                option=option_name("before", say),
                id=rest_id,
            )
        )
    return paragraph(*sentences)


def export_failed(sent: int, say: Words, *, refused: bool = False) -> str:
    """Say why an export ended early. sent: zips that arrived. refused: by Discord."""
    if refused:
        why = say("Discord did not accept the next zip, so the export ends here.")
    else:
        why = say(
            "The disk is full or cannot be written to, so the export ends here; nothing was left "
            "behind."
        )
    if not sent:
        return why
    whole = say.plural("The zip below is complete.", "The {n} zips below are complete.", sent)
    return paragraph(why, whole)

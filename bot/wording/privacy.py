"""Sentences about what is stored of members, and about erasing it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.i18n import Words, paragraph
from bot.privacy.erasure import ErasureDone, StoredCounts
from bot.wording.names import command_link


def stored_lines(counts: StoredCounts, say: Words) -> str:
    """List what is stored of a member, one kind on each line."""
    return "\n".join(f"- {line}" for line in _lines(counts, say))


def _lines(counts: StoredCounts, say: Words) -> Iterator[str]:
    yield say.plural("{n} picture", "{n} pictures", counts.pictures)
    yield say.plural(
        "{n} request with its words: a prompt, a question or a search",
        "{n} requests with their words: prompts, questions and searches",
        counts.requests,
    )
    yield say.plural("{n} preset", "{n} presets", counts.presets)
    yield say.plural("{n} star", "{n} stars", counts.stars)
    yield say.plural("{n} report", "{n} reports", counts.reports)
    yield say.plural("{n} setting or thread", "{n} settings or threads", counts.settings)


def own_data(counts: StoredCounts, say: Words) -> str:
    """Say what is stored of the member who asks, and what can be done about it."""
    head = say("Stored of you, on all servers of this bot:")
    also = say(
        "Also: your quota, your charges, a block if there is one, and that it was you who set "
        "something on a server."
    )
    export = say(
        "{export} gives you all of it, and {pictures} your pictures.",
        export=command_link("privacy export", say),
        pictures=command_link("export", say),
    )
    erase = say("{erase} erases it.", erase=command_link("privacy erase", say))
    return f"**{head}**\n{stored_lines(counts, say)}\n{also}\n{paragraph(export, erase)}"


def own_question(counts: StoredCounts, say: Words) -> str:
    """Ask a member back before everything of them is erased."""
    head = say("Erase everything of you, on all servers of this bot? It cannot be undone.")
    waiting = say("What is waiting or being painted for you is cancelled.")
    stays = say(
        "Used quota counts until it returns, and a block stays. What others made from your "
        "pictures is theirs."
    )
    return f"**{head}**\n{stored_lines(counts, say)}\n{paragraph(waiting, stays)}"


def member_question(person: str, counts: StoredCounts, say: Words) -> str:
    """Ask an admin back before everything of a member on the server is erased."""
    head = say("Erase everything of {person} on this server? It cannot be undone.", person=person)
    return f"**{head}**\n{stored_lines(counts, say)}"


def own_erased(done: ErasureDone, say: Words) -> str:
    """Say what was erased of the member who reads it."""
    return paragraph(say("Everything of you is erased."), *_effects(done, say))


def member_erased(done: ErasureDone, say: Words) -> str:
    """Say what was erased of a member."""
    said = say("Everything of {person} on this server is erased.", person=f"<@{done.user_id}>")
    return paragraph(said, *_effects(done, say))


def _effects(done: ErasureDone, say: Words) -> Iterator[str]:
    if done.pictures:
        yield say.plural("{n} picture was deleted.", "{n} pictures were deleted.", done.pictures)
    if done.cancelled:
        yield say.plural(
            "{n} unfinished job was cancelled.",
            "{n} unfinished jobs were cancelled.",
            done.cancelled,
        )
    if done.messages:
        yield say.plural(
            "I am deleting {n} message of mine, as fast as Discord allows.",
            "I am deleting {n} messages of mine, as fast as Discord allows.",
            done.messages,
        )


def export_done(rows: int, say: Words) -> str:
    """Say what is in the zips that were sent, and where the pictures are."""
    if not rows:
        return say("Nothing is stored of you.")
    text = say.plural(
        "This is all that is stored of you: {n} row of the database.",
        "This is all that is stored of you: {n} rows of the database.",
        rows,
    )
    pictures = say("{command} gives you the pictures.", command=command_link("export", say))
    return paragraph(text, pictures)

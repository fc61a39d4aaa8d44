"""Sentences of alerts to the bot's owners."""

from __future__ import annotations

from bot.delivery.alerts import (
    AnnouncementSent,
    AnotherCopy,
    BackupFailed,
    Drained,
    ErasureUnfinished,
    LittleSpace,
    OwnerAlert,
    RestartNeeded,
    SettingsRefused,
)
from bot.i18n import Words, paragraph
from bot.wording.configuration import refused_sentence, restart_sentence
from bot.wording.names import command_link
from storage.errors import DatabaseCorrupt, DiskFull


def alert_sentence(alert: OwnerAlert, say: Words) -> str:
    """Say what is wrong, and what an owner can do."""
    if isinstance(alert, AnotherCopy):
        return paragraph(
            say(
                "Another copy of this bot is running with the same token: it answered before this "
                "one could. Please stop one of the two."
            ),
            say(
                "Until then whichever answers first paints, and what the other one has accepted "
                "is refunded."
            ),
        )
    if isinstance(alert, LittleSpace):
        return paragraph(
            say(
                "Only {free} MiB are free on the disk of {folder}.",
                free=alert.free_bytes // 2**20,
                folder=alert.folder,
            ),
            say(
                "Please free some space, or set keep_days or limit_gib in [storage]; without free "
                "space, no pictures can be painted."
            ),
        )
    if isinstance(alert, BackupFailed):
        return paragraph(
            say("The nightly backup failed: {detail}.", detail=alert.detail),
            say("The bot will try again in an hour."),
        )
    if isinstance(alert, ErasureUnfinished):
        return paragraph(
            say(
                "What was erased could not be removed from files and backups yet ({detail}).",
                detail=alert.detail,
            ),
            say("The bot will try again in ten minutes."),
        )
    if isinstance(alert, RestartNeeded):
        return restart_sentence(alert.settings, say)
    if isinstance(alert, SettingsRefused):
        return refused_sentence(alert.problem, say)
    if isinstance(alert, Drained):
        return paragraph(
            say("Everything that waited is painted, and nothing new is accepted."),
            say("{command} ends this.", command=command_link("owner resume", say)),
        )
    if isinstance(alert, AnnouncementSent):
        return announcement_outcome(alert, say)
    path, detail = alert.path, alert.detail
    if isinstance(alert, DiskFull):
        said = say("No space is left to write {path} ({detail}).", path=path, detail=detail)
        return paragraph(said, say("Pictures cannot be kept until there is some."))
    if isinstance(alert, DatabaseCorrupt):
        said = say("{path} is damaged or not a database ({detail}).", path=path, detail=detail)
        return paragraph(said, say("Please stop the bot and restore a backup."))
    return say("The data folder {path} cannot be used ({detail}).", path=path, detail=detail)


def announcement_outcome(sent: AnnouncementSent, say: Words) -> str:
    """Say on how many servers an announcement is, and on how many it is not."""
    return paragraph(
        say.plural(
            "The announcement was posted on {n} server.",
            "The announcement was posted on {n} servers.",
            sent.posted,
        ),
        say.plural(
            "On {n} server I may not write in the chosen channel, or it was deleted.",
            "On {n} servers I may not write in the chosen channel, or it was deleted.",
            sent.refused,
        )
        if sent.refused
        else "",
        say.plural(
            "Of {n} server it is not known whether it arrived.",
            "Of {n} servers it is not known whether it arrived.",
            sent.unsure,
        )
        if sent.unsure
        else "",
    )

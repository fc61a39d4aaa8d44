"""Sentences about reminders of a quota that is used up."""

from __future__ import annotations

from bot.accounts.quota_reminders import QuotaBack, ReminderSet
from bot.i18n import Words, paragraph
from bot.wording.moderation import When


def reminder_set(done: ReminderSet | QuotaBack, say: Words, when: When) -> str:
    """Say that the member will be told, or why they need not be."""
    if isinstance(done, QuotaBack):
        return say("Your quota has already returned: you can paint again now.")
    due = when(done.due_at)
    if done.known:
        return say("The reminder is already set: I will tell you {when}.", when=due)
    if not done.direct:
        return say("I will mention you here {when}.", when=due)
    told = say("I will tell you {when}, by direct message.", when=due)
    if not done.channel_id:
        return told
    return paragraph(told, say("If you take none from me, I will mention you here."))


def quota_back(server: str, say: Words) -> str:
    """Return the reminder as a direct message. server: its name, "" if unknown."""
    if not server:
        return say("Your quota has returned: you can paint again.")
    return say("Your quota on {server} has returned: you can paint again.", server=server)


def quota_back_in_channel(whom: str, say: Words) -> str:
    """Return the reminder where it was asked for. whom: mentions the member."""
    return say("{person}, your quota has returned: you can paint again.", person=whom)


def reminder_asked(when: str, say: Words) -> str:
    """Say why this message comes. when: they asked for it."""
    return say("You asked me to remind you {when}.", when=when)

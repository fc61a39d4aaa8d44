"""Sentences on where a server's events are posted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bot.administration.log_channels import LogChannelChosen
from bot.i18n import Words, paragraph, translatable
from bot.wording.names import command_link
from storage.log_channels import LogChannel
from storage.log_entries import LogEvent

EVENTS: Final = {
    LogEvent.REPORTS: translatable("Reported pictures"),
    LogEvent.AUDIT: translatable("What admins and moderators do"),
    LogEvent.BLOCKS: translatable("Blocked and unblocked members"),
    LogEvent.FILTER: translatable("What the filter refuses"),
    LogEvent.QUOTA: translatable("Requests beyond a quota"),
    LogEvent.FAILURES: translatable("Failed jobs"),
    LogEvent.ERASURES: translatable("Erased data of members"),
    LogEvent.ANNOUNCEMENTS: translatable("Announcements of the bot's owners"),
}
"""What each kind of events is called."""
HARMLESS: Final = frozenset({LogEvent.ERASURES, LogEvent.ANNOUNCEMENTS})
"""Events that name no member: everybody may read them."""


def channel_lines(chosen: Iterable[LogChannel], say: Words) -> Iterator[str]:
    """Yield a line for each kind of events, with its channel."""
    channels = {each.event: each for each in chosen}
    for event, name in EVENTS.items():
        channel = channels.get(event)
        if channel is None:
            yield say("**{event}:** posted in no channel", event=say(name))
        else:
            yield channel_line(channel, say)


def channel_line(channel: LogChannel, say: Words) -> str:
    """Return where a kind of events is posted, and what is wrong with it."""
    event, mention = say(EVENTS[channel.event]), f"<#{channel.channel_id}>"
    posted = say("**{event}:** posted in {channel}", event=event, channel=mention)
    return "\n".join(filter(None, [posted, channel_problem(channel, say)]))


def channel_problem(channel: LogChannel | None, say: Words) -> str:
    """Say that events cannot be posted where they should be; "" if they can."""
    if channel is None or channel.problem is None:
        return ""
    lost = "" if channel.event is LogEvent.ANNOUNCEMENTS else say("Nothing is lost.")
    cannot = say(
        "I cannot post in {channel} at the moment: check my permissions there, or choose another "
        "channel with {command}.",
        channel=f"<#{channel.channel_id}>",
        command=command_link("admin log", say),
    )
    return f"⚠️ {paragraph(cannot, lost)}"


def channel_chosen(done: LogChannelChosen, say: Words, *, public: bool) -> str:
    """Say where events are posted from now on. public: everybody can see that channel."""
    event = say(EVENTS[done.event])
    sentences = [say("{event}: no longer posted in a channel.", event=event)]
    if done.channel_id is not None:
        channel = f"<#{done.channel_id}>"
        sentences = [say("{event}: posted in {channel} from now on.", event=event, channel=channel)]
    elif done.event is LogEvent.REPORTS:
        command = command_link("admin reports list", say)
        sentences.append(say("See them with {command}.", command=command))
    if public and done.event not in HARMLESS:
        sentences.append(
            say(
                "Everyone can see that channel, and what is posted there names members: a channel "
                "for moderators only would be better."
            )
        )
    if done.waiting:
        sentences.append(
            say.plural(
                "{n} reported picture is waiting for a decision.",
                "{n} reported pictures are waiting for a decision.",
                done.waiting,
            )
        )
    return paragraph(*sentences)

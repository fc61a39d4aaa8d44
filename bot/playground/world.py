"""The world behind the stand-in: members, messages, permissions. No transport."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from bot.playground import permissions
from bot.playground.files import FileStore
from bot.playground.mentions import set_mentions
from bot.playground.model import (
    FILE_LIMIT_BYTES,
    NO_FLAGS,
    Attachment,
    Channel,
    ChannelType,
    Guild,
    Member,
    Message,
    MessageFlag,
    MessageType,
    Overwrite,
    User,
)
from bot.playground.snowflakes import Clock, Snowflakes, utc_now

NONCE_LIFE: Final = timedelta(minutes=3)
"""How long Discord remembers a nonce; its documentation says "a few minutes"."""
KEPT_MESSAGES: Final = 2000
"""How many messages are kept per channel; older ones are removed with their files."""
KEPT_BYTES: Final = 2**30
"""How much the files of all messages may take; beyond it the oldest messages are removed. Chosen by
hand."""


@dataclass(frozen=True, slots=True)
class MessageCreated:
    """A message was created."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A message's content changed."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A message was deleted."""

    message: Message


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A channel or thread changed.

    fresh: it was just created. gone: it was deleted along with these threads, which Discord does
    not announce separately.
    """

    channel: Channel
    gone: bool = False
    fresh: bool = False
    threads: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """An account joined a server. gone: it left or was removed."""

    guild: Guild
    member: Member
    gone: bool = False


Event = MessageCreated | MessageEdited | MessageDeleted | ChannelChanged | MemberChanged


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it is posted; the fields are those of `Message`."""

    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    components: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    flags: MessageFlag = NO_FLAGS
    tts: bool = False
    type: MessageType = MessageType.DEFAULT
    nonce: str | int | None = None
    enforce_nonce: bool = False
    reader_id: int | None = None
    reference: dict[str, Any] | None = None
    origin: dict[str, Any] | None = None
    application_id: int | None = None
    allowed_mentions: Mapping[str, Any] | None = None


class World:
    """Guilds, direct messages and their contents. Listeners are notified of every change."""

    def __init__(self, files: FileStore, clock: Clock = utc_now) -> None:
        self.clock = clock
        self.ids = Snowflakes(clock)
        self.files = files
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self._private: dict[int, Channel] = {}
        self._messages: dict[int, dict[int, Message]] = {}
        self._nonces: dict[tuple[int, str], Message] = {}
        self._listeners: list[Callable[[Event], None]] = []
        self._forgotten: list[Callable[[Message], None]] = []
        self._closed: set[int] = set()
        self.kept_bytes = KEPT_BYTES

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call this with every change from now on."""
        self._listeners.append(listener)

    def on_forget(self, listener: Callable[[Message], None]) -> None:
        """Call this with every message that is removed, for whatever reason."""
        self._forgotten.append(listener)

    def notify(self, event: Event) -> None:
        """Notify every listener."""
        for listener in list(self._listeners):
            listener(event)

    def channel(self, channel_id: int) -> Channel | None:
        """Return a channel, thread or direct message channel by its id."""
        if (private := self._private.get(channel_id)) is not None:
            return private
        for guild in self.guilds.values():
            if (found := guild.channels.get(channel_id)) is not None:
                return found
        return None

    def private_channel(self, *people: int) -> Channel:
        """Return the direct message channel of these accounts, creating it if needed."""
        for channel in self._private.values():
            if set(channel.recipients) == set(people):
                return channel
        channel = Channel(self.ids.new(), ChannelType.DM, recipients=people)
        self._private[channel.id] = channel
        return channel

    def private_of(self, user_id: int) -> list[Channel]:
        """Return the direct message channels of an account."""
        return [each for each in self._private.values() if user_id in each.recipients]

    def close_private(self, user_id: int, *, closed: bool = True) -> None:
        """Make a user refuse direct messages, or accept them again."""
        (self._closed.add if closed else self._closed.discard)(user_id)

    def can_message(self, sender_id: int, user_id: int) -> bool:
        """Return whether a direct message would arrive: a shared server, and not refused."""
        shared = any({sender_id, user_id} <= guild.members.keys() for guild in self.guilds.values())
        return shared and user_id not in self._closed

    def adopt_channel(self, channel: Channel) -> None:
        """Add a channel or thread that existed before a restart; nobody is notified."""
        guild = self.guild_of(channel)
        (self._private if guild is None else guild.channels)[channel.id] = channel

    def adopt_message(self, message: Message) -> None:
        """Add a message that existed before a restart, with its files; nobody is notified."""
        channel = self.channel(message.channel_id)
        assert channel is not None
        for attachment in message.attachments:
            self.files.adopt(attachment)
        self.add(message)
        if message.nonce is not None:
            self._nonces[message.author_id, str(message.nonce)] = message
        if message.reader_id is None:
            channel.last_message_id = message.id

    def create_channel(self, channel: Channel) -> None:
        """Add a channel or thread to its server."""
        guild = self.guild_of(channel)
        assert guild is not None
        guild.channels[channel.id] = channel
        self.notify(ChannelChanged(channel, fresh=True))

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel or thread of a server, with its threads and all their messages."""
        guild = self.guild_of(channel)
        assert guild is not None
        inside = (each for each in guild.channels.values() if each.parent_id == channel.id)
        threads = [each for each in inside if each.is_thread]
        for each in (channel, *threads):
            guild.channels.pop(each.id, None)
            for message in self._messages.pop(each.id, {}).values():
                self._forget(message)
        gone = tuple(thread.id for thread in threads)
        self.notify(ChannelChanged(channel, gone=True, threads=gone))

    def overwrite(self, channel: Channel, overwrite: Overwrite) -> None:
        """Replace a channel's overwrite for one role or member; an empty one removes it."""
        others = [each for each in channel.overwrites if each.id != overwrite.id]
        says = overwrite.allow or overwrite.deny
        channel.overwrites = [*others, overwrite] if says else others
        self.notify(ChannelChanged(channel))

    def archive(self, thread: Channel, *, archived: bool = True, locked: bool = False) -> None:
        """Archive or reopen a thread. locked: only a moderator may reopen it."""
        thread.archived, thread.locked = archived, locked
        self.notify(ChannelChanged(thread))

    def leave(self, guild: Guild, user_id: int) -> Member:
        """Remove an account from a server; returns its membership, to restore it later."""
        member = guild.members.pop(user_id)
        self.notify(MemberChanged(guild, member, gone=True))
        return member

    def join(self, guild: Guild, member: Member) -> None:
        """Add an account to a server."""
        guild.members[member.user.id] = member
        self.notify(MemberChanged(guild, member))

    def has_bot(self, channel: Channel) -> bool:
        """Return whether the bot has access to a channel's server; always for direct messages."""
        guild = self.guild_of(channel)
        return guild is None or any(member.user.bot for member in guild.members.values())

    def guild_of(self, channel: Channel) -> Guild | None:
        """Return the server of a channel; None for a direct message channel."""
        return None if channel.guild_id is None else self.guilds.get(channel.guild_id)

    def filesize_limit(self, channel: Channel) -> int:
        """Return the largest file that may be uploaded to a channel, in bytes."""
        guild = self.guild_of(channel)
        return guild.filesize_limit if guild else FILE_LIMIT_BYTES

    def member(self, guild_id: int | None, user_id: int) -> Member | None:
        """Return the membership of an account on a server."""
        guild = None if guild_id is None else self.guilds.get(guild_id)
        return None if guild is None else guild.members.get(user_id)

    def guild_permissions(self, guild: Guild, user_id: int) -> int:
        """Return what an account may do on a server; 0 if it is not a member."""
        member = guild.members.get(user_id)
        if member is None:
            return 0
        roles = [guild.roles[role].permissions for role in member.roles if role in guild.roles]
        everyone = guild.roles[guild.id].permissions
        return permissions.in_guild(everyone, roles, owner=guild.owner_id == user_id)

    def permissions(self, channel: Channel, user_id: int) -> int:
        """Return what an account may do in a channel; 0 if it cannot even see it."""
        granted = self.granted(channel, user_id)
        if channel.type is ChannelType.PRIVATE_THREAD and user_id not in channel.members:
            return granted if permissions.has(granted, "MANAGE_THREADS") else 0
        return granted

    def granted(self, channel: Channel, user_id: int) -> int:
        """Return what roles and overwrites let an account do in a channel.

        In a private thread that is worth nothing to whoever was not added; Discord tells an
        application so much of its permissions with an interaction.
        """
        guild = self.guild_of(channel)
        if guild is None:
            return permissions.ALL if user_id in channel.recipients else 0
        member = guild.members.get(user_id)
        if member is None:
            return 0
        base = self.guild_permissions(guild, user_id)
        place = channel
        if channel.is_thread and channel.parent_id is not None:
            place = guild.channels.get(channel.parent_id, channel)
        return permissions.in_channel(
            base, _overwrites(guild, place, member), thread=channel.is_thread
        )

    def messages(self, channel_id: int) -> list[Message]:
        """Return a channel's messages, oldest first."""
        return list(self._messages.get(channel_id, {}).values())

    def message(self, channel_id: int, message_id: int) -> Message | None:
        """Return one message."""
        return self._messages.get(channel_id, {}).get(message_id)

    def visible(self, channel: Channel, user_id: int) -> list[Message]:
        """Return what an account sees of a channel, including its own ephemeral messages."""
        if not permissions.has(self.permissions(channel, user_id), "VIEW_CHANNEL"):
            return []
        return [m for m in self.messages(channel.id) if m.reader_id in (None, user_id)]

    def post(self, channel: Channel, author_id: int, draft: Draft) -> Message:
        """Post a message; with an enforced nonce that is still remembered, return the first one.

        As Discord does, in whatever channel that is, and even if it has been deleted.
        """
        key = (author_id, str(draft.nonce))
        if draft.nonce is not None and draft.enforce_nonce:
            known = self._nonces.get(key)
            if known is not None and self.clock() - known.created_at < NONCE_LIFE:
                for attachment in draft.attachments:
                    self.files.remove(attachment.id)
                return known
        message = Message(
            id=self.ids.new(),
            channel_id=channel.id,
            author_id=author_id,
            created_at=self.clock(),
            type=draft.type,
            content=draft.content,
            embeds=draft.embeds,
            components=draft.components,
            attachments=draft.attachments,
            flags=draft.flags,
            tts=draft.tts,
            nonce=draft.nonce,
            reader_id=draft.reader_id,
            reference=draft.reference,
            origin=draft.origin,
            application_id=draft.application_id,
        )
        if channel.archived:  # a new message reopens an archived thread
            self.archive(channel, archived=False, locked=channel.locked)
        set_mentions(message, draft.allowed_mentions, self.users)
        self.add(message)
        if draft.nonce is not None:
            self._nonces[key] = message
        if message.reader_id is None:
            channel.last_message_id = message.id
        self.notify(MessageCreated(message))
        return message

    def forget_nonces(self) -> None:
        """Forget every nonce, as if minutes had passed."""
        self._nonces.clear()

    def add(self, message: Message) -> None:
        """Add a message, and remove the oldest beyond the limit."""
        known = self._messages.setdefault(message.channel_id, {})
        known[message.id] = message
        while len(known) > KEPT_MESSAGES:
            self._forget(known.pop(next(iter(known))))
        self._trim()

    def _trim(self) -> None:
        """Remove the oldest messages while their files take too much; the newest one stays."""
        while self.files.total_bytes > self.kept_bytes:
            channels = [each for each in self._messages.values() if each]
            if len(channels) == 1 and len(channels[0]) == 1:
                return
            oldest = min(channels, key=lambda each: next(iter(each)))
            self._forget(oldest.pop(next(iter(oldest))))

    def notify_edit(self, message: Message, *, silent: bool = False) -> None:
        """Notify listeners that a message changed. silent: it does not count as an edit."""
        if not silent:
            message.edited_at = self.clock()
        self._trim()
        self.notify(MessageEdited(message))

    def delete(self, message: Message) -> None:
        """Delete a message with its files."""
        if self._messages.get(message.channel_id, {}).pop(message.id, None) is not None:
            self._forget(message)
            self.notify(MessageDeleted(message))

    def _forget(self, message: Message) -> None:
        for attachment in message.attachments:
            self.files.remove(attachment.id)
        for listener in list(self._forgotten):
            listener(message)


def _overwrites(guild: Guild, channel: Channel, member: Member) -> list[tuple[int, int]]:
    """Return allow and deny for @everyone, for all of the member's roles, and for the member."""

    def merged(ids: Iterable[int]) -> tuple[int, int]:
        wanted = set(ids)
        allow = deny = 0
        for each in channel.overwrites:
            if each.id in wanted:
                allow, deny = allow | each.allow, deny | each.deny
        return allow, deny

    return [merged([guild.id]), merged(member.roles), merged([member.user.id])]

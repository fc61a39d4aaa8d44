"""Two servers with channels and eight users: more than the playground has by default."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from bot.playground.initial_world import (
    ADMIN_ID,
    BOT,
    BOT_ID,
    BOT_ROLE_ID,
    GUILD_ID,
    MEMBER_ID,
    MODERATOR_ID,
    PAINT_ID,
    SECOND_ID,
    THREAD_ID,
)
from bot.playground.model import (
    ACTIVE_THREADS,
    Channel,
    ChannelType,
    Guild,
    Member,
    Overwrite,
    Role,
    User,
)
from bot.playground.permissions import bits
from bot.playground.world import World

SECOND_GUILD_ID: Final = 1200000000000000000
NEWCOMER_NAMES: Final = ("ada", "ben", "chi", "dora", "emil")
SPEAK: Final = bits("SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS")
SEE: Final = bits("VIEW_CHANNEL")
OPEN: Final = bits("CREATE_PUBLIC_THREADS")


@dataclass(slots=True)
class Community:
    """The users, and where they can use the bot. places: ids of channels and threads."""

    world: World
    people: list[int]
    places: list[int] = field(default_factory=list[int])
    made: int = 0

    def channel(self, channel_id: int) -> Channel:
        """Return an existing channel."""
        found = self.world.channel(channel_id)
        assert found is not None
        return found

    def channels_of(self, person_id: int) -> list[Channel]:
        """Return the channels a user can currently use."""
        found = [*map(self.world.channel, self.places), *self.bot_threads()]
        return [
            channel
            for channel in found
            if channel is not None and self.world.member(channel.guild_id, person_id) is not None
        ]

    def bot_threads(self) -> list[Channel]:
        """Return the threads that the bot has opened for users."""
        channels = (
            each for guild in self.world.guilds.values() for each in guild.channels.values()
        )
        return [each for each in channels if each.is_thread and each.owner_id == BOT_ID]

    def add_channel(
        self, guild_id: int, *, parent_id: int | None = None, private: bool = False
    ) -> Channel:
        """Create a channel, or a thread below one. private: all users are in it, the bot is not."""
        self.made += 1
        kind = ChannelType.TEXT if parent_id is None else ChannelType.PUBLIC_THREAD
        kind = ChannelType.PRIVATE_THREAD if private else kind
        channel = Channel(
            self.world.ids.new(),
            kind,
            f"place-{self.made}",
            guild_id,
            parent_id=parent_id,
            owner_id=ADMIN_ID,
            members=tuple(self.people) if private else (),
            created_at=self.world.clock(),
        )
        self.world.create_channel(channel)
        self.places.append(channel.id)
        return channel

    def delete(self, channel: Channel) -> None:
        """Delete a channel and everything below it."""
        self.world.delete_channel(channel)
        self.places = [each for each in self.places if self.world.channel(each) is not None]

    def restore(self) -> None:
        """Restore all permissions, threads and members, as before the faults."""
        for guild in self.world.guilds.values():
            if BOT_ID not in guild.members:
                roles = [BOT_ROLE_ID] if BOT_ROLE_ID in guild.roles else []
                self.world.join(guild, Member(BOT, roles, self.world.clock()))
        for guild in self.world.guilds.values():
            guild.thread_limit = ACTIVE_THREADS
        for channel in [*map(self.channel, self.places), *self.bot_threads()]:
            if any(each.id == BOT_ID for each in channel.overwrites):
                self.world.overwrite(channel, Overwrite(BOT_ID, 1, 0, 0))
            if channel.archived:
                self.world.archive(channel, archived=False)
        for person in self.people:
            self.world.close_private(person, closed=False)


def build_community(world: World, *, people: int = 8, places: int = 2) -> Community:
    """Extend the playground's world. people: in total. places: channels of the second server."""
    community = Community(
        world, [MEMBER_ID, MODERATOR_ID, ADMIN_ID], [PAINT_ID, SECOND_ID, THREAD_ID]
    )
    first, joined = world.guilds[GUILD_ID], world.clock()
    everyone = Role(SECOND_GUILD_ID, "@everyone", first.roles[GUILD_ID].permissions)
    second = Guild(SECOND_GUILD_ID, "Second", ADMIN_ID, {everyone.id: everyone}, {}, {})
    world.guilds[second.id] = second
    for number in range(people - len(community.people)):
        name = NEWCOMER_NAMES[number % len(NEWCOMER_NAMES)]
        user = User(SECOND_GUILD_ID + 100 + number, f"{name}{number}")
        world.users[user.id] = user
        community.people.append(user.id)
        if number % 2:
            first.members[user.id] = Member(user, [], joined)
    for user_id in (BOT_ID, ADMIN_ID, *community.people[3:]):
        second.members[user_id] = Member(world.users[user_id], [], joined)
    made = [community.add_channel(second.id) for _ in range(places)]
    community.add_channel(second.id, parent_id=made[0].id)
    community.add_channel(second.id, parent_id=made[-1].id, private=True)
    return community


def seeded(seed: int, what: str) -> random.Random:
    """Return one random stream per purpose, so that using one does not shift the others."""
    return random.Random(f"zimagine-{seed}-{what}")

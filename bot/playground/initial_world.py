"""The initial world: one server with its channels, five users and the bot."""

from __future__ import annotations

from typing import Final

from bot.playground.model import Channel, ChannelType, Guild, Member, Overwrite, Role, User
from bot.playground.permissions import bits
from bot.playground.world import World

# Fixed ids, so that the bot's stored history still matches its users after a restart.
GUILD_ID: Final = 1100000000000000000
BOT_ID: Final = 1100000000000000001
MEMBER_ID: Final = 1100000000000000002
MODERATOR_ID: Final = 1100000000000000003
ADMIN_ID: Final = 1100000000000000004
SECOND_MEMBER_ID: Final = 1100000000000000005
THIRD_MEMBER_ID: Final = 1100000000000000006
BOT_ROLE_ID: Final = 1100000000000000011
MODERATOR_ROLE_ID: Final = 1100000000000000012
ADMIN_ROLE_ID: Final = 1100000000000000013
CATEGORY_ID: Final = 1100000000000000020
PAINT_ID: Final = 1100000000000000021
SECOND_ID: Final = 1100000000000000022
READ_ONLY_ID: Final = 1100000000000000023
STAFF_ID: Final = 1100000000000000024
THREAD_ID: Final = 1100000000000000025

BOT: Final = User(BOT_ID, "zimagine", bot=True, accent_color=0x7C4DFF)
MEMBER: Final = User(MEMBER_ID, "member", "Member 1", accent_color=0x00796B)
SECOND_MEMBER: Final = User(SECOND_MEMBER_ID, "member2", "Member 2", accent_color=0x1565C0)
THIRD_MEMBER: Final = User(THIRD_MEMBER_ID, "member3", "Member 3", accent_color=0xF9A825)
MODERATOR: Final = User(MODERATOR_ID, "moderator", "Moderator", accent_color=0xC2185B)
ADMIN: Final = User(ADMIN_ID, "admin", "Admin", accent_color=0xE65100)
MEMBERS: Final = (MEMBER, SECOND_MEMBER, THIRD_MEMBER)
"""Several, to see whose turn it is; told apart by number and colour."""
PEOPLE: Final = (*MEMBERS, MODERATOR, ADMIN)
LEVELS: Final = {
    **{user.id: "member" for user in MEMBERS},
    MODERATOR_ID: "moderator",
    ADMIN_ID: "admin",
    BOT_ID: "bot",
}

_EVERYONE: Final = bits(
    "VIEW_CHANNEL",
    "SEND_MESSAGES",
    "SEND_MESSAGES_IN_THREADS",
    "CREATE_PUBLIC_THREADS",
    "READ_MESSAGE_HISTORY",
    "EMBED_LINKS",
    "ATTACH_FILES",
    "ADD_REACTIONS",
    "USE_APPLICATION_COMMANDS",
)
_BOT: Final = bits(
    "VIEW_CHANNEL",
    "SEND_MESSAGES",
    "SEND_MESSAGES_IN_THREADS",
    "CREATE_PUBLIC_THREADS",
    "ATTACH_FILES",
    "USE_APPLICATION_COMMANDS",
)
_MODERATOR: Final = bits("MANAGE_MESSAGES", "MANAGE_THREADS", "MODERATE_MEMBERS", "KICK_MEMBERS")
_ADMIN: Final = _MODERATOR | bits("MANAGE_GUILD", "MANAGE_CHANNELS", "MANAGE_ROLES", "BAN_MEMBERS")


def populate(world: World, locale: str = "en-US") -> Guild:
    """Fill an empty world. locale: the language of its server."""
    joined = world.clock()
    roles = (
        Role(GUILD_ID, "@everyone", _EVERYONE),
        Role(BOT_ROLE_ID, "zimagine", _BOT, color=0x7C4DFF, position=1),
        Role(MODERATOR_ROLE_ID, "Moderators", _MODERATOR, color=0xC2185B, position=2),
        Role(ADMIN_ROLE_ID, "Admins", _ADMIN, color=0xE65100, position=3),
    )
    membership = {
        BOT: [BOT_ROLE_ID],
        **{user: [] for user in MEMBERS},
        MODERATOR: [MODERATOR_ROLE_ID],
        ADMIN: [ADMIN_ROLE_ID],
    }
    guild = Guild(
        id=GUILD_ID,
        name="Playground",
        owner_id=ADMIN_ID,
        roles={role.id: role for role in roles},
        members={user.id: Member(user, held, joined) for user, held in membership.items()},
        channels={channel.id: channel for channel in _channels()},
        locale=locale,
    )
    guild.channels[THREAD_ID].created_at = joined
    for user in membership:
        world.users[user.id] = user
    world.guilds[guild.id] = guild
    return guild


def _channels() -> tuple[Channel, ...]:
    text = ChannelType.TEXT
    silent = Overwrite(GUILD_ID, 0, 0, bits("SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS"))
    # The bot's role allows what @everyone may not do, so its own account is denied as well.
    mute = Overwrite(BOT_ID, 1, 0, bits("SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS"))
    hidden = Overwrite(GUILD_ID, 0, 0, bits("VIEW_CHANNEL"))
    shown = tuple(
        Overwrite(role, 0, bits("VIEW_CHANNEL"), 0)
        for role in (BOT_ROLE_ID, MODERATOR_ROLE_ID, ADMIN_ROLE_ID)
    )
    return (
        Channel(CATEGORY_ID, ChannelType.CATEGORY, "Pictures", GUILD_ID),
        Channel(
            PAINT_ID, text, "paint", GUILD_ID, "Ask the bot for pictures here.", CATEGORY_ID, 1
        ),
        Channel(SECOND_ID, text, "more-paint", GUILD_ID, "A second channel.", CATEGORY_ID, 2),
        Channel(
            READ_ONLY_ID, text, "read-only", GUILD_ID, "The bot can't post here.",
            CATEGORY_ID, 3, overwrites=[silent, mute],
        ),
        Channel(
            STAFF_ID, text, "staff", GUILD_ID, "Members can't see this channel.", CATEGORY_ID, 4,
            overwrites=[hidden, *shown],
        ),
        Channel(
            THREAD_ID, ChannelType.PUBLIC_THREAD, "a thread", GUILD_ID, parent_id=PAINT_ID,
            owner_id=ADMIN_ID,
        ),
    )  # fmt: skip

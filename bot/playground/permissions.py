"""Discord's permissions: names, bits, and what a member may do in a channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

BITS: Final[Mapping[str, int]] = {
    name: 1 << bit
    for name, bit in {
        "CREATE_INSTANT_INVITE": 0,
        "KICK_MEMBERS": 1,
        "BAN_MEMBERS": 2,
        "ADMINISTRATOR": 3,
        "MANAGE_CHANNELS": 4,
        "MANAGE_GUILD": 5,
        "ADD_REACTIONS": 6,
        "VIEW_CHANNEL": 10,
        "SEND_MESSAGES": 11,
        "SEND_TTS_MESSAGES": 12,
        "MANAGE_MESSAGES": 13,
        "EMBED_LINKS": 14,
        "ATTACH_FILES": 15,
        "READ_MESSAGE_HISTORY": 16,
        "MENTION_EVERYONE": 17,
        "USE_EXTERNAL_EMOJIS": 18,
        "CHANGE_NICKNAME": 26,
        "MANAGE_ROLES": 28,
        "USE_APPLICATION_COMMANDS": 31,
        "MANAGE_THREADS": 34,
        "CREATE_PUBLIC_THREADS": 35,
        "SEND_MESSAGES_IN_THREADS": 38,
        "MODERATE_MEMBERS": 40,
    }.items()
}
ALL: Final = (1 << 53) - 1
_NEEDS_SEND: Final = ("SEND_TTS_MESSAGES", "EMBED_LINKS", "ATTACH_FILES", "MENTION_EVERYONE")


def bits(*names: str) -> int:
    """Return the permissions with these names as one number."""
    total = 0
    for name in names:
        total |= BITS[name]
    return total


def has(permissions: int, name: str) -> bool:
    """Return whether a number includes a permission; an administrator has all."""
    return bool(permissions & (BITS[name] | BITS["ADMINISTRATOR"]))


def in_guild(everyone: int, roles: Iterable[int], *, owner: bool) -> int:
    """Return what a member may do on a server, before channel overwrites."""
    total = everyone
    for role in roles:
        total |= role
    return ALL if owner or total & BITS["ADMINISTRATOR"] else total


def in_channel(base: int, overwrites: Iterable[tuple[int, int]], *, thread: bool) -> int:
    """Return what is left of `base` in a channel.

    overwrites: (allow, deny) in the order in which Discord applies them: @everyone's, those of all
    roles combined, the member's own.
    """
    if base & BITS["ADMINISTRATOR"]:
        return ALL
    total = base
    for allow, deny in overwrites:
        total = (total & ~deny) | allow
    if not has(total, "VIEW_CHANNEL"):
        return 0
    if not has(total, "SEND_MESSAGES_IN_THREADS" if thread else "SEND_MESSAGES"):
        total &= ~bits(*_NEEDS_SEND)
    return total

"""Constants of the gateway: opcodes, intents, close codes, limits."""

from __future__ import annotations

import secrets
from typing import Final

API_VERSION: Final = "10"
HEARTBEAT_MS: Final = 41_250
KEPT_EVENTS: Final = 1000
SESSION_LIFE_S: Final = 120.0
"""How long a session can be resumed after its socket is lost."""
SENDS_PER_MINUTE: Final = 120
MAX_PAYLOAD_BYTES: Final = 15 * 1024
PRIVILEGED_INTENTS: Final = 1 << 1 | 1 << 8 | 1 << 15
ALL_INTENTS: Final = (1 << 17) - 1 | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25
GUILDS: Final = 1 << 0
GUILD_MEMBERS: Final = 1 << 1
GUILD_MESSAGES: Final = 1 << 9
DIRECT_MESSAGES: Final = 1 << 12
MESSAGE_CONTENT: Final = 1 << 15

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 7, 8, 9, 10, 11
REQUEST_SOUNDBOARD = 31

UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, AUTHENTICATION_FAILED = 4001, 4002, 4003, 4004
ALREADY_AUTHENTICATED, INVALID_SEQUENCE, RATE_LIMITED, SESSION_TIMED_OUT = 4005, 4007, 4008, 4009
INVALID_SHARD, INVALID_API_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = 4010, 4012, 4013, 4014


class Close(Exception):
    """The socket has to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


def same_secret(given: str, secret: str) -> bool:
    """Compare a token in constant time; any text may be given."""
    return secrets.compare_digest(given.encode(errors="replace"), secret.encode())


def shard_receives(shard: tuple[int, int], guild_id: int | None) -> bool:
    """Return whether a shard receives this guild's events; shard 0 receives direct messages."""
    return ((guild_id or 0) >> 22) % shard[1] == shard[0]

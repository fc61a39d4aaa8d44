"""The numeric error codes of Discord's API that the bot reacts to."""

from __future__ import annotations

from enum import IntEnum


class ErrorCode(IntEnum):
    """Members compare equal to `discord.HTTPException.code`; the names follow Discord's
    documentation."""

    UNKNOWN_CHANNEL = 10003
    UNKNOWN_GUILD = 10004
    UNKNOWN_MEMBER = 10007
    UNKNOWN_MESSAGE = 10008
    UNKNOWN_USER = 10013
    UNKNOWN_WEBHOOK = 10015
    """Also returned for an interaction whose token has expired."""
    UNKNOWN_INTERACTION = 10062
    REQUEST_TOO_LARGE = 40005
    ALREADY_ACKNOWLEDGED = 40060
    MISSING_ACCESS = 50001
    CANNOT_EDIT_OTHERS_MESSAGE = 50005
    CANNOT_MESSAGE_USER = 50007
    MISSING_PERMISSIONS = 50013
    INVALID_WEBHOOK_TOKEN = 50027
    THREAD_ARCHIVED = 50083
    THREAD_ALREADY_CREATED = 160004
    THREAD_LOCKED = 160005
    TOO_MANY_ACTIVE_THREADS = 160006
    TOO_MANY_ACTIVE_ANNOUNCEMENT_THREADS = 160007

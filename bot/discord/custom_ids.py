"""The ids on our buttons: version, action, row id, and nothing else."""

from __future__ import annotations

from enum import StrEnum


class Act(StrEnum):
    """What a press does with the row id that follows: a picture's, (cancel) a job's, (queue) 0."""

    REROLL = "reroll"
    DELETE = "delete"
    CANCEL = "cancel"
    SHOW = "show"
    OLDER = "older"
    NEWER = "newer"
    DETAILS = "details"
    AGAIN = "again"
    QUEUE = "queue"


PATTERN = (
    r"z1:(?P<act>reroll|delete|cancel|show|older|newer|details|again|queue):(?P<id>[0-9]{1,18})"
)
"""Every id that this version or an older one ever put on a button."""


def custom_id(act: Act, row_id: int) -> str:
    """The id of a button, at most 100 characters."""
    return f"z1:{act}:{row_id}"

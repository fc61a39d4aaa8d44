"""The ids on our buttons, menus and forms: version, action, row id, and nothing else."""

from __future__ import annotations

import re
from enum import StrEnum

from bot.request.input_sources import StagedSource


class ComponentAction(StrEnum):
    """What a press does with the row id that follows: a picture's, (cancel) a job's, (paint,
    decline) a question's, (queue) 0.

    UNQUEUE cancels too, and stands in the panel of /queue, which then changes in place.
    FAV_OLDER and FAV_NEWER turn pages of favourites.

    PICK is a menu's own; what is done, and with which picture, is the value of its option.
    """

    REROLL = "reroll"
    DELETE = "delete"
    CANCEL = "cancel"
    SHOW = "show"
    OLDER = "older"
    NEWER = "newer"
    DETAILS = "details"
    AGAIN = "again"
    QUEUE = "queue"
    SUBTLE = "subtle"
    STRONG = "strong"
    UPSCALE = "upscale"
    REMIX = "remix"
    ORIGINAL = "original"
    FAVOUR = "favour"
    UNFAVOUR = "unfavour"
    COPY = "copy"
    MORE = "more"
    PICK = "pick"
    UNQUEUE = "unqueue"
    FAV_OLDER = "favolder"
    FAV_NEWER = "favnewer"
    REPORT = "report"
    CASE = "case"
    DELETE_REPORTED = "deletereported"
    BLOCK_REPORTED = "blockreported"
    DISMISS = "dismiss"
    FROM = "from"
    PAINT = "paint"
    DECLINE = "decline"


PATTERN = rf"z1:(?P<act>{'|'.join(ComponentAction)}):(?P<id>[0-9]{{1,18}})"
"""Every id that this version or an older one ever put on a button, a menu or a form."""

PICKABLE = frozenset(
    {
        ComponentAction.DETAILS,
        ComponentAction.SUBTLE,
        ComponentAction.STRONG,
        ComponentAction.UPSCALE,
        ComponentAction.REMIX,
        ComponentAction.ORIGINAL,
        ComponentAction.FAVOUR,
        ComponentAction.UNFAVOUR,
        ComponentAction.COPY,
        ComponentAction.REPORT,
    }
)
"""What an option of a menu may do; its value is written like an id."""


STAGED_PATTERN = r"z1:kept:(?P<sha256>[0-9a-f]{64}):(?P<seal>[0-9a-f]{16})"
"""On what begins with a picture that has no row, for no job has it yet: the hash of its pixels, and
what shows whose it is."""


def custom_id(action: ComponentAction, row_id: int) -> str:
    """The id of a button, a menu or a form, or the value of an option: at most 100 characters."""
    return f"z1:{action}:{row_id}"


def parse(text: str) -> tuple[ComponentAction, int] | None:
    """What custom_id() was given; None for what it never made."""
    match = re.fullmatch(PATTERN, text)
    return None if match is None else (ComponentAction(match["act"]), int(match["id"]))


def staged_id(kept: StagedSource) -> str:
    """The id of a form or a button that is about a picture which was put aside."""
    return f"z1:kept:{kept.sha256}:{kept.signature}"


def parse_staged(text: str) -> StagedSource | None:
    """What kept_id() was given; None for what it never made."""
    match = re.fullmatch(STAGED_PATTERN, text)
    return None if match is None else StagedSource(match["sha256"], match["seal"])

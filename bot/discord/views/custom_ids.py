"""The ids on our buttons, menus and forms: version, action, row id, and nothing else."""

from __future__ import annotations

import re
from enum import StrEnum

from bot.request.input_sources import StagedSource


class ComponentAction(StrEnum):
    """The action of a button, a menu or a form; the values are stored in messages for good.

    The row id that follows it is a picture's, but for CANCEL and CANCEL_IN_QUEUE a job's, for
    ACCEPT_PROPOSAL and DECLINE_PROPOSAL a proposal's, and for REFRESH_QUEUE 0.

    CANCEL_IN_QUEUE is on the panel of /queue, which is then updated in place.

    MENU is on menus; the value of the chosen option holds the action and the picture.
    """

    REROLL = "reroll"
    DELETE = "delete"
    CANCEL = "cancel"
    SHOW_OWN = "show"
    OLDER = "older"
    NEWER = "newer"
    DETAILS = "details"
    PAINT_AGAIN = "again"
    REFRESH_QUEUE = "queue"
    VARY_SUBTLE = "subtle"
    VARY_STRONG = "strong"
    UPSCALE = "upscale"
    REMIX = "remix"
    SHOW_ORIGINAL = "original"
    ADD_FAVOURITE = "favour"
    REMOVE_FAVOURITE = "unfavour"
    COPY = "copy"
    MORE = "more"
    MENU = "pick"
    CANCEL_IN_QUEUE = "unqueue"
    FAVOURITES_OLDER = "favolder"
    FAVOURITES_NEWER = "favnewer"
    REPORT = "report"
    SHOW_REPORT = "case"
    DELETE_REPORTED = "deletereported"
    BLOCK_REPORTED = "blockreported"
    DISMISS_REPORT = "dismiss"
    PAINT_FROM = "from"
    ACCEPT_PROPOSAL = "paint"
    DECLINE_PROPOSAL = "decline"


PATTERN = rf"z1:(?P<act>{'|'.join(ComponentAction)}):(?P<id>[0-9]{{1,18}})"
"""Every id that this version or an older one ever put on a button, a menu or a form."""

MENU_ACTIONS = frozenset(
    {
        ComponentAction.DETAILS,
        ComponentAction.VARY_SUBTLE,
        ComponentAction.VARY_STRONG,
        ComponentAction.UPSCALE,
        ComponentAction.REMIX,
        ComponentAction.SHOW_ORIGINAL,
        ComponentAction.ADD_FAVOURITE,
        ComponentAction.REMOVE_FAVOURITE,
        ComponentAction.COPY,
        ComponentAction.REPORT,
    }
)
"""The actions that menu options may have; their values are written like custom_ids."""


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


def staged_id(staged: StagedSource) -> str:
    """The id of a form or a button that is about a picture which was put aside."""
    return f"z1:kept:{staged.sha256}:{staged.signature}"


def parse_staged(text: str) -> StagedSource | None:
    """What kept_id() was given; None for what it never made."""
    match = re.fullmatch(STAGED_PATTERN, text)
    return None if match is None else StagedSource(match["sha256"], match["seal"])


def is_known(text: str) -> bool:
    """Whether the bot made this custom_id."""
    return parse(text) is not None or parse_staged(text) is not None

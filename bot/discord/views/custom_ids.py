"""The custom_ids of buttons, menus and forms: version, action and row id, nothing else."""

from __future__ import annotations

import re
from enum import StrEnum

from bot.request.input_sources import StagedSource


class ComponentAction(StrEnum):
    """The action of a button, a menu or a form. The values never change: old messages hold them.

    The row id that follows is a picture's, except for CANCEL and CANCEL_IN_QUEUE (a job's),
    ACCEPT_PROPOSAL, DECLINE_PROPOSAL, EDIT_PROMPT and PAINT_WITHOUT (a proposal's), and
    REFRESH_QUEUE (0).

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
    EDIT_PROMPT = "edit"
    PAINT_WITHOUT = "without"


PATTERN = rf"z1:(?P<act>{'|'.join(ComponentAction)}):(?P<id>[0-9]{{1,18}})"
"""Every custom_id that this or an earlier version put on a button, a menu or a form."""

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
"""The actions of menu options, whose values are written like custom_ids."""


STAGED_PATTERN = r"z1:kept:(?P<sha256>[0-9a-f]{64}):(?P<seal>[0-9a-f]{16})"
"""For a staged picture, which has no row because no job uses it yet: the hash of its pixels, and a
signature that proves whose it is."""


def custom_id(action: ComponentAction, row_id: int) -> str:
    """Return the custom_id of a component, or the value of an option, in at most 100 characters."""
    return f"z1:{action}:{row_id}"


def parse(text: str) -> tuple[ComponentAction, int] | None:
    """Return the arguments of `custom_id`; None for any other text."""
    match = re.fullmatch(PATTERN, text)
    return None if match is None else (ComponentAction(match["act"]), int(match["id"]))


def staged_id(staged: StagedSource) -> str:
    """Return the custom_id of a form or button for a staged picture."""
    return f"z1:kept:{staged.sha256}:{staged.signature}"


def parse_staged(text: str) -> StagedSource | None:
    """Return the argument of `staged_id`; None for any other text."""
    match = re.fullmatch(STAGED_PATTERN, text)
    return None if match is None else StagedSource(match["sha256"], match["seal"])


def is_known(text: str) -> bool:
    """Return whether a custom_id is one of the bot's."""
    return parse(text) is not None or parse_staged(text) is not None

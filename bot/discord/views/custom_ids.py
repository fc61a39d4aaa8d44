"""The custom_ids of buttons, menus and forms: version, action, row id, and whose row it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from bot.discord.views.source_changes import CHANGES, changes_code, changes_of
from bot.request.input_sources import StagedSource
from storage.marks import MARK_CHARS, DatabaseMark


class ComponentAction(StrEnum):
    """The action of a button, a menu or a form. The values never change: old messages hold them.

    The row id that follows is a picture's, except for CANCEL and CANCEL_IN_QUEUE (a job's),
    ACCEPT_PROPOSAL, DECLINE_PROPOSAL, EDIT_PROMPT, PAINT_WITHOUT, PAINT_EXPLAINED, ERASE_MEMBER,
    CANCEL_WAITING, ANNOUNCE, IMPORT_RULES, KEEP_RULES, REMIND and those that paint examples or
    anyway (a proposal's), LIST_PAGE (a page's of a list), REFRESH_QUEUE, CANCEL_ALL_IN_QUEUE,
    ERASE_OWN, KEEP_DATA, KEEP_WAITING, DRAIN, UNLOAD, LEAVE_AS_IS, LOG_EVENT and those of the setup
    panel (0), LOG_CHANNEL (the number of a kind of events in `views.log_channels`),
    MODELS_PAGE (the page), LORAS_PAGE and AUDIT_PAGE (the page and whose list it is, as
    `views.loras` and `views.administration` write them), those that change a setting (the number of
    its value in `views.settings`) and PAINT_IDEA (the number of a prompt on the panel of /help).

    CANCEL_IN_QUEUE and CANCEL_ALL_IN_QUEUE are on the panel of /queue, which is then updated in
    place.

    MENU is on the menus of older messages; the value of the chosen option holds the action and the
    picture. MORE opens a new panel for all pictures of a job, MORE_OF_ONE for one; CHOOSE_PICTURE
    and CHOOSE_ANOTHER turn the panel that they are on. DELETE asks back, CONFIRM_DELETE deletes;
    so do DELETE_REPORTED and CONFIRM_DELETE_REPORTED.
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
    MORE_OF_ONE = "moreone"
    CHOOSE_PICTURE = "choose"
    CHOOSE_ANOTHER = "others"
    CONFIRM_DELETE = "erase"
    CONFIRM_DELETE_REPORTED = "erasereported"
    KEEP = "keep"
    PAINT_FIRST_EXAMPLE = "tryfirst"
    PAINT_SECOND_EXAMPLE = "trysecond"
    PAINT_THIRD_EXAMPLE = "trythird"
    PAINT_ANYWAY = "anyway"
    EDIT_PROMPT = "edit"
    PAINT_WITHOUT = "without"
    PAINT_EXPLAINED = "explained"
    CANCEL_ALL_IN_QUEUE = "unqueueall"
    SET_DELIVERY = "setdelivery"
    SET_SPOILER = "setspoiler"
    SET_QUIET = "setquiet"
    LORAS_PAGE = "loras"
    MODELS_PAGE = "models"
    PAINT_IDEA = "idea"
    LIST_PAGE = "page"
    STAR = "star"
    SHOW_SHARED = "shared"
    NOTE = "note"
    ERASE_OWN = "eraseown"
    ERASE_MEMBER = "erasemember"
    KEEP_DATA = "keepdata"
    AUDIT_PAGE = "audit"
    CANCEL_WAITING = "cancelwaiting"
    KEEP_WAITING = "keepwaiting"
    SETUP_REPORTS = "setupreports"
    SETUP_LANGUAGE = "setuplanguage"
    SETUP_QUOTA = "setupquota"
    SETUP_ROLES = "setuproles"
    LOG_EVENT = "logevent"
    LOG_CHANNEL = "logchannel"
    DRAIN = "drain"
    UNLOAD = "unload"
    ANNOUNCE = "announce"
    LEAVE_AS_IS = "leave"
    IMPORT_RULES = "importrules"
    KEEP_RULES = "keeprules"
    REMIND = "remind"
    ANSWER_REPORTERS = "answerreporters"
    REPLY_TO_MODERATORS = "replymods"
    DECIDE_WITH_REASON = "judge"
    NEVER_PAINT_FROM = "neverpaint"
    INPAINT = "inpaint"
    BLEND = "blend"


_MARK: Final = rf"(?::(?P<mark>[0-9a-f]{{{MARK_CHARS}}}))?"
"""Which database the id is one of; earlier versions left it out."""
PATTERN: Final = rf"z1:(?P<act>{'|'.join(ComponentAction)}):(?P<id>[0-9]{{1,18}}){_MARK}"
"""Every custom_id that this or an earlier version put on a button, a menu or a form, whatever
database it belongs to."""
STAGED_PATTERN: Final = (
    rf"z1:kept:(?P<sha256>[0-9a-f]{{64}}):(?P<seal>[0-9a-f]{{16}})(?P<changes>{CHANGES}){_MARK}"
)
"""For a staged picture, which has no row because no job uses it yet: the hash of its pixels, a
signature that proves whose it is, and what became of the given picture, if anything."""

EXAMPLE_ACTIONS = (
    ComponentAction.PAINT_FIRST_EXAMPLE,
    ComponentAction.PAINT_SECOND_EXAMPLE,
    ComponentAction.PAINT_THIRD_EXAMPLE,
)
"""The actions of the examples that are offered for a prompt, in their order."""

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

_TABLES: Final = {
    ComponentAction.CANCEL: "jobs",
    ComponentAction.CANCEL_IN_QUEUE: "jobs",
    ComponentAction.ACCEPT_PROPOSAL: "proposals",
    ComponentAction.DECLINE_PROPOSAL: "proposals",
    ComponentAction.EDIT_PROMPT: "proposals",
    ComponentAction.PAINT_WITHOUT: "proposals",
    ComponentAction.PAINT_ANYWAY: "proposals",
    ComponentAction.PAINT_EXPLAINED: "proposals",
    ComponentAction.ERASE_MEMBER: "proposals",
    ComponentAction.CANCEL_WAITING: "proposals",
    ComponentAction.ANNOUNCE: "proposals",
    ComponentAction.IMPORT_RULES: "proposals",
    ComponentAction.KEEP_RULES: "proposals",
    ComponentAction.REMIND: "proposals",
    **dict.fromkeys(EXAMPLE_ACTIONS, "proposals"),
    ComponentAction.LIST_PAGE: "list_pages",
}
"""The tables of row ids that are not a picture's."""


_WITHOUT_ROW: Final = frozenset(
    {
        ComponentAction.REFRESH_QUEUE,
        ComponentAction.CANCEL_ALL_IN_QUEUE,
        ComponentAction.SET_DELIVERY,
        ComponentAction.SET_SPOILER,
        ComponentAction.SET_QUIET,
        ComponentAction.LORAS_PAGE,
        ComponentAction.PAINT_IDEA,
        ComponentAction.MODELS_PAGE,
        ComponentAction.ERASE_OWN,
        ComponentAction.KEEP_DATA,
        ComponentAction.AUDIT_PAGE,
        ComponentAction.KEEP_WAITING,
        ComponentAction.SETUP_REPORTS,
        ComponentAction.SETUP_LANGUAGE,
        ComponentAction.SETUP_QUOTA,
        ComponentAction.SETUP_ROLES,
        ComponentAction.LOG_EVENT,
        ComponentAction.LOG_CHANNEL,
        ComponentAction.DRAIN,
        ComponentAction.UNLOAD,
        ComponentAction.LEAVE_AS_IS,
    }
)
"""The actions whose number is no row id: they are about all that is on one server."""


def names_row(action: ComponentAction) -> bool:
    """Return whether an action's number is a row id; 0 never is one."""
    return action not in _WITHOUT_ROW


def table_of(action: ComponentAction) -> str:
    """Return the table that an action's row id is one of: pictures, jobs, proposals or
    list_pages."""
    return _TABLES.get(action, "pictures")


_databases: list[DatabaseMark] = []


@contextmanager
def ids_of(database: DatabaseMark) -> Iterator[None]:
    """Write the custom_ids of this database, and accept no other's, inside the block.

    One process serves one database. Outside of any block, custom_ids have no mark.
    """
    _databases.append(database)
    try:
        yield
    finally:
        _databases.remove(database)


def custom_id(action: ComponentAction, row_id: int) -> str:
    """Return the custom_id of a component, or the value of an option, in at most 100 characters."""
    return _marked(f"z1:{action}:{row_id}")


def parse(text: str) -> tuple[ComponentAction, int] | None:
    """Return the arguments of `custom_id`; None for any other text, and for another database's."""
    match = re.fullmatch(PATTERN, text)
    if match is None:
        return None
    action, row_id = ComponentAction(match["act"]), int(match["id"])
    return (action, row_id) if _is_ours(match["mark"], action, row_id) else None


def staged_id(staged: StagedSource) -> str:
    """Return the custom_id of a form or button for a staged picture."""
    changes = changes_code(staged.changes)
    return _marked(f"z1:kept:{staged.sha256}:{staged.signature}{changes}")


def parse_staged(text: str) -> StagedSource | None:
    """Return the argument of `staged_id`; None for any other text, and for another database's."""
    match = re.fullmatch(STAGED_PATTERN, text)
    if match is None or not _is_ours(match["mark"]):
        return None
    return StagedSource(match["sha256"], match["seal"], changes=changes_of(match["changes"]))


def is_known(text: str) -> bool:
    """Return whether a custom_id looks like one of the bot's, whatever database it belongs to."""
    return re.fullmatch(PATTERN, text) is not None or re.fullmatch(STAGED_PATTERN, text) is not None


def is_of_another_database(text: str) -> bool:
    """Return whether a custom_id is the bot's, but not of the database that is open."""
    return is_known(text) and parse(text) is None and parse_staged(text) is None


def _marked(text: str) -> str:
    return f"{text}:{_databases[-1].text}" if _databases else text


def _is_ours(mark: str | None, action: ComponentAction | None = None, row_id: int = 0) -> bool:
    """Return whether an id with this mark is one of the open database's.

    Without a mark it was written before databases had one, so it is at most as high as the ids
    that had been given by then.
    """
    if not _databases:
        return mark is None
    database = _databases[-1]
    if mark is not None:
        return mark == database.text
    if database.ids_before is None:
        return False
    return action is None or row_id <= database.ids_before.get(table_of(action), 0)

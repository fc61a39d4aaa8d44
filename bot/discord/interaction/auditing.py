"""Which interactions are administrative, and what their audit entries say.

Every command of /admin, /moderation and /owner is, without being named here, and so is each button
of `AUDITED`: the entry is drafted before the command runs and written with the first change that it
makes (`storage.audit_draft`). One that changes nothing leaves no entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from discord import AppCommandOptionType as Kind

from bot.discord.interaction.responses import Interaction, actor_of
from bot.discord.interaction.services import Services
from bot.discord.views.custom_ids import ComponentAction
from storage import audit_draft
from storage.log_entries import Value

ROOTS: Final = frozenset({"admin", "moderation", "owner"})
"""Commands all of whose subcommands are administrative; those of /owner in the audit log of the
owners' server."""
NO_ENTRY: Final = frozenset({"admin quota list"})
"""Commands that only show something, although they put something in order on the way."""
AGAINST_OTHERS: Final = {"cancel": "job cancel"}
"""Commands that are administrative where they turn out to be about another member."""
_TEXT_CHARS: Final = 200
"""Of a text that is stored in an entry: enough to recognise it. Chosen by hand."""
_GROUPS: Final = (Kind.subcommand.value, Kind.subcommand_group.value)
_TARGETS: Final = (Kind.user.value, Kind.mentionable.value)


@dataclass(frozen=True, slots=True)
class AuditedButton:
    """What the entry of a button or form calls its action. row: what its number is. others_only:
    it is administrative where it turns out to be about another member."""

    action: str
    row: str = ""
    others_only: bool = False


AUDITED: Final[Mapping[ComponentAction, AuditedButton]] = {
    ComponentAction.CANCEL: AuditedButton("job cancel", "job", others_only=True),
    ComponentAction.CANCEL_IN_QUEUE: AuditedButton("job cancel", "job", others_only=True),
    ComponentAction.CONFIRM_DELETE: AuditedButton("picture delete", "picture", others_only=True),
    # It deletes without a question where the picture is gone already.
    ComponentAction.DELETE_REPORTED: AuditedButton("report delete", "picture"),
    ComponentAction.CONFIRM_DELETE_REPORTED: AuditedButton("report delete", "picture"),
    ComponentAction.BLOCK_REPORTED: AuditedButton("report block", "picture"),
    ComponentAction.DISMISS_REPORT: AuditedButton("report dismiss", "picture"),
    ComponentAction.DECIDE_WITH_REASON: AuditedButton("report decide", "picture"),
    ComponentAction.ANSWER_REPORTERS: AuditedButton("report answer", "picture"),
    ComponentAction.NEVER_PAINT_FROM: AuditedButton("report forbid", "picture"),
    # Without whom: nothing of an erased person stays.
    ComponentAction.ERASE_MEMBER: AuditedButton("member erase"),
    ComponentAction.CANCEL_WAITING: AuditedButton("jobs cancel"),
    ComponentAction.IMPORT_RULES: AuditedButton("rules import"),
    ComponentAction.DRAIN: AuditedButton("owner drain"),
    ComponentAction.ANNOUNCE: AuditedButton("owner announce"),
    ComponentAction.SETUP_REPORTS: AuditedButton("setup reports"),
    ComponentAction.SETUP_LANGUAGE: AuditedButton("setup language"),
    ComponentAction.SETUP_QUOTA: AuditedButton("setup quota"),
    ComponentAction.SETUP_ROLES: AuditedButton("setup roles"),
    ComponentAction.LOG_CHANNEL: AuditedButton("log channel"),
}
"""Buttons, menus and forms by which admins and moderators change something."""


def audit_command(interaction: Interaction, services: Services) -> None:
    """Draft the entry of the command that this task is about to run, if it is administrative."""
    data = cast("Mapping[str, Any]", interaction.data or {})
    path, options = _leaf(data)
    action = AGAINST_OTHERS.get(path, path)
    others_only = path in AGAINST_OTHERS
    if not others_only and (path.split()[0] not in ROOTS or path in NO_ENTRY):
        audit_draft.begin(None)
        return
    resolved = cast("Mapping[str, Any]", data.get("resolved") or {})
    target, values = None, dict[str, Value]()
    for option in options:
        if (user_id := _user(option, resolved)) is not None:
            target = user_id if target is None else target
        else:
            values[option["name"]] = _value(option, resolved)
    actor = actor_of(interaction)
    audit_draft.begin(
        services.administration.audit.draft(actor, action, values, target, others_only=others_only)
    )


def audit_press(
    interaction: Interaction, services: Services, action: ComponentAction, row_id: int
) -> None:
    """Draft the entry of the button or form that this task is about to handle."""
    button = AUDITED.get(action)
    if button is None:
        audit_draft.begin(None)
        return
    values: dict[str, Value] = {button.row: row_id} if button.row else {}
    actor = actor_of(interaction)
    audit_draft.begin(
        services.administration.audit.draft(
            actor, button.action, values, others_only=button.others_only
        )
    )


def _leaf(data: Mapping[str, Any]) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Return the whole name of a command and its options."""
    names, options = [str(data.get("name"))], data.get("options") or ()
    while options and options[0].get("type") in _GROUPS:
        names.append(options[0]["name"])
        options = options[0].get("options") or ()
    return " ".join(names), options


def _user(option: Mapping[str, Any], resolved: Mapping[str, Any]) -> int | None:
    """Return the user that an option names, unless it names a role."""
    value = str(option.get("value"))
    if option.get("type") not in _TARGETS or value not in (resolved.get("users") or {}):
        return None
    return int(value)


def _value(option: Mapping[str, Any], resolved: Mapping[str, Any]) -> Value:
    """Return what was chosen: a channel or role by its id, a file by its name."""
    value = option.get("value")
    match option.get("type"):
        case Kind.channel.value:
            return {"channel": int(str(value))}
        case Kind.role.value | Kind.mentionable.value | Kind.user.value:
            return {"role": int(str(value))}
        case Kind.attachment.value:
            file = (resolved.get("attachments") or {}).get(str(value)) or {}
            return _text(file.get("filename"))
        case _:
            return value if isinstance(value, bool | int | float) else _text(value)


def _text(value: object) -> str:
    text = str(value).encode(errors="replace").decode()
    return text if len(text) <= _TEXT_CHARS else text[: _TEXT_CHARS - 1] + "…"

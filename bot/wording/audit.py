"""What happened on a server, in sentences for its audit log and the channels of its events."""

from __future__ import annotations

from typing import Final

from bot.i18n import Words, translatable
from bot.wording.names import command_name
from storage.audit import AuditEntry

_BLOCKED: Final = translatable("{who} blocked a member")
_UNBLOCKED: Final = translatable("{who} unblocked a member")
_QUOTA: Final = translatable("{who} set a quota")
_FILTER: Final = translatable("{who} changed the filter")
_MODELS: Final = translatable("{who} chose which models are open")
_LORAS: Final = translatable("{who} chose which LoRAs are open")
_RULES: Final = translatable("{who} changed the rules")
_SETTINGS: Final = translatable("{who} changed the server's settings")
_REPORTS: Final = translatable("{who} chose the channel of reports")
_LOG: Final = translatable("{who} chose where events are posted")
_ACCESS: Final = translatable("{who} chose which roles may use the admin commands")

SENTENCES: Final = {
    "admin access role": _ACCESS,
    "admin block": _BLOCKED,
    "admin filter add": _FILTER,
    "admin filter import": translatable("{who} changed the filter by a file"),
    "admin filter picture": translatable("{who} changed which pictures nothing is painted from"),
    "admin filter remove": _FILTER,
    "admin filter set": _FILTER,
    "admin loras channel": _LORAS,
    "admin loras server": _LORAS,
    "admin log": _LOG,
    "admin models channel": _MODELS,
    "admin models server": _MODELS,
    "admin pause": translatable("{who} paused painting"),
    "admin quota clear": translatable("{who} removed a quota"),
    "admin quota grant": translatable("{who} granted pictures"),
    "admin quota reset": translatable("{who} reset what a member had used"),
    "admin quota set": _QUOTA,
    "admin quota weights": translatable("{who} chose how large pictures count"),
    "admin resume": translatable("{who} resumed painting"),
    "admin rules remove": _RULES,
    "admin rules set": _RULES,
    "admin settings channel": translatable("{who} changed the settings of a channel"),
    "admin settings server": _SETTINGS,
    "admin stars": translatable("{who} chose where starred pictures are shown"),
    "admin unblock": _UNBLOCKED,
    "job cancel": translatable("{who} cancelled a member's job"),
    "jobs cancel": translatable("{who} cancelled waiting jobs"),
    "log channel": _LOG,
    "member erase": translatable("{who} erased everything of a member"),
    "moderation block": _BLOCKED,
    "moderation unblock": _UNBLOCKED,
    "owner announce": translatable("{who} sent an announcement to every server"),
    "owner drain": translatable("{who} let no more requests be accepted anywhere"),
    "owner pause": translatable("{who} paused painting everywhere"),
    "owner resume": translatable("{who} resumed painting everywhere"),
    "picture delete": translatable("{who} deleted a member's picture"),
    "report answer": translatable("{who} answered those who reported a picture"),
    "report block": translatable("{who} deleted a reported picture and blocked its requester"),
    "report decide": translatable("{who} decided about a report, with a reason"),
    "report delete": translatable("{who} deleted a reported picture"),
    "report dismiss": translatable("{who} dismissed a report"),
    "report forbid": translatable("{who} chose that nothing is painted from a reported picture"),
    "rules import": translatable("{who} changed the rules by a file"),
    "setup language": _SETTINGS,
    "setup quota": _QUOTA,
    "setup reports": _REPORTS,
    "setup roles": _ACCESS,
}
"""By what admins and moderators did; of any other action, the command is named."""
EVENTS: Final = {
    "job failed": translatable("A job of {who} failed and was not charged"),
    "member erased": translatable("Everything that was stored of a member was erased"),
    "picture refused": translatable("{who} asked to paint from a picture that the filter refuses"),
    "prompt refused": translatable("{who} asked for something that the filter refuses"),
    "quota spent": translatable("{who} asked for more than is left of their quota"),
    "report reply": translatable("{who} replied to the moderators about a report"),
    "result refused": translatable("The filter refused what was painted for {who}"),
    "server quota spent": translatable("{who} asked for more than is left of this server's quota"),
}
"""By what happened on a server without them."""
FORMER: Final = {
    "admin announcements channel": translatable("{who} chose where announcements are posted"),
    "admin audit-channel": translatable("{who} chose where the audit log is posted"),
    "admin quota default": _QUOTA,
    "admin reports channel": _REPORTS,
}
"""By commands of earlier versions, of which entries are left."""


def audit_sentence(entry: AuditEntry, say: Words) -> str:
    """Return who did what, without what was chosen and without a full stop."""
    who = f"<@{entry.actor_id}>" if entry.actor_id else say("Somebody who was erased")
    for sentences in (SENTENCES, EVENTS, FORMER):
        if (sentence := sentences.get(entry.action)) is not None:
            return say(sentence, who=who)
    return say("{who} used {command}", who=who, command=command_name(entry.action, say))

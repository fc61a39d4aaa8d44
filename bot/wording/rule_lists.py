"""Answers of /admin rules and /admin access."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from bot.accounts.rules.administration import (
    AdminRoleChanged,
    RuleChanged,
    RuleListing,
    RuleReasons,
    RulesRemoved,
)
from bot.accounts.rules.decision import Decision, Rule
from bot.accounts.rules.imports import RuleDifference, RulesImported
from bot.i18n import Words, paragraph
from bot.wording.lists import enumerated, separated
from bot.wording.names import command_link
from bot.wording.rules import KINDS, subject_text, value_text
from engine.series import MAX_PICTURES
from storage.access_rules import RuleKind, RuleSubject

_LIST_CHARS: Final = 1700
"""Of the lines in one message, which holds 2,000 characters."""


def rule_listing(listing: RuleListing, say: Words) -> str:
    """List the rules of a server by their subjects, in the order in which they decide."""
    by_subject: dict[RuleSubject, list[Rule]] = {}
    for rule in listing.rules:
        by_subject.setdefault(rule.subject, []).append(rule)
    lines = [
        f"- {subject_text(subject, say)} · {_rules(rules, say)}"
        for subject, rules in by_subject.items()
    ]
    if lines:
        head = say(
            "The first of these decides: a rule for the member, then one for the channel, for its "
            "category, for a role, for the server."
        )
    else:
        head = say(
            "There are no rules: everybody may paint everywhere. {command} makes one.",
            command=command_link("admin rules set", say),
        )
    foot = [_admins(listing.admin_roles, say)]
    if listing.removed:
        foot.append(
            say.plural(
                "{n} rule for what was deleted was removed.",
                "{n} rules for what was deleted were removed.",
                listing.removed,
            )
        )
    return "\n".join([head, *_fitting(lines, say), *foot])


def rule_changed(done: RuleChanged, say: Words) -> str:
    """Say what holds from now on, and what comes before it."""
    text = say(
        "From now on for {subject}: {rule}.",
        subject=subject_text(done.rule.subject, say),
        rule=_rules([done.rule], say),
    )
    if done.before:
        subjects = enumerated((subject_text(each, say) for each in done.before), say)
        before = say("Rules of the same kind that come first: {subjects}.", subjects=subjects)
        text = paragraph(text, before)
    if done.only_allows:
        hint = say(
            "Nothing blocks painting yet. To allow it nowhere else, use {command} with {what} and "
            "{value} for the whole server.",
            command=command_link("admin rules set", say),
            what=f"`{RuleKind.PAINT}`",
            value="`block`",
        )
        text = paragraph(text, hint)
    return text


def rules_removed(done: RulesRemoved, say: Words) -> str:
    """Say which rules hold no more."""
    return say(
        "No longer a rule for {subject}: {rules}.",
        subject=subject_text(done.subject, say),
        rules=_rules(done.rules, say),
    )


def rule_reasons(found: RuleReasons, say: Words) -> str:
    """List what holds for a member in a channel, and which rule or default says so."""
    head = say(
        "For {member} in {channel}:", member=f"<@{found.user_id}>", channel=f"<#{found.channel_id}>"
    )
    lines = [_reason_line(kind, found.matching[kind], found, say) for kind in RuleKind]
    owner = [say("Owners of the bot may use every model and LoRA.")] if found.owner else []
    return "\n".join([head, *_fitting(lines, say), *owner])


def import_question(found: RuleDifference, say: Words) -> str:
    """Ask back with what a file would change."""
    lines = [
        *(say("Added: {rule}", rule=_whole(each, say)) for each in found.added),
        *(
            say(
                "Changed: {rule}, before: {value}",
                rule=_whole(new, say),
                value=value_text(old.kind, old.value, say),
            )
            for old, new in found.changed
        ),
        *(say("Removed: {rule}", rule=_whole(each, say)) for each in found.removed),
        *(
            say("May use {command}: {role}", command=_admin(say), role=f"<@&{each}>")
            for each in found.roles_added
        ),
        *(
            say("May no longer use {command}: {role}", command=_admin(say), role=f"<@&{each}>")
            for each in found.roles_removed
        ),
    ]
    head = say("This file would change the rules of this server:")
    return "\n".join([head, *_fitting([f"- {each}" for each in lines], say), say("Import it?")])


def rules_imported(done: RulesImported, say: Words) -> str:
    """Say that the rules are those of the file."""
    return say.plural(
        "Imported: this server has {n} rule now.",
        "Imported: this server has {n} rules now.",
        done.rules,
    )


def admin_role_changed(done: AdminRoleChanged, say: Words) -> str:
    """Say whether a role may use /admin, and how Discord is told so."""
    if not done.allowed:
        gone = say("{role} may no longer use {command}.", role=_role(done), command=_admin(say))
        return paragraph(gone, _admins(done.roles, say))
    text = say(
        "{role} may use {command} as members with Manage Server do.",
        role=_role(done),
        command=_admin(say),
    )
    hint = say(
        "Discord shows the command to that role once you add the role to it under Server Settings, "
        "Integrations."
    )
    return paragraph(text, hint)


def admin_roles(roles: Sequence[int], say: Words) -> str:
    """Say which roles may use /admin."""
    return _admins(roles, say)


def _reason_line(
    kind: RuleKind, matching: Sequence[Decision], found: RuleReasons, say: Words
) -> str:
    name = say(KINDS[kind])
    if not matching:
        default = _default(kind, found, say)
        return "- " + say("{kind}: {value} (no rule)", kind=name, value=default)
    first, *others = matching
    subjects = enumerated((subject_text(each.subject, say) for each in first.rules), say)
    line = say(
        "{kind}: {value} (rule for {subject})",
        kind=name,
        value=value_text(kind, first.value, say),
        subject=subjects,
    )
    if others:
        rest = separated(
            (
                say(
                    "{name}: {value}",
                    name=subject_text(each.subject, say),
                    value=value_text(kind, each.value, say),
                )
                for each in others
            ),
            say,
        )
        line = say("{rule}, before {others}", rule=line, others=rest)
    return f"- {line}"


def _default(kind: RuleKind, found: RuleReasons, say: Words) -> str:
    """Return what holds where no rule says anything."""
    match kind:
        case RuleKind.PAINT:
            return say("allowed")
        case RuleKind.MODELS:
            return say("what {command} opens", command=command_link("admin models", say))
        case RuleKind.LORAS:
            return say("what {command} opens", command=command_link("admin loras", say))
        case RuleKind.SIZE | RuleKind.STEPS | RuleKind.SPEED:
            return say("what the model takes")
        case RuleKind.COUNT:
            return str(MAX_PICTURES)
        case RuleKind.PENDING:
            limit = found.pending_limit
            return say("no limit") if limit is None else say("{n}, on all servers", n=limit)
        case RuleKind.COOLDOWN:
            return value_text(kind, 0, say)
        case RuleKind.PRIVATE:
            return value_text(kind, False, say)
        case RuleKind.SPOILER:
            return say("as the member, the channel or the server has chosen")
        case _:
            assert_never(kind)


def _rules(rules: Iterable[Rule], say: Words) -> str:
    return " · ".join(
        say(
            "{name}: {value}",
            name=say(KINDS[each.kind]),
            value=value_text(each.kind, each.value, say),
        )
        for each in rules
    )


def _whole(rule: Rule, say: Words) -> str:
    return f"{subject_text(rule.subject, say)} · {_rules([rule], say)}"


def _admins(roles: Sequence[int], say: Words) -> str:
    if not roles:
        return say("{command} is for members with Manage Server.", command=_admin(say))
    return say(
        "{command} is for members with Manage Server, and for {roles}.",
        command=_admin(say),
        roles=enumerated((f"<@&{each}>" for each in roles), say),
    )


def _admin(say: Words) -> str:
    return command_link("admin", say)


def _role(done: AdminRoleChanged) -> str:
    return f"<@&{done.role_id}>"


def _fitting(lines: Sequence[str], say: Words) -> list[str]:
    """Return as many lines as one message holds."""
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(line) > _LIST_CHARS:
            break
        kept.append(line)
    if rest := len(lines) - len(kept):
        kept.append(say.plural("and {n} more", "and {n} more", rest))
    return kept

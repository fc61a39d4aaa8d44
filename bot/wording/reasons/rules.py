"""Sentences about what a server's rules forbid, and about rules that cannot be set."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bot.accounts.rules.values import BOUNDS, MAX_NAMES, MAX_SIDE_PX, WORDS
from bot.i18n import Words, paragraph
from bot.request.reasons.rules import (
    BadRuleValue,
    BeyondRule,
    CooldownRunning,
    EverybodyAdmin,
    HigherRole,
    LocksOut,
    NoSuchRule,
    NothingImported,
    PaintingBlocked,
    PendingLimit,
    RuleReason,
    RulesChangedMeanwhile,
    RulesFileRefused,
    RulesFileTooLarge,
    SubjectGone,
    SubjectsDeleted,
    TooManyAccessRules,
    TwoSubjects,
    UnknownRuleKind,
)
from bot.wording.labels import speed_name
from bot.wording.lists import alternatives, enumerated, listed
from bot.wording.moderation import When
from bot.wording.names import command_link, option_name
from bot.wording.reasons.filters import cut
from bot.wording.rules import KINDS, rule_sentence, size_text, subject_text
from engine.diffusion.families import Speed
from storage.access_rules import RuleKind, RuleScope, RuleSubject

_NAMES_SHOWN = 10


def rule_refusal(reason: RuleReason, retry_at: datetime | None, say: Words, when: When) -> str:
    """Say which rule forbids a request and where it is allowed, or why no rule was changed."""
    match reason:
        case PaintingBlocked():
            where = _elsewhere(reason.channels, reason.elsewhere, say)
            return paragraph(_blocked(reason, say), where, say("Nothing was charged."))
        case BeyondRule():
            where = _elsewhere(reason.channels, reason.elsewhere, say)
            beyond = paragraph(_beyond(reason, say), rule_sentence(reason.rule, say))
            return paragraph(beyond, where, say("Nothing was charged."))
        case PendingLimit(rule, pending, limit, requested):
            full = say.plural(
                "You can have {n} unfinished job here at a time; you have {pending} and asked for "
                "{requested} more.",
                "You can have {n} unfinished jobs here at a time; you have {pending} and asked for "
                "{requested} more.",
                limit,
                pending=pending,
                requested=requested,
            )
            return paragraph(full, rule_sentence(rule, say), say("Nothing was charged."))
        case CooldownRunning(rule, cooldown_s):
            slow = say.plural(
                "You can ask for something new {n} second after your last request.",
                "You can ask for something new {n} seconds after your last request.",
                cooldown_s,
            )
            again = (
                say("You can paint again {when}.", when=when(retry_at))
                if retry_at is not None
                else ""
            )
            return paragraph(slow, rule_sentence(rule, say), again, say("Nothing was charged."))
        case _:
            return paragraph(_unchangeable(reason, say), say("Nothing was changed."))


def _blocked(reason: PaintingBlocked, say: Words) -> str:
    match reason.rule.scope:
        case RuleScope.USER:
            return say("You may not paint on this server: there is a rule for you.")
        case RuleScope.CHANNEL:
            return say(
                "Nobody may paint in {channel}: there is a rule for this channel.",
                channel=f"<#{reason.rule.id}>",
            )
        case RuleScope.ROLE:
            return say(
                "You may not paint here: there is a rule for your role {role}.",
                role=f"<@&{reason.rule.id}>",
            )
        case RuleScope.SERVER if reason.direct:
            return say("This server does not let its members paint in direct messages.")
        case RuleScope.SERVER:
            return say("You may not paint here: there is a rule for the whole server.")


def _beyond(reason: BeyondRule, say: Words) -> str:
    value, wanted = reason.value, reason.wanted
    match reason.kind:
        case RuleKind.SIZE:
            return say(
                "Pictures can have at most as many pixels as {size} here; this one would have "
                "{wanted}.",
                size=size_text(value),
                wanted=size_text(wanted),
            )
        case RuleKind.SPEED:
            return say(
                "The slowest speed here is {speed}, at most {steps} steps; this picture would have "
                "{wanted}.",
                speed=speed_name(Speed(str(value)), say),
                steps=reason.steps,
                wanted=wanted,
            )
        case RuleKind.STEPS:
            return say(
                "Pictures can have at most {steps} steps here; this one would have {wanted}.",
                steps=value,
                wanted=wanted,
            )
        case _:
            return say(
                "You can ask for at most {count} pictures at once here, and asked for {wanted}.",
                count=value,
                wanted=wanted,
            )


def _elsewhere(channels: tuple[int, ...], elsewhere: bool, say: Words) -> str:
    """Say where the same request is allowed; "" where it is not known."""
    if channels:
        names = alternatives((f"<#{each}>" for each in channels), say)
        return say("You can do this in {channels}.", channels=names)
    return say("You can do this in the other channels of this server.") if elsewhere else ""


_Unchangeable = (
    BadRuleValue
    | UnknownRuleKind
    | TwoSubjects
    | SubjectGone
    | EverybodyAdmin
    | NoSuchRule
    | TooManyAccessRules
    | HigherRole
    | LocksOut
    | RulesFileRefused
    | SubjectsDeleted
    | RulesFileTooLarge
    | NothingImported
    | RulesChangedMeanwhile
)


def _unchangeable(reason: _Unchangeable, say: Words) -> str:
    match reason:
        case BadRuleValue(kind, text):
            return paragraph(
                say("{text} is no value for “{kind}”.", text=cut(text), kind=say(KINDS[kind])),
                _possible(kind, say),
            )
        case UnknownRuleKind(text):
            return say(
                "No rule decides {text}. There are: {kinds}.",
                text=cut(text),
                kinds=enumerated((f"`{each}`" for each in RuleKind), say),
            )
        case TwoSubjects():
            return say(
                "A rule is for {who} or for {where}, not for both.",
                who=option_name("who", say),
                where=option_name("where", say),
            )
        case SubjectGone():
            return say("That role, member or channel does not exist any more.")
        case EverybodyAdmin():
            return say("{command} cannot be for everybody.", command=command_link("admin", say))
        case NoSuchRule(subject, kind):
            if kind is None:
                return say("There is no rule for {subject}.", subject=subject_text(subject, say))
            return say(
                "There is no rule “{kind}” for {subject}.",
                kind=say(KINDS[kind]),
                subject=subject_text(subject, say),
            )
        case TooManyAccessRules(limit):
            return say("A server can have {limit} rules.", limit=limit)
        case HigherRole(subject):
            return _higher(subject, say)
        case LocksOut(subject, True):
            return say(
                "You use {command} because of {subject}, and would lose it.",
                command=command_link("admin", say),
                subject=subject_text(subject, say),
            )
        case LocksOut(subject):
            return say(
                "The rule that blocks {subject} would leave no channel where you can paint "
                "yourself. Allow a channel, a role or yourself first.",
                subject=subject_text(subject, say),
            )
        case RulesFileRefused():
            return _file_problem(reason, say)
        case SubjectsDeleted(roles, channels):
            names = [
                *(say("the role {name}", name=cut(each)) for each in roles),
                *(say("the channel {name}", name=cut(each)) for each in channels),
            ]
            return say(
                "The file has rules for what this server does not have: {names}.",
                names=listed(names, say, shown=_NAMES_SHOWN),
            )
        case RulesFileTooLarge(limit):
            return say("The file is larger than {limit} KiB.", limit=limit)
        case NothingImported():
            return say("The file says what holds already.")
        case RulesChangedMeanwhile():
            return say("Somebody has changed the rules since then. Please import the file again.")
        case _:
            assert_never(reason)


def _higher(subject: RuleSubject, say: Words) -> str:
    if subject.scope is RuleScope.ROLE:
        return say("The role {role} is above your highest one.", role=f"<@&{subject.id}>")
    return say("The highest role of {person} is not below yours.", person=f"<@{subject.id}>")


def _file_problem(reason: RulesFileRefused, say: Words) -> str:
    if reason.version is not None:
        return say(
            "The file is of version {version}, which I cannot read.", version=cut(reason.version)
        )
    if reason.unknown:
        return say(
            "The file has keys that I do not know: {names}.",
            names=listed(map(cut, reason.unknown), say, shown=_NAMES_SHOWN),
        )
    if reason.problem is not None:
        return say("The file has something that no rule can say: {text}.", text=cut(reason.problem))
    return say("That is no file that {command} made.", command=_export(say))


def _export(say: Words) -> str:
    return command_link("admin rules export", say)


def _possible(kind: RuleKind, say: Words) -> str:
    """Say what a rule of this kind can have."""
    match kind:
        case RuleKind.PAINT | RuleKind.PRIVATE | RuleKind.SPOILER:
            words = alternatives((f"`{each}`" for each in WORDS[kind]), say)
            return say("It can be {values}.", values=words)
        case RuleKind.SPEED:
            words = alternatives((f"`{each}`" for each in Speed), say)
            return say("It can be {values}.", values=words)
        case RuleKind.MODELS | RuleKind.LORAS:
            return say(
                "It can be up to {n} names with commas between them, `all` or `none`.", n=MAX_NAMES
            )
        case RuleKind.SIZE:
            return say(
                "It can be a width and a height of up to {n} pixels, such as `1024x1024`.",
                n=MAX_SIDE_PX,
            )
        case RuleKind.STEPS | RuleKind.COUNT | RuleKind.PENDING | RuleKind.COOLDOWN:
            low, high = BOUNDS[kind]
            return say("It can be a whole number from {low} to {high}.", low=low, high=high)
        case _:
            assert_never(kind)

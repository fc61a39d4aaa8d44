"""Why the rules of a server forbid a request, and why a rule cannot be set."""

from __future__ import annotations

from dataclasses import dataclass

from engine.diffusion.families import Speed
from storage.access_rules import RuleKind, RuleSubject

RuleValue = bool | int | Speed | tuple[int, int] | tuple[str, ...] | None
"""What a rule says: allowed or not, on or off, a largest number, size or speed, or open names
(None for all)."""


@dataclass(frozen=True, slots=True)
class PaintingBlocked:
    """A rule blocks painting. channels: those of the server where this member may paint; the first
    few. elsewhere: they may also paint where no channel has a rule. direct: it was asked for in
    direct messages, where no channel's rule holds."""

    rule: RuleSubject
    channels: tuple[int, ...] = ()
    elsewhere: bool = False
    direct: bool = False


@dataclass(frozen=True, slots=True)
class BeyondRule:
    """A request wants more than a rule lets it. wanted: of the same kind as the rule's value.

    steps: what a speed means for the model. channels, elsewhere: as in `PaintingBlocked`, where the
    same request is allowed.
    """

    rule: RuleSubject
    kind: RuleKind
    value: RuleValue
    wanted: RuleValue
    steps: int | None = None
    channels: tuple[int, ...] = ()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class PendingLimit:
    """A member has so many unfinished jobs here, of `limit`, and wants `requested` more."""

    rule: RuleSubject
    pending: int
    limit: int
    requested: int


@dataclass(frozen=True, slots=True)
class CooldownRunning:
    """A member has to wait between requests; the refusal says until when."""

    rule: RuleSubject
    cooldown_s: int


@dataclass(frozen=True, slots=True)
class BadRuleValue:
    """A text that no rule of this kind can say."""

    kind: RuleKind
    text: str


@dataclass(frozen=True, slots=True)
class UnknownRuleKind:
    """No rule decides such a thing."""

    text: str


@dataclass(frozen=True, slots=True)
class TwoSubjects:
    """A rule was asked for a member or role, and for a channel, at once."""


@dataclass(frozen=True, slots=True)
class SubjectGone:
    """The role, member or channel that was chosen does not exist any more."""


@dataclass(frozen=True, slots=True)
class EverybodyAdmin:
    """Everybody on a server was to use /admin."""


@dataclass(frozen=True, slots=True)
class NoSuchRule:
    """There is no such rule to remove. kind: None for none at all of that subject."""

    subject: RuleSubject
    kind: RuleKind | None = None


@dataclass(frozen=True, slots=True)
class TooManyAccessRules:
    """A server would have more rules than it can."""

    limit: int


@dataclass(frozen=True, slots=True)
class HigherRole:
    """A rule is about somebody, or a role, above whoever wants to change it."""

    subject: RuleSubject


@dataclass(frozen=True, slots=True)
class LocksOut:
    """After the change, whoever makes it could not paint anywhere, because of this rule.

    admin: they could not use /admin any more, because their role would lose it.
    """

    subject: RuleSubject
    admin: bool = False


@dataclass(frozen=True, slots=True)
class RulesFileRefused:
    """A file of rules cannot be read. version: of another one. unknown: names that mean nothing,
    with where they are. problem: a value that cannot be used, as it is written. nothing of these:
    it is no such file at all."""

    version: str | None = None
    unknown: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SubjectsDeleted:
    """A file of rules names roles or channels that the server does not have."""

    roles: tuple[str, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RulesFileTooLarge:
    """A file is larger than one of rules can be."""

    limit_kib: int


@dataclass(frozen=True, slots=True)
class NothingImported:
    """A file of rules says what holds already."""


@dataclass(frozen=True, slots=True)
class RulesChangedMeanwhile:
    """The rules are not those any more that the question was about."""


RuleReason = (
    PaintingBlocked
    | BeyondRule
    | PendingLimit
    | CooldownRunning
    | BadRuleValue
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

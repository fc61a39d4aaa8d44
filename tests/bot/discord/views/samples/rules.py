"""Samples of what is said about rules, to admins and to members."""

from __future__ import annotations

from bot.accounts.rules.administration import (
    AdminRoleChanged,
    RuleChanged,
    RuleListing,
    RuleReasons,
    RulesRemoved,
)
from bot.accounts.rules.decision import Decision, Rule
from bot.accounts.rules.imports import ImportQuestion, RuleDifference, RulesImported
from bot.discord.views.rules import import_question_layout
from bot.i18n import Words
from bot.request.reasons.rules import RuleValue
from bot.wording import rule_lists as wording
from engine.diffusion.families import Speed
from storage.access_rules import WHOLE_SERVER, RuleKind, RuleScope, RuleSubject
from tests.bot.discord.views.samples.data import BOB, Sample

_USER = RuleSubject(RuleScope.USER, BOB)
_CHANNEL = RuleSubject(RuleScope.CHANNEL, 10**18)
_ROLE = RuleSubject(RuleScope.ROLE, 10**18 + 1)
_SUBJECTS = (_USER, _CHANNEL, _ROLE, WHOLE_SERVER)
_NAMES = ("ink", "film", "a very long name of a LoRA that somebody has given it")
_VALUES: dict[RuleKind, RuleValue] = {
    RuleKind.PAINT: False,
    RuleKind.MODELS: None,
    RuleKind.LORAS: _NAMES,
    RuleKind.SIZE: (1536, 1024),
    RuleKind.STEPS: 20,
    RuleKind.SPEED: Speed.STANDARD,
    RuleKind.COUNT: 2,
    RuleKind.PENDING: 3,
    RuleKind.COOLDOWN: 60,
    RuleKind.PRIVATE: True,
    RuleKind.SPOILER: False,
}
_RULES = tuple(
    Rule(subject, kind, value) for subject in _SUBJECTS for kind, value in _VALUES.items()
)


def _reasons(say: Words, _: str) -> str:
    matching = {
        kind: tuple(
            Decision(value, (Rule(subject, kind, value),)) for subject in _SUBJECTS[number % 5 :]
        )
        for number, (kind, value) in enumerate(_VALUES.items())
    }
    return wording.rule_reasons(RuleReasons(BOB, 10**18, matching, 10, owner=True), say)


_DIFFERENCE = RuleDifference(
    _RULES[:2],
    tuple((each, Rule(each.subject, each.kind, each.value)) for each in _RULES[3:5]),
    _RULES[11:60],
    (_ROLE.id,),
    (_ROLE.id + 1,),
)

RULES: dict[str, Sample] = {
    "rules-none": lambda say, _: wording.rule_listing(RuleListing((), ()), say),
    "rules-many": lambda say, _: wording.rule_listing(
        RuleListing(_RULES, (_ROLE.id, _ROLE.id + 1), 2), say
    ),
    "rule-changed": lambda say, _: wording.rule_changed(
        RuleChanged(Rule(_ROLE, RuleKind.PAINT, True), (_USER, _CHANNEL), only_allows=True), say
    ),
    "rules-removed": lambda say, _: wording.rules_removed(RulesRemoved(_ROLE, _RULES[:3]), say),
    "rules-why": _reasons,
    "rules-question": lambda say, _: import_question_layout(ImportQuestion(7, _DIFFERENCE), say),
    "rules-imported": lambda say, _: wording.rules_imported(RulesImported(12), say),
    "access-given": lambda say, _: wording.admin_role_changed(
        AdminRoleChanged(_ROLE.id, True, (_ROLE.id,)), say
    ),
    "access-taken": lambda say, _: wording.admin_role_changed(
        AdminRoleChanged(_ROLE.id, False, ()), say
    ),
}

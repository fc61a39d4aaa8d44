"""What rules refuse, in sentences."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.i18n import words
from bot.request.outcomes import Refused
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
from bot.wording.rejections import refusal
from engine.diffusion.families import Speed
from storage.access_rules import WHOLE_SERVER, RuleKind, RuleScope, RuleSubject
from tests.fakes import EPOCH

_USER = RuleSubject(RuleScope.USER, 7)
_CHANNEL = RuleSubject(RuleScope.CHANNEL, 5)
_ROLE = RuleSubject(RuleScope.ROLE, 6)
REASONS: dict[str, RuleReason] = {
    "blocked-user": PaintingBlocked(_USER),
    "blocked-channel": PaintingBlocked(_CHANNEL, elsewhere=True),
    "blocked-role": PaintingBlocked(_ROLE, (12, 13)),
    "blocked-server": PaintingBlocked(WHOLE_SERVER, (12,)),
    "blocked-direct": PaintingBlocked(WHOLE_SERVER, (12,), direct=True),
    "size": BeyondRule(_CHANNEL, RuleKind.SIZE, (512, 512), (1024, 768)),
    "steps": BeyondRule(_ROLE, RuleKind.STEPS, 6, 20, channels=(12,)),
    "speed": BeyondRule(_USER, RuleKind.SPEED, Speed.FAST, 8, 4),
    "count": BeyondRule(WHOLE_SERVER, RuleKind.COUNT, 1, 4),
    "pending": PendingLimit(_ROLE, 2, 2, 1),
    "cooldown": CooldownRunning(_CHANNEL, 60),
    "kind": UnknownRuleKind("hats"),
    "two": TwoSubjects(),
    "gone": SubjectGone(),
    "everybody": EverybodyAdmin(),
    "none": NoSuchRule(_ROLE),
    "none-of-kind": NoSuchRule(_ROLE, RuleKind.SIZE),
    "many": TooManyAccessRules(200),
    "higher-role": HigherRole(_ROLE),
    "higher-user": HigherRole(_USER),
    "locks-out": LocksOut(WHOLE_SERVER),
    "locks-out-admin": LocksOut(_ROLE, admin=True),
    "no-file": RulesFileRefused(),
    "version": RulesFileRefused(version="2"),
    "unknown": RulesFileRefused(unknown=("hats", "shoes")),
    "problem": RulesFileRefused(problem='{"kind": "steps", "value": 0}'),
    "deleted": SubjectsDeleted(("Artists",), ("studio", "gallery")),
    "large": RulesFileTooLarge(1024),
    "same": NothingImported(),
    "meanwhile": RulesChangedMeanwhile(),
    **{f"value-{kind}": BadRuleValue(kind, "a `lot`") for kind in RuleKind},
}


@pytest.mark.parametrize("name", REASONS)
def test_a_refusal_says_that_nothing_was_done(name: str) -> None:
    """Every reason is told in whole sentences, the last of which says that nothing was charged or
    changed; one for a member says whose rule it is."""
    reason = REASONS[name]
    said = refusal(Refused(reason, EPOCH + timedelta(minutes=1)), words(), str)
    members = PaintingBlocked | BeyondRule | PendingLimit | CooldownRunning
    if isinstance(reason, members):
        assert said.endswith("Nothing was charged.")
        assert "rule for" in said or (isinstance(reason, PaintingBlocked) and reason.direct)
    else:
        assert said.endswith("Nothing was changed.")
    assert "{" not in said.replace('{"kind"', "")


def test_sentences_are_all_different() -> None:
    """No two reasons read the same."""
    said = [refusal(Refused(each), words(), str) for each in REASONS.values()]
    assert len(set(said)) == len(said)

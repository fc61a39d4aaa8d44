"""What rules say and whose they are, as parts of sentences and as lists."""

from __future__ import annotations

from typing import Final, assert_never

from bot.i18n import Words, translatable
from bot.request.reasons.rules import RuleValue
from bot.wording.labels import speed_name
from bot.wording.lists import enumerated
from engine.diffusion.families import Speed
from storage.access_rules import RuleKind, RuleScope, RuleSubject

KINDS: Final = {
    RuleKind.PAINT: translatable("Painting"),
    RuleKind.MODELS: translatable("Models"),
    RuleKind.LORAS: translatable("LoRAs"),
    RuleKind.SIZE: translatable("Largest size"),
    RuleKind.STEPS: translatable("Most steps"),
    RuleKind.SPEED: translatable("Slowest speed"),
    RuleKind.COUNT: translatable("Most pictures at once"),
    RuleKind.PENDING: translatable("Most unfinished jobs"),
    RuleKind.COOLDOWN: translatable("Seconds between requests"),
    RuleKind.PRIVATE: translatable("Only private pictures"),
    RuleKind.SPOILER: translatable("Behind a spoiler"),
}
"""What rules decide, as it is chosen and listed."""
_NAMES_SHOWN: Final = 5
_NAME_CHARS: Final = 40
"""Of the names in a list. Both chosen by hand, so that a rule stays one line."""


def value_text(kind: RuleKind, value: RuleValue, say: Words) -> str:
    """Return what a rule says, for a list: "allowed", "1024×768", "20 s"."""
    match kind:
        case RuleKind.PAINT:
            return say("allowed") if value else say("blocked")
        case RuleKind.PRIVATE | RuleKind.SPOILER:
            return say("on") if value else say("off")
        case RuleKind.MODELS | RuleKind.LORAS:
            if value is None:
                return say("all that the owner offers")
            assert isinstance(value, tuple)
            names = enumerated((_quoted(str(each)) for each in value), say, shown=_NAMES_SHOWN)
            return names or say("none at all")
        case RuleKind.SIZE:
            return size_text(value)
        case RuleKind.SPEED:
            return speed_name(Speed(str(value)), say)
        case RuleKind.COOLDOWN:
            return say("{seconds} s", seconds=value)
        case RuleKind.STEPS | RuleKind.COUNT | RuleKind.PENDING:
            return str(value)
        case _:
            assert_never(kind)


def _quoted(name: str) -> str:
    shown = name if len(name) <= _NAME_CHARS else name[: _NAME_CHARS - 1] + "…"
    return "`" + shown.replace("`", "'") + "`"


def size_text(value: RuleValue) -> str:
    """Return a size as width and height."""
    assert isinstance(value, tuple)
    width_px, height_px = value
    return f"{width_px}×{height_px}"


def subject_text(subject: RuleSubject, say: Words) -> str:
    """Return for whom or where a rule holds."""
    match subject.scope:
        case RuleScope.USER:
            return f"<@{subject.id}>"
        case RuleScope.CHANNEL:
            return f"<#{subject.id}>"
        case RuleScope.ROLE:
            return f"<@&{subject.id}>"
        case RuleScope.SERVER:
            return say("this server")


def rule_sentence(rule: RuleSubject | None, say: Words) -> str:
    """Tell a member whose rule decides; "" for None."""
    if rule is None:
        return ""
    match rule.scope:
        case RuleScope.USER:
            return say("A rule for you says so.")
        case RuleScope.CHANNEL:
            return say("A rule for the channel {channel} says so.", channel=f"<#{rule.id}>")
        case RuleScope.ROLE:
            return say("A rule for your role {role} says so.", role=f"<@&{rule.id}>")
        case RuleScope.SERVER:
            return say("A rule for the whole server says so.")

"""Sentences about the filter of a server's prompts, for its admins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.i18n import Words, paragraph, translatable
from bot.moderation.filter.administration import FilterImported, RuleChanged, TestedRule
from bot.moderation.filter.pictures import PictureListed
from bot.wording.lists import enumerated
from bot.wording.names import command_link
from bot.wording.reasons.filters import cut
from storage.filters import FilterAction, FilterRule, ServerFilter

ACTIONS: Final = {
    FilterAction.REFUSE: translatable("Refuse"),
    FilterAction.SPOILER: translatable("Paint behind a spoiler"),
    FilterAction.REPORT: translatable("Paint and report"),
    FilterAction.DIRECT: translatable("Paint and send by direct message"),
}
"""What rules do, as it is chosen."""
PLACES: Final = {
    True: translatable("In all channels"),
    False: translatable("Not in age-restricted channels"),
}
"""Where rules hold, as it is chosen."""
_PATTERNS_SHOWN: Final = 10
_LIST_CHARS: Final = 1700
"""Of the rules in one message, which holds 2,000 characters."""


def rule_changed(outcome: RuleChanged, say: Words) -> str:
    """Say what was changed about a rule, and how it is now."""
    name = cut(outcome.rule.name)
    if outcome.deleted:
        gone = say("Rule {name} deleted. The file brings it back:", name=name)
        return f"{gone}\n{rule_line(outcome.rule, say)}"
    known = ""
    if outcome.unchanged:
        known = say.plural("{n} was there already.", "{n} were there already.", outcome.unchanged)
    return f"{paragraph(say('Rule {name} as it is now:', name=name), known)}\n" + rule_line(
        outcome.rule, say
    )


def imported(outcome: FilterImported, say: Words) -> str:
    """Say that all rules were replaced, and that the file has those from before."""
    done = say.plural(
        "The filter of this server has {n} rule now. The attached file has what it was before.",
        "The filter of this server has {n} rules now. The attached file has what it was before.",
        len(outcome.rules),
    )
    return "\n".join([done, *_lines(outcome.rules, say)])


def listed(server: ServerFilter, say: Words) -> str:
    """List the rules of a server, as many as fit into a message."""
    if not server.rules:
        return say(
            "Nothing is filtered on this server. {command} adds words or a pattern.",
            command=command_link("admin filter add", say),
        )
    told = (
        say("Members are told which words are not allowed.")
        if server.tells
        else say("Members are not told which words are not allowed.")
    )
    return "\n".join([*_lines(server.rules, say), f"-# {told}"])


def rule_line(rule: FilterRule, say: Words) -> str:
    """Return a rule in one line: what it does, where, for whom not, and its first patterns."""
    facts = [say(ACTIONS[rule.action]), say(PLACES[rule.everywhere])]
    exempt = [*(f"<@&{each}>" for each in rule.roles), *(f"<#{each}>" for each in rule.channels)]
    if exempt:
        facts.append(say("except for {names}", names=enumerated(exempt, say)))
    patterns = [cut(each) for each in (*rule.words, *rule.regexes)]
    facts.append(
        enumerated(patterns, say, shown=_PATTERNS_SHOWN) if patterns else say("no words yet")
    )
    if rule.allowed:
        allowed = enumerated(map(cut, rule.allowed), say, shown=_PATTERNS_SHOWN)
        facts.append(say("allowed: {words}", words=allowed))
    return f"- **{cut(rule.name)}** · {' · '.join(facts)}"


def tested(found: Sequence[TestedRule], say: Words) -> str:
    """Say what the rules find in a text, and what would become of it."""
    if not found:
        return say("No rule finds anything in this prompt.")
    lines = [say("In this prompt:")]
    for each in found:
        patterns = enumerated(map(cut, each.patterns), say, shown=_PATTERNS_SHOWN)
        line = f"- **{cut(each.rule.name)}** · {say(ACTIONS[each.rule.action])} · {patterns}"
        if not each.concerns:
            line += " · " + say("does not hold for you here")
        lines.append(line)
    return "\n".join(lines)


def picture_listed(outcome: PictureListed, say: Words) -> str:
    """Say that a picture was put on the list of a server or taken off, and how long the list is."""
    if outcome.removed:
        done = say("This picture may be painted from again.")
    elif outcome.known:
        done = say("This picture is on the list already.")
    else:
        done = say("From now on, nothing is painted from this picture or copies of it here.")
    length = say.plural(
        "{n} picture is on the list.", "{n} pictures are on the list.", outcome.listed
    )
    return paragraph(done, length)


def _lines(rules: Sequence[FilterRule], say: Words) -> list[str]:
    lines: list[str] = []
    for rule in rules:
        line = rule_line(rule, say)
        if sum(map(len, lines)) + len(line) > _LIST_CHARS:
            break
        lines.append(line)
    if rest := len(rules) - len(lines):
        lines.append(say.plural("and {n} more", "and {n} more", rest))
    return lines

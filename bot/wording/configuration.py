"""Sentences about the settings of the bot's owner: where they come from, and what a reload did."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from bot.settings.current import TakesEffect
from bot.settings.provenance import SettingOrigin, Source
from bot.settings.reload import Reloaded, ReloadRefused
from bot.wording.lists import enumerated


def reload_sentence(outcome: Reloaded | ReloadRefused, say: Words) -> str:
    """Say what holds now, and what does not yet."""
    if isinstance(outcome, ReloadRefused):
        return refused_sentence(outcome.problem, say)
    if not outcome.applied and not outcome.needs_restart:
        return say("The settings are as they were: nothing in them has changed.")
    applied = say.plural(
        "{n} setting has changed and holds from now on: {names}.",
        "{n} settings have changed and hold from now on: {names}.",
        len(outcome.applied),
        names=enumerated(outcome.applied, say),
    )
    waiting = outcome.needs_restart
    return paragraph(
        applied if outcome.applied else "", restart_sentence(waiting, say) if waiting else ""
    )


def restart_sentence(names: tuple[str, ...], say: Words) -> str:
    """Say which changed settings the running bot has not taken up."""
    return say.plural(
        "{n} changed setting only takes effect after a restart: {names}.",
        "{n} changed settings only take effect after a restart: {names}.",
        len(names),
        names=enumerated(names, say),
    )


def refused_sentence(problem: str, say: Words) -> str:
    """Say that nothing was changed. problem: why, as a sentence in English."""
    return say(
        "The settings were not reloaded, and the old ones still hold. {problem}", problem=problem
    )


def table_headings(say: Words) -> tuple[str, str, str, str]:
    """Return what the columns of the table of settings are called."""
    return say("Setting"), say("Value"), say("Comes from"), say("A change holds")


def origin_text(origin: SettingOrigin, say: Words) -> str:
    """Say where the value of a setting comes from, for a row of a table."""
    match origin.source:
        case Source.ENVIRONMENT:
            return say("environment: {variable}", variable=origin.place)
        case Source.FILE:
            return say("{file}, line {line}", file=origin.place, line=origin.line)
        case Source.DEFAULT:
            return say("default")


def effect_text(effect: TakesEffect, say: Words) -> str:
    """Say when a change of a setting takes effect, for a row of a table."""
    match effect:
        case TakesEffect.LIVE:
            return say("after a reload")
        case TakesEffect.RESTART:
            return say("after a restart")


def unset_text(say: Words) -> str:
    """Return what stands for a setting without a value, in a row of a table."""
    return say("none")

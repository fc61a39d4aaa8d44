"""Findings in words: sentences, remedies and headings, and the line at the first start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.diagnosis.findings import Code, Finding, Level, Place, Section, Value
from bot.i18n import Words, translatable
from bot.wording.diagnosis import bot, data, machine
from bot.wording.diagnosis.phrase import Phrase
from bot.wording.lists import enumerated
from bot.wording.permissions import permission_names
from engine.diffusion.footprint import Weights
from engine.diffusion.recommendation import Recommendation

PHRASES: Final[Mapping[Code, Phrase]] = {
    **machine.GPU,
    **machine.MEMORY,
    **machine.FITS,
    **data.DISK,
    **data.MODEL,
    **data.DATABASE,
    **bot.SETTINGS,
    **bot.DISCORD,
}
_HEADINGS: Final[Mapping[Section, str]] = {
    Section.GPU: translatable("GPU"),
    Section.MEMORY: translatable("Memory"),
    Section.FITS: translatable("What fits this machine"),
    Section.DISK: translatable("Disk"),
    Section.MODEL: translatable("Model"),
    Section.DATABASE: translatable("Database"),
    Section.SETTINGS: translatable("Settings"),
    Section.DISCORD: translatable("Discord"),
}
_PLACES: Final[Mapping[Place, str]] = {
    Place.DATA: translatable("the data folder"),
    Place.MODELS: translatable("the model cache"),
    Place.TEMPORARY: translatable("temporary files"),
}
_LEVELS: Final[Mapping[Level, str]] = {
    Level.OK: translatable("ok"),
    Level.NOTE: translatable("note"),
    Level.BROKEN: translatable("broken"),
}
_BYTES = "_bytes"
_GIB, _MIB = 2**30, 2**20


def sentence(finding: Finding, say: Words) -> str:
    """Return what was found, as one sentence."""
    return say(PHRASES[finding.code].sentence, **_values(finding, say)).strip()


def remedy(finding: Finding, say: Words) -> str | None:
    """Return what helps; None where nothing has to be done."""
    text = PHRASES[finding.code].remedy
    return None if text is None else say(text, **_values(finding, say))


def heading(section: Section, say: Words) -> str:
    """Return the heading of a section."""
    return say(_HEADINGS[section])


def level_name(level: Level, say: Words) -> str:
    """Return the word before a finding."""
    return say(_LEVELS[level])


def summary(findings: list[Finding], say: Words) -> str:
    """Return the last line: how much is broken and worth a note."""
    counts = {level: sum(each.level is level for each in findings) for level in Level}
    if counts[Level.BROKEN]:
        return say.plural("{n} thing is broken.", "{n} things are broken.", counts[Level.BROKEN])
    if counts[Level.NOTE]:
        return say.plural(
            "Nothing is broken; {n} note.", "Nothing is broken; {n} notes.", counts[Level.NOTE]
        )
    return say("All is well.")


def first_start(fit: Recommendation, say: Words) -> str:
    """Return the line for whoever runs the demo model on a machine that could do more."""
    size = amount(fit.stored_bytes)
    if fit.weights is Weights.FULL:
        return say(
            "this machine can paint with Z-Image-Turbo in bfloat16 ({size}); fetch it with "
            "{command}; zimagine doctor says more",
            size=size,
            command=fit.command,
        )
    if fit.weights is Weights.FP16:
        return say(
            "this machine can paint with Z-Image-Turbo in float16 ({size}); fetch it with "
            "{command}; zimagine doctor says more",
            size=size,
            command=fit.command,
        )
    return say(
        "this machine can paint with Z-Image-Turbo in 8 bits ({size}); fetch it with {command}, "
        "and set allow_quantized = true under [engine]; zimagine doctor says more",
        size=size,
        command=fit.command,
    )


def amount(count: int) -> str:
    """Return an amount of memory or disk."""
    if count >= _GIB or count == 0:
        return f"{count / _GIB:.1f} GiB"
    return f"{count / _MIB:.0f} MiB"


def _values(finding: Finding, say: Words) -> dict[str, str]:
    return {name: _shown(name, value, say) for name, value in finding.values.items()}


def _shown(name: str, value: Value, say: Words) -> str:
    if isinstance(value, Place):
        return say(_PLACES[value])
    if name.endswith(_BYTES) and isinstance(value, int):
        return amount(value)
    if isinstance(value, tuple):
        return permission_names(value, say) if name == "missing" else enumerated(value, say)
    return " ".join(str(value).split())

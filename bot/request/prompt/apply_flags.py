"""Apply the flags in a prompt to the request parameters. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from bot.request.options import CONFLICTS, PARAMS, PRESETS
from bot.request.outcomes import (
    BadAspect,
    BadSize,
    FlagError,
    FlagErrorKind,
    FlagProblem,
    ManyPermutations,
    OutOfRange,
    PictureAddress,
    PresetContradicted,
    Reason,
    Refused,
    RegionUnused,
    SizeTooLarge,
    StrengthWithoutImage,
    TooManyPermutations,
)
from bot.request.params import GenerationParams
from bot.request.prompt import flags
from bot.request.prompt.flags import ParsedPrompt, agreed
from bot.request.prompt.pasted.command import without_command
from bot.request.prompt.pasted.leading import picture_addresses
from bot.request.prompt.pasted.settings import merge_pasted, take_pasted
from bot.request.prompt.permutations import Permutations, permutations
from bot.request.reasons.loras import (
    LoraBesideNone,
    LoraOfOtherModel,
    LorasNotOffered,
    LoraTwice,
    TooManyLoras,
    UnknownLora,
    UnusableLora,
)
from bot.request.reasons.models import UnknownModel
from bot.request.values.loras import LoraChoice, written
from engine.series import MAX_PICTURES

MAX_PERMUTATIONS = 10
"""Prompts that the permutations of one prompt may expand to. Chosen by hand."""
_DEFAULTS = {each.name: each.default for each in dataclasses.fields(GenerationParams)}


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """Parameters whose prompt is free of flags, the number of pictures, and their visibility.

    count: None where nothing says it. flagged: the options that flags of the prompt set.
    """

    params: GenerationParams
    count: int | None
    private: bool
    flagged: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def pictures(self) -> int:
        """The number of pictures: one where nothing says it."""
        return 1 if self.count is None else self.count


def apply_flags(
    params: GenerationParams, count: int | None, private: bool
) -> ParsedRequest | Refused:
    """Merge the flags of a prompt into the parameters. count: None if no option says it.

    An option and a flag that contradict each other are refused: one of them would silently have no
    effect. All that is wrong is in one `FlagProblem`. A prompt with more than one permutation is
    refused with `ManyPermutations`, which holds everything needed to ask for confirmation.
    """
    parsed = apply_flags_to_each(params, count, private)
    if isinstance(parsed, Refused):
        return parsed
    total = len(parsed)
    return parsed[0] if total == 1 else Refused(ManyPermutations(total, params, count, private))


def apply_flags_to_each(
    params: GenerationParams, count: int | None, private: bool
) -> tuple[ParsedRequest, ...] | Refused:
    """Apply flags to every permutation of the prompt, in the order of `expand_prompts`.

    Another program's text that was pasted as the prompt is taken apart first (`pasted.py`).
    """
    addresses, _ = picture_addresses(params.prompt)
    params = take_pasted(params)
    expanded = _expanded(params.prompt)
    if isinstance(expanded, Refused):
        return expanded
    parsed: list[ParsedRequest] = []
    problems = [FlagProblem((), (PictureAddress(each),)) for each in addresses]
    for text in expanded.prompts:
        applied = apply_to_expanded(dataclasses.replace(params, prompt=text), count, private)
        if isinstance(applied, FlagProblem):
            problems.append(applied)
        else:
            parsed.append(applied)
    return Refused(joined(problems)) if problems else tuple(parsed)


def model_named(prompt: str) -> str | None:
    """Return the model that the flags of a prompt name, the first one's of several permutations.

    None if none does, or the prompt cannot be obeyed.
    """
    parsed = apply_flags_to_each(GenerationParams(prompt), 1, False)
    return None if isinstance(parsed, Refused) else parsed[0].params.model


def expand_prompts(prompt: str) -> Permutations | Refused:
    """Return each permutation as it could have been typed on its own, with its flags.

    There are 1 to MAX_PERMUTATIONS of them; more are refused. "/imagine prompt:" in front, as in
    pasted commands, is no part of the prompt, and its options are flags; neither are addresses of
    pictures, nor what was pasted beside the prompt itself.
    """
    return _expanded(take_pasted(GenerationParams(prompt)).prompt)


def _expanded(prompt: str) -> Permutations | Refused:
    _, plain = picture_addresses(without_command(prompt))
    expanded = permutations(plain, MAX_PERMUTATIONS)
    if isinstance(expanded, FlagError):
        return Refused(FlagProblem((expanded,)))
    if expanded.total > MAX_PERMUTATIONS:
        return Refused(TooManyPermutations(expanded.total, MAX_PERMUTATIONS))
    return expanded


def joined(problems: Iterable[FlagProblem]) -> FlagProblem:
    """Return one problem with everything that these name, each once."""
    found = list(problems)
    errors = dict.fromkeys(error for each in found for error in each.errors)
    reasons = dict.fromkeys(reason for each in found for reason in each.reasons)
    options = frozenset(option for each in found for option in each.options)
    return FlagProblem(tuple(errors), tuple(reasons), options)


def count_problem(parsed: ParsedRequest) -> Refused | None:
    """Refuse a number of pictures that one request cannot have."""
    if 1 <= parsed.pictures <= MAX_PICTURES:
        return None
    reason = OutOfRange("count", parsed.pictures, 1, MAX_PICTURES)
    return blame_flags(Refused(reason), parsed)


def blame_flags(refused: Refused, parsed: ParsedRequest) -> Refused:
    """Return the refusal as the problem of the flag whose value is refused, if it is one's."""
    options = _options_of(refused.reason) & parsed.flagged
    if not options:
        return refused
    return Refused(FlagProblem((), (refused.reason,), options))


def _options_of(reason: Reason) -> frozenset[str]:
    """Return the options whose values may be what this reason refuses."""
    match reason:
        case OutOfRange(what):
            return frozenset({what})
        case BadAspect() | BadSize() | SizeTooLarge():
            return frozenset({"aspect", "size"})
        case StrengthWithoutImage():
            return frozenset({"strength"})
        case PresetContradicted():
            return frozenset({reason.option, reason.preset_option})
        case RegionUnused():
            return frozenset({"region"})
        case (
            UnknownLora()
            | UnusableLora()
            | LoraOfOtherModel()
            | LorasNotOffered()
            | LoraTwice()
            | LoraBesideNone()
            | TooManyLoras()
        ):
            return frozenset({"lora"})
        case UnknownModel():
            return frozenset({"model"})
        case _:
            return frozenset()


def apply_to_expanded(
    params: GenerationParams, count: int | None, private: bool
) -> ParsedRequest | FlagProblem:
    """Apply the flags of one permutation, whose escaped braces are already unescaped.

    Only what the text itself tells is checked, not what the model can do.
    """
    parsed = flags.parse_expanded(params.prompt)
    if isinstance(parsed, FlagProblem):
        return parsed
    given, contradicted = _with_options(params, count, parsed)
    start, strength = params.start, parsed.given.get("strength")
    reasons: list[Reason] = []
    if strength is not None:
        if start is None:
            reasons.append(StrengthWithoutImage())
        elif start.strength not in (None, strength):
            contradicted["strength"] = _option_text("strength", start.strength)
        else:
            start = dataclasses.replace(start, strength=strength)
    if contradicted or reasons:
        errors = (
            FlagError(FlagErrorKind.TWICE, f"--{name}", _text(parsed.given[name]), (other,))
            for name, other in contradicted.items()
        )
        options = {*contradicted, *(["strength"] if reasons else [])}
        return FlagProblem(tuple(errors), tuple(reasons), frozenset(options))
    fields = {name: value for name, value in given.items() if name in PARAMS}
    plain = dataclasses.replace(params, prompt=parsed.prompt, start=start, **fields)
    plain = merge_pasted(plain)
    return ParsedRequest(
        plain,
        parsed.given.get("count", count),
        parsed.given.get("private", private),
        frozenset(parsed.given),
    )


def _with_options(
    params: GenerationParams, count: int | None, parsed: ParsedPrompt
) -> tuple[Mapping[str, object], dict[str, str]]:
    """Return the values of the flags, agreed with those of the options, and contradictions.

    A contradiction is a flag's option with the text of the option that it contradicts.
    """
    given: dict[str, object] = dict(parsed.given)
    contradicted: dict[str, str] = {}
    for name, value in parsed.given.items():
        if name == "count" and count not in (None, 1, value):
            contradicted[name] = _option_text(name, count)
        for other in (name, *conflicting(name)):
            typed = getattr(params, other, None) if other in PARAMS else None
            if other not in PARAMS or typed == _DEFAULTS[other] or {name, other} in PRESETS:
                continue
            together = agreed({other: typed}, {name: value})
            if together is None:
                contradicted[name] = _option_text(other, typed)
            else:
                given.pop(name, None)
                given |= {other: None if other == "aspect" else typed} | together
    return given, contradicted


def _option_text(name: str, value: object) -> str:
    """Return an option with its value, as it is shown where it was chosen."""
    return f"{name}: {_text(value)}"


def _text(value: object) -> str:
    """Return the value of an option or a flag as people write it; "" for one without a value."""
    match value:
        case bool():
            return ""
        case (LoraChoice(), *_):
            return written(cast("tuple[LoraChoice, ...]", value))
        case None:
            return "random"
        case (width_px, height_px):
            return f"{width_px}x{height_px}"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def conflicting(name: str) -> list[str]:
    """Return the options that set the same thing: one of the two would silently have no effect."""
    pairs = [*CONFLICTS.items(), *((other, name) for name, other in CONFLICTS.items())]
    return [other for owner, other in pairs if owner == name]

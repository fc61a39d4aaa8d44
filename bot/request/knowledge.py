"""Whether the model knows anything in a prompt, for models that know little. Pure."""

from __future__ import annotations

from bot.request.notes import LimitedModel
from bot.request.outcomes import NothingKnown, Refused, ResolvedRequest
from bot.request.params import cleaned
from bot.request.prompt.apply_flags import ParsedRequest
from engine.diffusion.families import Family
from engine.prompts import KnownNames
from engine.types import Mode


def known_names(family: Family, locale: str = "en") -> KnownNames:
    """Return all that a model of this family knows, for a reader; empty where it knows words."""
    if family.vocabulary is None:
        return ()
    return family.vocabulary().names["zh" if locale.startswith("zh") else "en"]


def unrecognized(resolved: ResolvedRequest) -> LimitedModel | None:
    """Return what the model knows if none of it is in the prompt."""
    return next(
        (n for n in resolved.notes if isinstance(n, LimitedModel) and not n.recognized), None
    )


def confirmation(
    parsed: ParsedRequest,
    resolved: ResolvedRequest,
    family: Family,
    parent_id: int | None = None,
) -> Refused | None:
    """Return the refusal with `NothingKnown` of a prompt that has to be confirmed.

    A request with source images needs none: its picture resembles them.
    """
    model = unrecognized(resolved)
    if model is None or family.vocabulary is None or resolved.request.mode is not Mode.TEXT:
        return None
    examples = family.vocabulary().examples_for(resolved.request.prompt)
    return Refused(
        NothingKnown(
            cleaned(parsed.params), parsed.pictures, parsed.private, model, examples, parent_id
        )
    )

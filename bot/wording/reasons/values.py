"""Sentences about values of a request that cannot be painted."""

from __future__ import annotations

import math
from typing import assert_never

from bot.i18n import Words
from bot.request.options import BY_NAME
from bot.request.reasons.values import (
    BadAspect,
    BadSize,
    EmptyPrompt,
    FeatureUnsupported,
    NegativeUnsupported,
    OutOfRange,
    PresetContradicted,
    PromptForgotten,
    Quantity,
    RegionUnused,
    SizeTooLarge,
    StrengthWithoutImage,
    TextTooLong,
    TooManyTokens,
    ValueReason,
)
from bot.wording.lists import listed
from bot.wording.names import flag_name
from bot.wording.reasons.flags import preset_contradicted
from engine.diffusion.families import Feature

_LARGEST_SIDE = 32
"""Of a ratio in whole numbers, such as 21:9. Chosen by hand, above all that have names."""


def value_refusal(reason: ValueReason, say: Words) -> str:
    """Say which value cannot be painted, and what can."""
    match reason:
        case EmptyPrompt():
            return say("The prompt is empty: please say what to paint.")
        case PromptForgotten():
            return say(
                "This suggestion stood for a longer prompt, which I do not have any more. Please "
                "type or paste the prompt again."
            )
        case TextTooLong():
            return _text_too_long(reason, say)
        case NegativeUnsupported():
            return say(
                "A negative prompt does nothing with this model. Leave it out, and describe what "
                "should be there instead."
            )
        case FeatureUnsupported(feature, family):
            return say(
                "{feature} does not work with the model that paints here ({family}).",
                feature=_feature(feature, say),
                family=family,
            )
        case TooManyTokens(tokens, limit):
            return say(
                "The prompt is too long: the model reads {limit} tokens (pieces of words), "
                "and with everything that is added it has {tokens}. Please shorten it.",
                limit=limit,
                tokens=tokens,
            )
        case OutOfRange():
            return _out_of_range(reason, say)
        case BadSize(width, height, low, high, grid):
            return say(
                "{width}×{height} cannot be painted: both sides must be multiples of {grid} "
                "between {low} and {high} pixels.",
                width=width,
                height=height,
                grid=grid,
                low=low,
                high=high,
            )
        case SizeTooLarge():
            return _size_too_large(reason, say)
        case BadAspect(text, ratios):
            return say(
                "{text} is not an aspect ratio that this model can paint. Try one of {ratios}.",
                text=f"“{_ratio(text)[:20]}”",
                ratios=listed(ratios, say),
            )
        case StrengthWithoutImage():
            return say(
                "The strength ({strength} or {weight} in a prompt) says how much to change a "
                "picture: give a picture as well, or leave the strength out.",
                strength=flag_name("strength", say),
                weight=flag_name("iw", say),
            )
        case PresetContradicted():
            return preset_contradicted(reason, say)
        case RegionUnused(True):
            return say(
                "The mask already says what to repaint: leave out the mask or the region "
                "({region} in a prompt).",
                region=flag_name("region", say),
            )
        case RegionUnused():
            return say(
                "The region ({region} in a prompt) says which part of a picture to repaint: give "
                "one picture for it, or leave the region out.",
                region=flag_name("region", say),
            )
        case _:
            assert_never(reason)


def _feature(feature: Feature, say: Words) -> str:
    """Name a feature as the subject of a sentence."""
    match feature:
        case Feature.COUNT:
            return say("Painting several pictures at once")
        case Feature.PICTURE:
            return say("Starting from a picture")
        case Feature.MASK:
            return say("Repainting a part of a picture")
        case Feature.BLEND:
            return say("Blending pictures")
        case Feature.UPSCALE:
            return say("Upscaling")
        case Feature.VARY:
            return say("A variation")
        case Feature.NEGATIVE:
            return say("A negative prompt")
        case Feature.LORA:
            return say("A LoRA")
        case Feature.PREVIEWS:
            return say("A preview")
        case Feature.GUARD:
            return say("Repeating a broken step")
        case Feature.MEMORY_PLANS:
            return say("A memory plan")
        case Feature.TOKENS:
            return say("Counting the prompt's tokens")
        case Feature.RECIPE:
            return say("Painting a picture again from its recipe")


def _ratio(text: str) -> str:
    """Return a ratio as people write it: 2.35:1 rather than 47:20."""
    width, _, height = text.partition(":")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        return text
    sides = int(width), int(height)
    if max(sides) <= _LARGEST_SIDE or min(sides) == 1:
        return text
    return ":".join(f"{side / min(sides):.4g}" for side in sides)


def _text_too_long(reason: TextTooLong, say: Words) -> str:
    match reason.what:
        case "prompt":
            name = say("prompt")
        case "negative":
            name = say("negative prompt")
        case "search":
            name = say("search")
        case "note":
            name = say("note")
    return say(
        "The {name} is too long: {chars} characters; the limit is {limit}. Please shorten it.",
        name=name,
        chars=reason.chars,
        limit=reason.limit_chars,
    )


def _out_of_range(reason: OutOfRange, say: Words) -> str:
    value, high = reason.value, reason.high
    if reason.what == "guidance" and isinstance(value, float | int) and value > high:
        return say(
            "Guidance {value} is too high: above {high}, this model's pictures fall apart.",
            value=number_text(value),
            high=number_text(high),
        )
    return say(
        "{what} must be between {low} and {high}, but is {value}.",
        what=_quantity(reason.what, say),
        low=number_text(reason.low),
        high=number_text(high),
        value=number_text(value),
    )


def _size_too_large(reason: SizeTooLarge, say: Words) -> str:
    if reason.upscaled:
        return say(
            "{width}×{height} is larger than any picture can be upscaled to.",
            width=reason.width_px,
            height=reason.height_px,
        )
    return say(
        "{width}×{height} is too large to paint in one piece: the model would repeat "
        "objects. Paint {advised_width}×{advised_height} and upscale that.",
        width=reason.width_px,
        height=reason.height_px,
        advised_width=reason.advised_width_px,
        advised_height=reason.advised_height_px,
    )


def _quantity(what: Quantity, say: Words) -> str:
    names = {
        "pictures": say("The number of pictures"),
        "hours": say("The number of hours"),
        "variation": say("The variation"),
    }
    return names[what] if what in names else say(BY_NAME[what].quantity)


def number_text(value: object) -> str:
    """Return a number as people write it, without the noise of floating point."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.10g}"
    return str(value)

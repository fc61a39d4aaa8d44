"""What a result is, in a few words: "Variation (strong) of #5"."""

from __future__ import annotations

from typing import assert_never

from bot.i18n import Words
from bot.pictures.origins import Origin, OriginKind
from bot.request.resolve import STRONG, SUBTLE
from bot.request.sizes import UPSCALE_FACTOR


def origin_label(origin: Origin, say: Words) -> str:
    """Return what a picture is, and the number of the picture that it was made from."""
    number = None if origin.parent_id is None else f"#{origin.parent_id}"
    if number is None:
        return _from_upload(origin, say)
    match origin.kind:
        case OriginKind.REPEAT:
            return say("Repeat of {picture}", picture=number)
        case OriginKind.REROLL:
            return say("Reroll of {picture}", picture=number)
        case OriginKind.VARIATION:
            return _variation(origin.amount, number, say)
        case OriginKind.UPSCALE:
            return say("Upscaled ×{factor} from {picture}", factor=UPSCALE_FACTOR, picture=number)
        case OriginKind.REMIX:
            return say("Remix of {picture}", picture=number)
        case OriginKind.IMAGE:
            return say("Image to image from {picture}", picture=number)
        case OriginKind.INPAINT:
            return say("Partly repainted from {picture}", picture=number)
        case OriginKind.BLEND:
            return say(
                "Blend of {n} pictures, one of them {picture}", n=origin.sources, picture=number
            )
        case _:
            assert_never(origin.kind)


def _variation(amount: float, number: str, say: Words) -> str:
    if amount == SUBTLE:
        return say("Variation (subtle) of {picture}", picture=number)
    if amount == STRONG:
        return say("Variation (strong) of {picture}", picture=number)
    return say("Variation of {picture}", picture=number)


def _from_upload(origin: Origin, say: Words) -> str:
    match origin.kind:
        case OriginKind.INPAINT:
            return say("Partly repainted from an uploaded picture")
        case OriginKind.BLEND:
            return say("Blend of {n} pictures", n=origin.sources)
        case OriginKind.UPSCALE:
            return say("Upscaled ×{factor}", factor=UPSCALE_FACTOR)
        case _:
            return say("Image to image from an uploaded picture")

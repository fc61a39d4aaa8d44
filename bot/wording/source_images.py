"""Sentences about pictures to paint from: masks that cannot be used, and what became of a file."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from bot.request.input_images import MaskCutOff, MaskMissing
from bot.request.notes import SourceCut
from engine.masks import (
    MaskBlank,
    MaskEmpty,
    MaskRefused,
    MaskSizeMismatch,
    MaskUnclear,
    MaskUnmarked,
)
from engine.types import Ground


def mask_refusal(refused: MaskRefused, say: Words) -> str:
    """Explain why a mask cannot be used, and what to do instead."""
    match refused:
        case MaskSizeMismatch(mask_px=(width, height), picture_px=(wide, high), turned=True):
            return say(
                "The mask ({mask}) lies on its side compared with the picture ({picture}): please "
                "turn one of them.",
                mask=f"{width}×{height}",
                picture=f"{wide}×{high}",
            )
        case MaskSizeMismatch(mask_px=(width, height), picture_px=(wide, high)):
            return say(
                "The mask ({mask}) and the picture ({picture}) have different aspect ratios: "
                "they have to match.",
                mask=f"{width}×{height}",
                picture=f"{wide}×{high}",
            )
        case MaskEmpty():
            return say("The mask is completely black: the areas to repaint have to be white.")
        case MaskMissing():
            return say(
                "What should be repainted? Give a mask that is white there, or a picture "
                "that is transparent there, or choose a region."
            )
        case MaskBlank():
            return say(
                "This picture is transparent all over, so nothing shows what should be repainted."
            )
        case MaskUnmarked():
            return say(
                "The mask looks the same as the picture. Draw over what should be repainted, or "
                "erase it."
            )
        case MaskCutOff():
            return say(
                "Only the middle of this long picture can be painted, and the mask marks nothing "
                "there. Please crop both first."
            )
        case MaskUnclear() | _:
            return say(
                "I cannot tell what this mask marks. Paint white what should be repainted and "
                "everything else black, draw it in white on a transparent layer, or choose a "
                "region instead."
            )


def source_cut(cut: SourceCut, say: Words) -> str:
    """Say how much of a given picture is not in the result."""
    if cut.several:
        sentence = say(
            "The pictures have different aspect ratios: up to {percent} % of one is cut off.",
            percent=cut.percent,
        )
    else:
        sentence = say(
            "Only the middle of the picture fits this shape: {percent} % of it is cut off.",
            percent=cut.percent,
        )
    if not cut.longest:
        return sentence
    longest = say("This model paints nothing longer than {ratio}.", ratio=cut.longest)
    return paragraph(sentence, longest)


def ground_chosen(ground: Ground, say: Words) -> str:
    """Say what a transparent picture was laid on, and why."""
    match ground:
        case Ground.BLACK:
            return say("The picture is mostly white on transparent, so it was put on black.")
        case Ground.GREY:
            return say(
                "The picture is mostly black and white on transparent, so it was put on grey."
            )
        case Ground.WHITE:
            return say("The picture is transparent, so it was put on white.")

"""What is wrong with a picture to start from, in words."""

from __future__ import annotations

import math

from bot.i18n import Words
from bot.request.input_images import InputMismatch, MaskEmpty, MaskMissing, MaskSizeMismatch
from bot.request.outcomes import (
    StagedPictureGone,
    StrengthWithoutImage,
    Unreachable,
    UnusableUpload,
)
from engine.uploads import FORMATS, BadFormat, TooManyPixels, UploadRefused
from engine.uploads import UploadTooLarge as FileTooLarge

StartReason = UnusableUpload | Unreachable | StagedPictureGone | StrengthWithoutImage


def start_refusal(reason: StartReason, say: Words) -> str:
    """What is wrong with it, or with the lack of one."""
    match reason:
        case UnusableUpload(MaskEmpty() | MaskMissing() | MaskSizeMismatch() as refused):
            return upload(refused, say)
        case UnusableUpload(refused, number, total) if total > 1:
            return say("Picture {n}: {problem}", n=number, problem=upload(refused, say))
        case UnusableUpload(refused):
            return upload(refused, say)
        case Unreachable():
            return say("I could not fetch that file from Discord; please try again.")
        case StagedPictureGone():
            return say("That picture is not kept any more; please choose it again.")
        case StrengthWithoutImage():
            return say(
                "The strength (--strength or --iw in a prompt) says how far to go from a picture: "
                "give a picture too, or leave it out."
            )


def upload(refused: UploadRefused, say: Words) -> str:
    """Why a picture that somebody gave cannot be painted from, in one sentence."""
    match refused:
        case FileTooLarge(size_bytes=size, limit_bytes=limit):
            return say(
                "The file has {size} MiB; at most {limit} MiB are taken.",
                size=f"{math.ceil(size / 2**20 * 10) / 10:.1f}",
                limit=f"{limit / 2**20:g}",
            )
        case TooManyPixels(width_px=width, height_px=height, limit_pixels=limit):
            return say(
                "The picture has {width}×{height} pixels; at most {limit} megapixels are taken.",
                width=width,
                height=height,
                limit=f"{limit / 1e6:g}",
            )
        case BadFormat(format=name):
            return say(
                "{format} pictures are not taken; please give one of {formats}.",
                format=name,
                formats=", ".join(FORMATS),
            )
        case MaskSizeMismatch(mask_px=(width, height), picture_px=(wide, high)):
            return say(
                "The mask has another shape ({mask}) than the picture ({picture}): "
                "it has to lie over it.",
                mask=f"{width}×{height}",
                picture=f"{wide}×{high}",
            )
        case MaskEmpty():
            return say("The mask is black all over: paint white what is to be painted anew.")
        case MaskMissing():
            return say(
                "What shall be painted anew? Give a mask that is white there, or a picture that is "
                "transparent there."
            )
        case InputMismatch():
            return say("This is not the picture that the recipe was painted from.")
        case _:
            return say("This is no picture that can be read; the file may be damaged.")

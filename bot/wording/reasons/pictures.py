"""Sentences about pictures and files that cannot be used."""

from __future__ import annotations

import math
from typing import assert_never

from bot.i18n import Words, paragraph
from bot.request.input_images import InputMismatch
from bot.request.reasons.pictures import (
    FileRemoved,
    InputGone,
    NoPictures,
    NothingToBlend,
    NotOwner,
    OriginalDeleted,
    PictureAddress,
    PictureReason,
    StagedPictureGone,
    UnknownPicture,
    Unreachable,
    UnusableUpload,
)
from bot.wording.foreign import format_sentence
from bot.wording.lists import listed
from bot.wording.names import command_link, option_name
from bot.wording.source_images import mask_refusal
from engine.masks import MaskRefused
from engine.uploads import FORMATS, BadFormat, TooManyPixels, UploadRefused, UploadTooLarge

_ADDRESS_CHARS = 60


def picture_refusal(reason: PictureReason, say: Words) -> str:
    """Say why a picture cannot be used, and what to do instead."""
    match reason:
        case FileRemoved(picture_id, seed):
            return say(
                "The file of picture #{id} was removed to save space. To paint it again, use "
                "{reroll} with {picture_option} {id} and {seed_option} {seed}.",
                id=picture_id,
                seed=seed,
                reroll=command_link("reroll", say),
                picture_option=option_name("picture", say),
                seed_option=option_name("seed", say),
            )
        case OriginalDeleted(picture_id, original_id):
            return _original_deleted(picture_id, original_id, say)
        case InputGone():
            return say("The source image of this picture is no longer stored.")
        case NothingToBlend():
            return say("Choose at least one more picture: a blend is of two or more.")
        case NoPictures():
            return say(
                "You have no pictures on this server. Try {imagine} first.",
                imagine=command_link("imagine", say),
            )
        case UnknownPicture(picture):
            return say(
                "There is no picture {picture} on this server; it may have been deleted. Use "
                "{history} to see yours.",
                picture=f"“{picture[:30]}”",
                history=command_link("history", say),
            )
        case NotOwner(picture_id):
            return say(
                "Picture #{id} belongs to someone else: only your own pictures can be favourites "
                "or have your notes.",
                id=picture_id,
            )
        case UnusableUpload():
            return _unusable_upload(reason, say)
        case Unreachable():
            return say("I could not download that file from Discord. Please try again.")
        case StagedPictureGone():
            return say("That picture is no longer available. Please choose it again.")
        case PictureAddress(address):
            return say(
                "No picture can be taken from {address}. Attach the file with the option {option} "
                "of {imagine}, or choose Apps → {menu} on a message that shows it.",
                option=option_name("picture", say),
                imagine=command_link("imagine", say),
                menu=say("Paint from this"),
                address=f"`{address.replace('`', '')[:_ADDRESS_CHARS]}`",
            )
        case _:
            assert_never(reason)


def _original_deleted(picture_id: int, original_id: int | None, say: Words) -> str:
    if original_id is None:
        why = say("The picture that #{id} was enlarged from is not stored any more.", id=picture_id)
    else:
        why = say(
            "Picture #{id} was enlarged from #{original}, which has been deleted.",
            id=picture_id,
            original=original_id,
        )
    remedy = say(
        "It cannot be rerolled or varied, and nothing was charged. You can still remix it: "
        "{remix}.",
        remix=command_link("remix", say),
    )
    return paragraph(why, remedy)


def _unusable_upload(reason: UnusableUpload, say: Words) -> str:
    refused = reason.refused
    if reason.total == 1 or isinstance(refused, MaskRefused):
        return upload_refusal(refused, say)  # a number would not tell anything about the mask
    return say("Picture {n}: {problem}", n=reason.number, problem=upload_refusal(refused, say))


def upload_refusal(refused: UploadRefused, say: Words) -> str:
    """Explain why an uploaded picture cannot be used as an input."""
    match refused:
        case UploadTooLarge(size_bytes=size, limit_bytes=limit):
            return say(
                "The file is {size} MiB; the limit is {limit} MiB.",
                size=f"{math.ceil(size / 2**20 * 10) / 10:.1f}",
                limit=f"{limit / 2**20:g}",
            )
        case TooManyPixels(width_px=width, height_px=height, limit_pixels=limit):
            return say(
                "The picture is {width}×{height} pixels; the limit is {limit} megapixels.",
                width=width,
                height=height,
                limit=f"{limit / 1e6:g}",
            )
        case BadFormat(format=name, kind=kind):
            use = say("Please use one of {formats}.", formats=listed(FORMATS, say))
            return paragraph(format_sentence(name, kind, say), use)
        case MaskRefused():
            return mask_refusal(refused, say)
        case InputMismatch():
            return say("This is not the source image of the recipe.")
        case _:  # NotAPicture, or any refusal that decoding may add
            return say("This file cannot be read as a picture. It may be damaged.")

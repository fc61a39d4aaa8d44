"""Labels of styles, speeds, enhancement levels and device remarks."""

from __future__ import annotations

from enum import StrEnum

from bot.i18n import Words
from bot.request.notes import StyleIgnored
from bot.request.values.regions import Region
from bot.wording.lists import enumerated
from engine.diffusion.families import Speed
from engine.loras import LoraUse
from engine.prompts import EnhancementLevel, PictureStyle
from engine.types import Remark

_SYNTAX_SHOWN = 5
_LORA_CHARS = 40
"""Of a name in a line of facts. Chosen by hand."""
_OF_CHOICES = ("|", "｜", "$$", "__", "::")


def style_name(style: PictureStyle, say: Words) -> str:
    """Return the label of a picture style."""
    match style:
        case PictureStyle.PHOTO:
            return say("photo")
        case PictureStyle.FILM:
            return say("film photo")
        case PictureStyle.ANIME:
            return say("anime")
        case PictureStyle.COMIC:
            return say("comic")
        case PictureStyle.WATERCOLOUR:
            return say("watercolour")
        case PictureStyle.OIL:
            return say("oil painting")
        case PictureStyle.INK:
            return say("ink wash")
        case PictureStyle.PENCIL:
            return say("pencil drawing")
        case PictureStyle.LINE_ART:
            return say("line art")
        case PictureStyle.FLAT:
            return say("flat illustration")
        case PictureStyle.POSTER:
            return say("poster")
        case PictureStyle.PIXEL:
            return say("pixel art")
        case PictureStyle.RENDER:
            return say("3D render")
        case PictureStyle.LOW_POLY:
            return say("low poly")
        case PictureStyle.ISOMETRIC:
            return say("isometric")


def lora_label(lora: LoraUse, say: Words) -> str:
    """Return the name of a LoRA with its weight."""
    return say("LoRA {name} {weight}", name=lora_name(lora.name), weight=f"{lora.weight:g}")


def lora_name(name: str) -> str:
    """Return the name of a LoRA for a line of facts, shortened."""
    return name if len(name) <= _LORA_CHARS else f"{name[: _LORA_CHARS - 1]}…"


def speed_name(speed: Speed, say: Words) -> str:
    """Return the label of a speed."""
    match speed:
        case Speed.FAST:
            return say("fast")
        case Speed.STANDARD:
            return say("standard")
        case Speed.FINE:
            return say("fine")


def level_name(level: EnhancementLevel, say: Words) -> str:
    """Return the label of an enhancement level, with what it adds."""
    match level:
        case EnhancementLevel.OFF:
            return say("off")
        case EnhancementLevel.LIGHT:
            return say("light: adds a quality phrase")
        case EnhancementLevel.FULL:
            return say("full: also adds what the prompt implies")
        case EnhancementLevel.SMART:
            return say("smart: rewritten by the model")


def region_name(region: Region, say: Words) -> str:
    """Return the label of a part of a picture."""
    match region:
        case Region.LEFT:
            return say("left half")
        case Region.RIGHT:
            return say("right half")
        case Region.TOP:
            return say("top half")
        case Region.BOTTOM:
            return say("bottom half")
        case Region.CENTRE:
            return say("centre: an oval in the middle")
        case Region.BACKGROUND:
            return say("background: all but an oval in the middle")


def choice_label(value: StrEnum, say: Words) -> str:
    """Return the name of a value of any option with a closed list."""
    match value:
        case PictureStyle():
            return style_name(value, say)
        case Speed():
            return speed_name(value, say)
        case EnhancementLevel():
            return level_name(value, say)
        case Region():
            return region_name(value, say)
        case _:
            return value.value


def style_ignored(left: StyleIgnored, say: Words) -> str:
    """Return why the chosen style has no effect."""
    style = style_name(left.style, say)
    if left.words:
        return say(
            "The prompt already mentions a style (“{words}”), so {style} was left out.",
            words=left.words,
            style=style,
        )
    return say("This model does not know the style {style}, so it was left out.", style=style)


def syntax_ignored(found: tuple[str, ...], say: Words) -> str:
    """Say that syntax of other programs does nothing here, and how choices are written instead."""
    words = enumerated((f"“{each}”" for each in found[:_SYNTAX_SHOWN]), say)
    if not any(sign in each for each in found for sign in _OF_CHOICES):
        return say("{words}: this has no effect here and is read as words.", words=words)
    return say(
        "{words}: this has no effect here and is read as words. Choices are written {{red, blue}}.",
        words=words,
    )


def unknown_options(found: tuple[str, ...], say: Words) -> str:
    """Say that parts of a pasted command were taken for words."""
    return say(
        "Not taken as options of the command, but read as words: {words}.",
        words=enumerated((f"“{each}”" for each in found[:_SYNTAX_SHOWN]), say),
    )


def device_remark(remark: Remark, say: Words) -> str:
    """Describe a limitation of the device, for the bot's owner."""
    match remark:
        case Remark.CPU:
            return say("Painting on the CPU, which is fast enough only for small models.")
        case Remark.MPS:
            return say("Painting on an Apple GPU in float32, which is slower than a CUDA card.")
        case Remark.NO_BFLOAT16:
            return say(
                "This GPU does not support bfloat16, and float16 would give black pictures. "
                "float32 is used instead, which takes twice the memory and is slow."
            )
        case Remark.FLOAT16:
            return say(
                "This GPU does not support bfloat16. Large models multiply their matrices in "
                "float16, with numbers scaled so that none overflows; all else is in float32."
            )

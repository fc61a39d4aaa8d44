"""What styles, speeds and levels of enhancement are called, in words."""

from __future__ import annotations

from enum import StrEnum

from bot.i18n import Words
from bot.request.notes import StyleIgnored
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle


def style_name(style: PictureStyle, say: Words) -> str:
    """What a picture can be made as."""
    return {
        PictureStyle.PHOTO: say("photo"),
        PictureStyle.FILM: say("film photo"),
        PictureStyle.ANIME: say("anime"),
        PictureStyle.COMIC: say("comic"),
        PictureStyle.WATERCOLOUR: say("watercolour"),
        PictureStyle.OIL: say("oil painting"),
        PictureStyle.INK: say("ink wash"),
        PictureStyle.PENCIL: say("pencil drawing"),
        PictureStyle.LINE_ART: say("line art"),
        PictureStyle.FLAT: say("flat illustration"),
        PictureStyle.POSTER: say("poster"),
        PictureStyle.PIXEL: say("pixel art"),
        PictureStyle.RENDER: say("3D render"),
        PictureStyle.LOW_POLY: say("low poly"),
        PictureStyle.ISOMETRIC: say("isometric"),
    }[style]


def speed_name(speed: Speed, say: Words) -> str:
    """How much time a picture may take."""
    return {
        Speed.FAST: say("fast"),
        Speed.STANDARD: say("standard"),
        Speed.FINE: say("fine"),
    }[speed]


def level_name(level: EnhancementLevel, say: Words) -> str:
    """How much is added to a prompt."""
    return {
        EnhancementLevel.OFF: say("off"),
        EnhancementLevel.LIGHT: say("light: a word for quality"),
        EnhancementLevel.FULL: say("full: what the prompt implies, too"),
        EnhancementLevel.SMART: say("smart: the model's own words"),
    }[level]


def choice_label(value: StrEnum, say: Words) -> str:
    """Return the name of a value of any option with a closed list."""
    match value:
        case PictureStyle():
            return style_name(value, say)
        case Speed():
            return speed_name(value, say)
        case EnhancementLevel():
            return level_name(value, say)
        case _:
            return value.value


def style_ignored(left: StyleIgnored, say: Words) -> str:
    """Why the style that was chosen has no say."""
    style = style_name(left.style, say)
    if left.words:
        return say(
            "The prompt has words of its own for its style (“{words}”), so {style} was left out.",
            words=left.words,
            style=style,
        )
    return say("This model knows no styles, so {style} was left out.", style=style)

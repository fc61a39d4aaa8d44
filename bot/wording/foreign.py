"""Sentences about what comes from other programs: pasted texts, recipes, files of other formats."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.request.notes import PastedText
from bot.wording.lists import enumerated, listed
from engine.file_formats import FileKind

OWN_NAME = "zimagine"
"""The program that this one's own files name where only the text for other programs is left."""


def format_sentence(name: str, kind: FileKind, say: Words) -> str:
    """Say what a file is that is none of the pictures that can be read. name: "MP4"."""
    match kind:
        case FileKind.PICTURE:
            return say("{format} pictures are not supported.", format=name)
        case FileKind.DRAWING:
            return say("This is a vector drawing ({format}), which has no pixels.", format=name)
        case FileKind.VIDEO:
            return say("This is a video ({format}), not a picture.", format=name)
        case FileKind.SOUND:
            return say("This is a sound file ({format}), not a picture.", format=name)
        case FileKind.WEB_PAGE:
            return say(
                "This is a web page ({format}), not a picture: please save the picture itself.",
                format=name,
            )
        case FileKind.DOCUMENT:
            return say("This is a document ({format}), not a picture.", format=name)
        case FileKind.ARCHIVE:
            return say(
                "This is an archive ({format}), not a picture: please unpack it first.", format=name
            )
        case FileKind.TEXT:
            return say("This is a text file ({format}), not a picture.", format=name)


def pasted_text(note: PastedText, say: Words) -> str:
    """Say what was and what was not taken from another program's text."""
    if note.program is None:
        parts = [say("I read this as a prompt copied from another program.")]
    else:
        parts = [made_by(note.program, say), foreign_remark(note.program, say)]
    if note.asked_px is not None and note.size_px is not None:
        parts.append(fitted_size(note.asked_px, note.size_px, say))
    names = [_field(name, say) for name in note.overruled if name != "shape"]
    if names:
        parts.append(say("Your own were used for: {names}.", names=listed(names, say)))
    if "shape" in note.overruled:
        parts.append(say("The size follows your picture."))
    if note.ignored:
        parts.append(say("Not taken: {names}.", names=enumerated(note.ignored, say)))
    return paragraph(*parts)


def fitted_size(asked_px: tuple[int, int], size_px: tuple[int, int], say: Words) -> str:
    """Say that a size was changed to the nearest possible one."""
    asked, size = (f"{width}×{height}" for width, height in (asked_px, size_px))
    return say("{asked} cannot be painted here, so it became {size}.", asked=asked, size=size)


def _field(name: str, say: Words) -> str:
    match name:
        case "negative":
            return say("negative prompt")
        case "seed":
            return say("seed")
        case _:
            return say("size")


def foreign_heading(recipe: ForeignRecipe, say: Words) -> str:
    """Say which program made a picture."""
    if recipe.program == OWN_NAME:
        return say("Made by zimagine, and saved again by another program")
    if recipe.program:
        return say("Made by another program: {program}", program=recipe.program)
    return say("Made by another program")


def made_by(program: str, say: Words) -> str:
    """Say which program made a file. program: "" if it is not known."""
    if not program:
        return say("Another program made this file.")
    if program == OWN_NAME:
        return say("Another program saved this picture of zimagine again.")
    return say("Another program ({program}) made this file.", program=program)


def foreign_rows(recipe: ForeignRecipe, say: Words) -> list[tuple[str, str]]:
    """Return (heading, text) for everything that a foreign recipe says."""
    size = "" if recipe.size is None else f"{recipe.size[0]}×{recipe.size[1]}"
    seed = "" if recipe.seed is None else str(recipe.seed)
    nothing = say("(nothing)")
    rows = [
        (say("Prompt"), recipe.prompt),
        # A workflow that names none may still have one.
        (say("Negative prompt"), recipe.negative or ("" if recipe.from_workflow else nothing)),
        (say("Seed"), seed),
        (say("Size"), size),
        (say("Not taken"), enumerated(recipe.ignored, say)),
    ]
    return [(heading, text) for heading, text in rows if text]


def workflow_remark(say: Words) -> str:
    """Say what a recipe lacks that was read from ComfyUI's workflow."""
    return say(
        "The file holds only ComfyUI's workflow: what it does not say for certain is left out."
    )


def foreign_remark(program: str, say: Words) -> str:
    """Say what to expect of painting a foreign recipe here."""
    if program == OWN_NAME:
        return say("Only part of its recipe is left, so your picture may be a different one.")
    return say("Another model painted it, so your picture will be a different one.")

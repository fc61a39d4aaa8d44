"""Labels and sentences for recipes: how a picture was made."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from bot.pictures.recipe_import import UnreadableReason, UnreadableRecipe
from bot.wording.foreign import format_sentence, made_by
from bot.wording.labels import lora_name, style_name
from bot.wording.lists import enumerated
from bot.wording.names import command_link, option_name
from engine.file_formats import FileKind
from engine.loras import MAX_LORAS
from engine.prompts import addition
from engine.types import ImageRequest, Mode, Recipe

_HASH_CHARS = 12
"""Of a hash, as in the reasons why a picture is not exact. Chosen by hand."""


def prompt_rows(request: ImageRequest, say: Words) -> list[tuple[str, str]]:
    """Return (heading, text) for the prompt, what was added to it, and the negative prompt.

    Rows without a text are left out.
    """
    added = addition(request.prompt, request.effective_prompt)
    rows = [(say("Prompt"), request.prompt)]
    if not added and request.effective_prompt != request.prompt:
        rows.append((say("What the model read"), request.effective_prompt))
    rows += [(say("Added"), added), (say("Negative prompt"), request.negative_prompt)]
    return [(heading, text) for heading, text in rows if text]


def parameter_rows(recipe: Recipe, say: Words) -> list[tuple[str, str]]:
    """Return (heading, value) for all numbers, the source image, the model and its memory plan."""
    request = recipe.request
    rows = [
        (say("Seed"), str(request.seed)),
        (say("Size"), f"{request.width_px}×{request.height_px}"),
        (say("Steps"), str(request.steps)),
        (say("Guidance"), f"{request.guidance:g}"),
    ]
    if request.style is not None:
        rows.append((say("Chosen style"), style_name(request.style, say)))
    if request.mode is not Mode.TEXT:
        source = say(
            "{what}, strength {strength}",
            what=_source_image(request, say),
            strength=f"{request.strength:g}",
        )
        rows.append((say("Source image"), source))
    if request.variations:
        last = request.variations[-4:]
        variations = enumerated((f"{each.seed} ({each.amount:g})" for each in last), say)
        rows.append((say("Variations"), variations))
    if request.variety:
        rows.append((say("Variety"), f"{request.variety:g}"))
    if request.refine:
        rows.append((say("Refinement"), f"{request.refine:g}"))
    named = request.model not in ("", recipe.model)
    model = f"{request.model} ({recipe.model})" if named else recipe.model
    rows.append((say("Model"), model))
    if loras := _loras(recipe):
        rows.append((say("LoRAs"), enumerated(loras, say)))
    return [*rows, (say("Memory plan"), recipe.conditions.plan)]


def _loras(recipe: Recipe) -> list[str]:
    """Return names with weights and, where they acted, the beginnings of their files' hashes."""
    files = {each.name: each.sha256[:_HASH_CHARS] for each in recipe.loras}
    shown: list[str] = []
    for each in recipe.request.loras:
        file = files.pop(each.name, "")
        shown.append(f"{lora_name(each.name)} {each.weight:g}" + (f" ({file})" if file else ""))
    # Of recipes from before the request named them.
    return [*shown, *map(lora_name, files)][:MAX_LORAS]


def _source_image(request: ImageRequest, say: Words) -> str:
    if (number := len(request.inputs)) > 2:
        return say.plural("{n} picture", "{n} pictures", number)
    return {
        Mode.IMAGE: say("a picture"),
        Mode.INPAINT: say("a picture, partly repainted"),
        Mode.BLEND: say("two pictures"),
        Mode.UPSCALE: say("a picture of half the size"),
        Mode.TEXT: say("nothing but noise"),
    }[request.mode]


def unreadable_recipe(outcome: UnreadableRecipe, say: Words) -> str:
    """Explain why no recipe could be read from a file, and what to do instead."""
    number = say(
        "You can always use the picture's number instead (option {picture} of {recipe}): it is "
        "shown below the picture and in {history}.",
        picture=option_name("picture", say),
        recipe=command_link("recipe", say),
        history=command_link("history", say),
    )
    match outcome.reason:
        case UnreadableReason.UNREACHABLE:
            return say("I could not download that file from Discord. Please try again.")
        case UnreadableReason.NO_PICTURE:
            return say("This is not a picture that I can read. I read PNG, JPEG and WebP files.")
        case UnreadableReason.OTHER_FORMAT if outcome.kind is not FileKind.PICTURE:
            sentence = format_sentence(outcome.format, outcome.kind, say)
            return paragraph(sentence, say("I read the recipes of PNG, JPEG and WebP files."))
        case UnreadableReason.OTHER_FORMAT:
            sentence = say(
                "This file's format is {format}, but only PNG files contain my recipes: phones "
                "and apps often re-encode a picture when they save or send it.",
                format=outcome.format,
            )
        case UnreadableReason.BARE:
            sentence = say(
                "There is no recipe in this picture: either it is not one of mine, or an app "
                "saved the file again without it."
            )
        case UnreadableReason.FOREIGN:
            unread = say(
                "I cannot find a prompt in what it wrote. If you know the prompt, you can paste "
                "it into {imagine}, but the result will be a different picture.",
                imagine=command_link("imagine", say),
            )
            return paragraph(made_by(outcome.program, say), unread)
        case UnreadableReason.DAMAGED:
            sentence = say(
                "The recipe in this file is damaged, was changed, or comes from a newer "
                "version of me."
            )
        case UnreadableReason.CHANGED:
            sentence = say(
                "The pixels of this file do not match its recipe, so I do not trust it: the "
                "picture was edited, or the recipe belongs to another picture."
            )
    return paragraph(sentence, number)

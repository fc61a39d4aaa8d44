"""What there is to say about how a picture was made, in words."""

from __future__ import annotations

from bot.i18n import Words
from bot.pictures.embedded_recipe import UnreadableReason, UnreadableRecipe
from bot.wording.labels import style_name
from engine.prompts import addition
from engine.types import ImageRequest, Mode, Recipe

MAX_LORAS_SHOWN = 5


def prompt_rows(request: ImageRequest, say: Words) -> list[tuple[str, str]]:
    """Headings and words: the person's own, what was added to them, what should not be there."""
    added = addition(request.prompt, request.effective_prompt)
    rows = [(say("Prompt"), request.prompt)]
    if added or request.effective_prompt == request.prompt:
        rows.append((say("Added"), added or say("(nothing)")))
    else:
        rows.append((say("What the model read"), request.effective_prompt))
    return [*rows, (say("Negative prompt"), request.negative_prompt or say("(nothing)"))]


def parameter_rows(recipe: Recipe, say: Words) -> list[tuple[str, str]]:
    """Headings and values: all numbers, what it began with, the model and how it was held."""
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
        begun = say(
            "{what}, strength {strength}",
            what=_source_image(request, say),
            strength=f"{request.strength:g}",
        )
        rows.append((say("Begun with"), begun))
    if request.variations:
        turned = ", ".join(f"{each.seed} ({each.amount:g})" for each in request.variations[-4:])
        rows.append((say("Variations"), turned))
    if request.variety:
        rows.append((say("Variety"), f"{request.variety:g}"))
    if request.refine:
        rows.append((say("Refinement"), f"{request.refine:g}"))
    loras = [
        *recipe.loras[:MAX_LORAS_SHOWN],
        *(["…"] if len(recipe.loras) > MAX_LORAS_SHOWN else []),
    ]
    return [
        *rows,
        (say("Model"), recipe.model),
        (say("LoRAs"), ", ".join(loras) or say("(none)")),
        (say("Memory plan"), recipe.conditions.plan),
    ]


def _source_image(request: ImageRequest, say: Words) -> str:
    if (number := len(request.inputs)) > 2:
        return say.plural("{n} picture", "{n} pictures", number)
    return {
        Mode.IMAGE: say("a picture"),
        Mode.INPAINT: say("a picture, a part of it painted anew"),
        Mode.BLEND: say("two pictures"),
        Mode.UPSCALE: say("a picture of half the size"),
        Mode.TEXT: say("nothing but noise"),
    }[request.mode]


def unreadable_recipe(outcome: UnreadableRecipe, say: Words) -> str:
    """Why a file does not tell how it was made, and what helps."""
    number = say(
        "A picture's number always works: /recipe picture; it stands below the picture and in "
        "/history."
    )
    match outcome.reason:
        case UnreadableReason.UNREACHABLE:
            return say("I could not fetch that file from Discord; please try again.")
        case UnreadableReason.NO_PICTURE:
            return say("This is no picture that I know; I read recipes out of my own PNG files.")
        case UnreadableReason.OTHER_FORMAT:
            sentence = say(
                "This is a {format} file, and recipes are in PNG files alone: phones and apps "
                "often write a picture anew when they save or send it.",
                format=outcome.format,
            )
        case UnreadableReason.BARE:
            sentence = say(
                "There is no recipe in this picture: either it is not one of mine, or an app "
                "wrote the file anew and left the recipe out."
            )
        case UnreadableReason.FOREIGN:
            return say(
                "Another program painted this: I read only my own recipes. You can paste its "
                "prompt into /imagine; the picture will be another one."
            )
        case UnreadableReason.DAMAGED:
            sentence = say(
                "The recipe in this file is damaged, was changed, or is of a newer version than "
                "I am."
            )
        case UnreadableReason.CHANGED:
            sentence = say(
                "The pixels of this file are not the ones that its recipe painted, so I do not "
                "take its word: the picture was edited, or the recipe is another picture's."
            )
    return f"{sentence} {number}"

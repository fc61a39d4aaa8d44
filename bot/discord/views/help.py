"""Pure: the layouts of /help and /status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import PROMPT_SHOWN, layout, quoted, small_print
from bot.i18n import Words, paragraph
from bot.jobs.status import BotStatus
from bot.wording.knowledge import demo_model
from bot.wording.labels import speed_name
from bot.wording.names import command_link, flag_name
from bot.wording.status import model_facts, state_sentence
from engine.diffusion.families import Speed
from engine.model_names import MAX_NAME_CHARS
from engine.prompts import KnownNames

EXAMPLE_FLAGS: Final = (("ar", "16:9"), ("seed", "5"), ("repeat", "3"), ("private", ""))

_PAINTING_COMMANDS: Final = ("imagine", "blend", "inpaint", "reroll", "vary", "upscale", "remix")


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command in the list. link: text that Discord turns into a link to the command."""

    name: str
    link: str
    description: str


def help_layout(
    entries: Sequence[CommandEntry],
    say: Words,
    known: KnownNames = (),
    ideas: Sequence[str] = (),
) -> ui.LayoutView:
    """List every command with a description, then explain flags, permutations and buttons.

    known: all that a model knows which knows little; shown first. ideas: prompts, each with a
    button that paints it.
    """
    rank = {name: place for place, name in enumerate(_PAINTING_COMMANDS)}
    paint = sorted((e for e in entries if e.name in rank), key=lambda each: rank[each.name])
    others = [each for each in entries if each.name not in rank]
    flags = say("You can add flags at the end of a prompt. A long dash counts as two short ones:")
    choices = say("Choices in braces give one picture each: {example}", example="`{a, b}`")
    pictures = say(
        "The buttons below a picture paint it again, vary it or upscale it; More has the "
        "rest. For any message with a picture, press and hold it (or right-click it) and "
        "look under Apps."
    )
    several = say("Below several pictures, Vary means strong variations; More has the subtle ones.")
    in_prompt, with_picture = say("In a prompt"), say("With a picture")
    wide = f"{flag_name('ar', say)} 16:9"
    # Short, because phones break longer lines between the dashes of a flag.
    example = say("For example: {example}", example=f"`{say('a lake at dawn')} {wide}`")
    demo = [ui.TextDisplay[ui.LayoutView](demo_model(known, say))] if known else []
    return layout(
        *demo,
        *first_picture(ideas, say),
        ui.TextDisplay(_command_list(say("Paint"), paint)),
        ui.TextDisplay(_command_list(say("Information and settings"), others)),
        ui.TextDisplay(
            f"**{in_prompt}**\n{flags}\n```\n{flag_lines(say)}\n```\n{example}\n{choices}"
        ),
        ui.TextDisplay(f"**{with_picture}**\n{paragraph(pictures, several)}"),
    )


def first_picture(ideas: Sequence[str], say: Words) -> list[ui.Item[ui.LayoutView]]:
    """Return the prompts that are painted at a press; nothing without any."""
    if not ideas:
        return []
    heading, imagine = say("Your first picture"), command_link("imagine", say)
    hint = say("One press paints it, as {command} would:", command=imagine)
    sections = (
        ui.Section(
            ui.TextDisplay[ui.LayoutView](quoted(idea, PROMPT_SHOWN)),
            accessory=ui.Button(
                label=say("Paint {number}", number=number),
                style=discord.ButtonStyle.primary,
                custom_id=custom_id(ComponentAction.PAINT_IDEA, number - 1),
            ),
        )
        for number, idea in enumerate(ideas, 1)
    )
    return [ui.TextDisplay[ui.LayoutView](f"**{heading}**\n{hint}"), *sections]


def flag_lines(say: Words) -> str:
    """Return flags as they stand at the end of a prompt, one in a line."""
    values = (*EXAMPLE_FLAGS, ("no", say("fog")), ("speed", speed_name(Speed.FAST, say)))
    return "\n".join(f"{flag_name(name, say)} {value}".rstrip() for name, value in values)


def _command_list(heading: str, entries: Sequence[CommandEntry]) -> str:
    lines = (f"{each.link} {each.description}" for each in entries)
    return "\n".join([f"**{heading}**", *lines])


def status_layout(condition: BotStatus, say: Words, known: KnownNames = ()) -> ui.LayoutView:
    """Show whether the bot is ready, the model in memory, its speed, and how many jobs are waiting.

    known: all that a model knows which knows little.
    """
    rows = [state_sentence(condition, say), *_memory_rows(condition, say)]
    rows.append(small_print(" · ".join(model_facts(condition, say))))
    if known:
        rows.append(demo_model(known, say))
    size = f"{condition.width_px}×{condition.height_px}"
    steps = say.plural("{n} step", "{n} steps", condition.steps)
    if condition.typical_s is None:
        rows.append(say("A typical picture is {size} with {steps}.", size=size, steps=steps))
    else:
        took = say("{seconds} s", seconds=f"{condition.typical_s:.1f}")
        rows.append(
            say(
                "A typical picture ({size}, {steps}) takes about {took}.",
                size=size,
                steps=steps,
                took=took,
            )
        )
    rows.append(
        say.plural(
            "{n} job is waiting; the queue holds up to {places}.",
            "{n} jobs are waiting; the queue holds up to {places}.",
            condition.waiting,
            places=condition.capacity,
        )
    )
    return layout(ui.TextDisplay("\n".join(rows)))


def _memory_rows(condition: BotStatus, say: Words) -> Iterator[str]:
    """Say which model is in memory. While another one takes its place, there is none."""
    if condition.model is None:
        return
    model = quoted(condition.model, 60)
    if condition.name:
        model = f"{quoted(condition.name, MAX_NAME_CHARS)} ({model})"
    yield say("Model: {model} on {device}", model=model, device=condition.device)
    if condition.unloaded:
        yield say(
            "It is not in memory, because nothing was painted for a while: it is loaded again for "
            "its next picture."
        )

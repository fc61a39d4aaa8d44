"""`zimagine imagine`: generate pictures on this machine, without Discord."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from bot.cli.batch.arguments import ImagineArguments
from bot.cli.batch.console import Reporter
from bot.cli.batch.plan import plan_pictures
from bot.cli.batch.request_options import request_options
from bot.cli.batch.run import BatchRun
from bot.cli.common.click_sections import SectionedCommand, section
from bot.cli.common.errors import explain_errors, leave_at_once
from bot.exit_codes import OK
from bot.request.options import OPTIONS, Section

FILE = click.Path(path_type=Path)

what = section(Section.CONTENT)
start = section(Section.SOURCE)
many = section(Section.NUMBER)
where = section("Output and model")


@click.command("imagine", cls=SectionedCommand)
@click.argument("words", nargs=-1, metavar="[PROMPT]...")
@what(
    "--prompts",
    type=FILE,
    help="A file of prompts, one per line; lines that start with # are comments.",
)
@request_options(Section.CONTENT)
@what("--no-enhance", is_flag=True, help="The same as --enhance off.")
@request_options(Section.METHOD)
@start("--image", type=FILE, help="Start from this picture.")
@start(
    "--mask",
    type=FILE,
    help="Mask for --image: white on black or transparent, or the picture with marks or holes.",
)
@start(
    "--blend", type=FILE, nargs=2, metavar="FILE FILE", help="Start from a blend of two pictures."
)
@request_options(Section.SOURCE)
@start(
    "--upscale",
    type=FILE,
    help="Paint at twice the size; without a PROMPT, this has to be a PNG made by zimagine.",
)
@start("--vary", type=FILE, help="Paint a variation of this PNG made by zimagine.")
@start(
    "--by",
    default="subtle",
    help="How much to vary: subtle, strong or a number up to 1 (default: subtle).",
)
@start(
    "--recipe",
    type=FILE,
    help="Paint this PNG made by zimagine again, exactly; from another program's picture, take its "
    "prompt, negative prompt, seed and size.",
)
@request_options(Section.NUMBER)
@many(
    "--grid",
    multiple=True,
    metavar="NAME=A,B,…",
    help="Try each value and add a contact sheet: guidance, steps, speed, seed, strength, "
    "variety, style or enhance. Can be given several times.",
)
@many("--yes", is_flag=True, help="Paint all that choices in braces make, without asking.")
@where(
    "--out", type=FILE, help="A .png file or a folder (default: the data folder and its history)."
)
@where("--save-steps", is_flag=True, help="Write a preview of every step next to the picture.")
@where("--json", "as_json", is_flag=True, help="Print one JSON object per picture.")
@where(
    "--model", help='"sketch", a Hugging Face model id or a folder (default: the configured model).'
)
@where(
    "--config",
    type=FILE,
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
def command(**options: Any) -> None:
    """Paint each PROMPT and print where the pictures are; - reads prompts from standard input."""
    names = [each.name for each in OPTIONS if each.section is not None]
    values = {name: options.pop(name) for name in names}
    arguments = ImagineArguments(**options, values=values, given=_given())
    with explain_errors():
        run = BatchRun(
            plan := plan_pictures(arguments),
            arguments.out,
            Reporter(plan.original, as_json=arguments.as_json, file=arguments.recipe),
            arguments.save_steps,
        )
        try:
            code = asyncio.run(run.paint())
        except KeyboardInterrupt:
            leave_at_once(f"stopped; {run.painted} of {plan.pictures} painted.")
    if code != OK:
        raise click.exceptions.Exit(code)


def _given() -> frozenset[str]:
    context = click.get_current_context()
    written = click.core.ParameterSource.COMMANDLINE
    return frozenset(
        name for name in context.params if context.get_parameter_source(name) is written
    )

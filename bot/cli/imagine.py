"""`zimagine imagine`: paint here, with the same studio as the bot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from bot.cli.batch.arguments import ImagineArguments
from bot.cli.batch.plan import plan_pictures
from bot.cli.batch.reports import Reporter
from bot.cli.batch.run import BatchRun
from bot.cli.common.click_sections import NumberOption, SectionedCommand, section
from bot.cli.common.errors import explain_errors
from bot.exit_codes import OK
from engine.diffusion.families import Speed
from engine.prompts import EnhancementLevel, PictureStyle

INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended."""
USUAL_REFINE = 0.25
LEVELS = click.Choice([each.value for each in EnhancementLevel])
STYLES = click.Choice([each.value for each in PictureStyle])
SPEEDS = click.Choice([each.value for each in Speed])
FILE = click.Path(path_type=Path)

what = section("What to paint")
how = section("How")
start = section("From a picture")
many = section("Many pictures")
where = section("Output and model")


@click.command("imagine", cls=SectionedCommand)
@click.argument("words", nargs=-1, metavar="[PROMPT]...")
@what(
    "--prompts",
    type=FILE,
    help="A file of prompts, one per line; lines that start with # are comments.",
)
@what("--negative", help="What should not be in the picture; only works with guidance above 1.")
@what(
    "--enhance",
    type=LEVELS,
    help="How much to add for quality; smart: the model's own words (default: what suits the "
    "model).",
)
@what(
    "--style",
    type=STYLES,
    help=f"Style, unless the prompt names another one: {', '.join(PictureStyle)}.",
    metavar="NAME",
)
@what("--no-enhance", is_flag=True, help="The same as --enhance off.")
@how("--seed", type=int, help="0 to 4294967295 (default: random).")
@how("--size", help="Width x height in pixels, e.g. 1024x768 (default: the model's own square).")
@how("--aspect", help="Aspect ratio instead of a size, e.g. 16:9.")
@how("--steps", type=int, help="Denoising steps (default: 8).")
@how(
    "--speed",
    type=SPEEDS,
    help="Number of steps by name: 4, 8 or 10.",
)
@how("--guidance", type=float, help="Classic guidance, 1 = off (default: 1).")
@how("--strict", is_flag=True, help="Guidance 1.8, which follows the prompt more strictly.")
@how(
    "--variety",
    type=float,
    default=0.0,
    help="How different the pictures of a prompt are, 0 to 1 (default: 0).",
)
@how(
    "--refine",
    cls=NumberOption,
    usual=USUAL_REFINE,
    default=0.0,
    metavar="[NOISE]",
    help=f"A second pass over fine detail, up to 0.35 (off; {USUAL_REFINE:g} without a number).",
)
@start("--image", type=FILE, help="Start from this picture.")
@start("--mask", type=FILE, help="Mask for --image: white areas are repainted, black areas stay.")
@start(
    "--blend", type=FILE, nargs=2, metavar="FILE FILE", help="Start from a blend of two pictures."
)
@start(
    "--strength",
    type=float,
    help="How much to change the picture, up to 1 (default: what suits the mode).",
)
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
@start("--recipe", type=FILE, help="Paint this PNG made by zimagine again, exactly.")
@many("--count", type=int, default=1, help="Pictures per prompt (default: 1).")
@many(
    "--grid",
    multiple=True,
    metavar="NAME=A,B,…",
    help="Try each value and add a contact sheet: guidance, steps, speed, seed, strength, "
    "variety, style or enhance. Can be given several times.",
)
@many("--yes", is_flag=True, help="Paint all that {choices, in braces} make without asking.")
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
    asked = ImagineArguments(**options, given=_given())
    with explain_errors():
        run = BatchRun(
            wanted := plan_pictures(asked),
            asked.out,
            Reporter(wanted.original, as_json=asked.as_json),
            asked.save_steps,
        )
        try:
            code = asyncio.run(run.paint())
        except KeyboardInterrupt:
            _interrupted(run.painted, wanted.pictures)
    if code != OK:
        raise click.exceptions.Exit(code)


def _given() -> frozenset[str]:
    context = click.get_current_context()
    written = click.core.ParameterSource.COMMANDLINE
    return frozenset(
        name for name in context.params if context.get_parameter_source(name) is written
    )


def _interrupted(painted: int, wanted: int) -> NoReturn:
    click.echo(f"zimagine: stopped; {painted} of {wanted} painted.", err=True)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or never there
            stream.flush()
    # Not the interpreter's own way out: a model may still be loading in its thread, and would
    # make a crash of it. Everything that has to be closed is closed.
    os._exit(INTERRUPTED)

"""`zimagine inspect`: how a picture was made, from what its file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bot.cli.common.errors import load_settings
from bot.cli.common.language import padded, terminal_words, width
from bot.cli.common.recipe_file import read_any_recipe
from bot.i18n import Words
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.request.notes import adaptation_notes
from bot.request.prompt.flag_line import flag_line
from bot.request.prompt.prompt_line import prompt_line
from bot.wording import recipes, rejections
from bot.wording.foreign import (
    fitted_size,
    foreign_heading,
    foreign_remark,
    foreign_rows,
    workflow_remark,
)
from engine.diffusion.families import FAMILIES, Family, family_of
from engine.png import EmbeddedRecipe
from engine.prompts import clean
from engine.types import Recipe


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
def command(file: Path, as_json: bool, config: Path | None) -> None:
    """Print how FILE was made: a PNG by zimagine, or a PNG, JPEG or WebP by another program.

    Others that are read: A1111 and its relatives, ComfyUI, Draw Things, Easy Diffusion, Fooocus,
    InvokeAI, Midjourney, NovelAI, SwarmUI.
    """
    found = read_any_recipe(file)
    if isinstance(found, EmbeddedRecipe):
        click.echo(_as_json(found) if as_json else _as_text(found, terminal_words()))
        return
    # What size can be painted depends on the model.
    family = family_of(load_settings(config).engine)
    say = terminal_words()
    click.echo(_foreign_json(found, family) if as_json else _foreign_text(found, family, say))


def _as_json(found: EmbeddedRecipe) -> str:
    recipe = json.loads(found.recipe.to_json())
    recipe["pixels"] = {"sha256": found.pixels_sha256, "untouched": found.untouched}
    recipe["line"] = _line(found.recipe)
    return json.dumps(recipe, ensure_ascii=False, indent=2)


def _as_text(found: EmbeddedRecipe, say: Words) -> str:
    recipe = found.recipe
    rows = [*recipes.prompt_rows(recipe.request, say), *recipes.parameter_rows(recipe, say)]
    pixels = say("unmodified") if found.untouched else say("edited after it was painted")
    notes = [rejections.note_sentence(each, say) for each in adaptation_notes(recipe)]
    return _text(
        say("Painted by zimagine"),
        [*rows, (say("Pixels"), pixels), *((say("Note"), note) for note in notes)],
        say("As a prompt with flags:"),
        _line(recipe),
    )


def _line(recipe: Recipe) -> str:
    """Return the prompt with flags that the family which painted the picture accepts.

    Of a picture without a LoRA it refuses those that style words would choose: no settings are read
    here, so it is not known whether there are any.
    """
    request = recipe.request
    family = next((each for each in FAMILIES if each.name == recipe.family), None)
    if family is None:
        return flag_line(request, refuse_styles=True)
    return prompt_line(request, family, refuse_styles=True).text


def _foreign_json(recipe: ForeignRecipe, family: Family) -> str:
    size = recipe.size or (None, None)
    fields: dict[str, Any] = {
        "program": recipe.program,
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative,
        "seed": recipe.seed,
        "width": size[0],
        "height": size[1],
        "not_taken": list(recipe.ignored),
        "from_workflow": recipe.from_workflow,
        "line": recipe.line(family),
    }
    return json.dumps(fields, ensure_ascii=False, indent=2)


def _foreign_text(recipe: ForeignRecipe, family: Family, say: Words) -> str:
    rows = [*foreign_rows(recipe, say), (say("Note"), foreign_remark(recipe.program, say))]
    if recipe.from_workflow:
        rows.append((say("Note"), workflow_remark(say)))
    size = recipe.size_here(family)
    if size is not None and recipe.size is not None and size != recipe.size:
        rows.append((say("Note"), fitted_size(recipe.size, size, say)))
    return _text(
        foreign_heading(recipe, say), rows, say("As a prompt with flags:"), recipe.line(family)
    )


def _text(heading: str, rows: list[tuple[str, str]], label: str, line: str) -> str:
    """Return a table of two columns, and the line to copy below it.

    Cleaned, since a file may hold anything, such as control characters for the terminal.
    """
    columns = max(width(name) for name, _ in rows) + 2
    table = [padded(f"{name}:", columns) + clean(text) for name, text in rows]
    return "\n".join([clean(heading), "", *table, *(["", label, clean(line)] if line else [])])

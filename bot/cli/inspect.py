"""`zimagine inspect`: the recipe inside a picture, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT
from engine.encode import EmbeddedRecipe, RecipeUnreadable, read_png


def read_inscription(path: Path) -> EmbeddedRecipe:
    """The recipe of a PNG, or the end of the command with one sentence and code 2."""
    try:
        return read_png(path)
    except RecipeUnreadable as error:
        fail(f"{path}: {error}.", BAD_INPUT)
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}.", BAD_INPUT)


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Print the recipe stored in FILE, a PNG made by zimagine."""
    found = read_inscription(file)
    recipe = json.loads(found.recipe.to_json())
    recipe["pixels"] = {"sha256": found.pixels_sha256, "untouched": found.untouched}
    click.echo(json.dumps(recipe, ensure_ascii=False, indent=2))

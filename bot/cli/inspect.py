"""`zimagine inspect`: the recipe inside a picture, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bot.cli.common.recipe_file import read_recipe_file


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
def command(file: Path) -> None:
    """Print the recipe stored in FILE, a PNG made by zimagine."""
    found = read_recipe_file(file)
    recipe = json.loads(found.recipe.to_json())
    recipe["pixels"] = {"sha256": found.pixels_sha256, "untouched": found.untouched}
    click.echo(json.dumps(recipe, ensure_ascii=False, indent=2))

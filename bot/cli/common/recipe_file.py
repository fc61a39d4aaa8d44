"""Read the recipe out of a PNG that is named on the command line."""

from __future__ import annotations

from pathlib import Path

from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT
from engine.encode import EmbeddedRecipe, RecipeUnreadable, read_png


def read_recipe_file(path: Path) -> EmbeddedRecipe:
    """Return the recipe of a PNG, or end the command with one sentence and code 2."""
    try:
        return read_png(path)
    except RecipeUnreadable as error:
        fail(f"{path}: {error}.", BAD_INPUT)
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}.", BAD_INPUT)

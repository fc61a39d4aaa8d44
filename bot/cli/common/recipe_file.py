"""Read the recipe out of a picture that is named on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from bot.cli.common.errors import fail
from bot.cli.common.language import terminal_words
from bot.exit_codes import BAD_INPUT
from bot.pictures.foreign.programs import foreign_program, read_foreign
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.pictures.recipe_import import has_own_recipe
from bot.wording.foreign import format_sentence, made_by
from engine.file_formats import JPEG, WEBP, FileKind, format_of
from engine.png import MAX_FILE_BYTES, EmbeddedRecipe, RecipeUnreadable, embedded_recipe


def read_recipe_file(path: Path) -> EmbeddedRecipe:
    """Return the recipe of a PNG by zimagine, or end the command with one sentence and code 2."""
    found = read_any_recipe(path)
    if isinstance(found, ForeignRecipe):
        say = terminal_words()
        needed = say("This needs a picture that zimagine painted.")
        fail(f"{path}: {made_by(found.program, say)} {needed}", BAD_INPUT)
    return found


def read_any_recipe(path: Path) -> EmbeddedRecipe | ForeignRecipe:
    """Return the recipe of a picture, whichever program made it, or end the command likewise."""
    data = _read(path)
    if not has_own_recipe(data):
        found = read_foreign(data)
        return found if found is not None else _fail_without_recipe(path, data)
    try:
        return embedded_recipe(data)
    except RecipeUnreadable as error:
        fail(f"{path}: {error}.", BAD_INPUT)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}.", BAD_INPUT)
    if len(data) > MAX_FILE_BYTES:
        fail(f"{path} is too large: recipes are read from at most 64 MiB.", BAD_INPUT)
    return data


def _fail_without_recipe(path: Path, data: bytes) -> NoReturn:
    """Say what the file is instead of a picture with a recipe."""
    found, say = format_of(data), terminal_words()
    if found is not None and found.kind is not FileKind.PICTURE:
        fail(f"{path}: {format_sentence(found.name, found.kind, say)}", BAD_INPUT)
    program = foreign_program(data)
    if program is not None:
        unread = say("There is no prompt in what it wrote.")
        fail(f"{path}: {made_by(program, say)} {unread}", BAD_INPUT)
    if found in (JPEG, WEBP):
        said = f"this {found.name} file has no recipe, and zimagine's are in PNG files only"
        fail(f"{path}: {said}.", BAD_INPUT)
    if found is None:
        fail(f"{path}: this is not a PNG, JPEG or WebP picture.", BAD_INPUT)
    try:
        embedded_recipe(data)
    except RecipeUnreadable as error:
        fail(f"{path}: {error}.", BAD_INPUT)
    raise AssertionError("a recipe without its keyword")

"""The output of `zimagine imagine`: files and notes, JSON for scripts, a progress bar."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from bot.cli.batch.output import LocalPicture
from bot.cli.batch.plan import quoted
from bot.cli.common.language import terminal_words
from bot.i18n import paragraph
from bot.request.notes import LimitedModel, NotExact, adaptation_notes
from bot.request.outcomes import ResolvedRequest
from bot.wording import rejections
from bot.wording.knowledge import limited_model, unknown_prompts
from bot.wording.lists import enumerated
from engine.diffusion.families import Family
from engine.png import EmbeddedRecipe
from engine.prompts import addition
from engine.types import Progress, Recipe

MAX_QUOTED_PROMPTS = 3
"""Chosen by hand, like the number of characters that are quoted of each."""


class Reporter:
    """Prints each picture; a note that applies to several pictures of a prompt is printed once."""

    def __init__(
        self, original: EmbeddedRecipe | None, *, as_json: bool, file: Path | None = None
    ) -> None:
        """original, file: the picture that has to be reproduced, and where it is."""
        self._original = original
        self._file = file
        self._as_json = as_json
        self._printed: set[tuple[str, str]] = set()

    def picture(self, picture: LocalPicture, resolved: ResolvedRequest) -> None:
        """Print one line on standard output, and notes on standard error."""
        if self._as_json:
            click.echo(json.dumps(_fields(picture, self._original), ensure_ascii=False))
            return
        click.echo(str(picture.file))
        prompt = resolved.request.prompt
        for remark in self._remarks(picture, resolved):
            if (prompt, remark) not in self._printed:
                self._printed.add((prompt, remark))
                click.echo(f"  {remark}", err=True)

    def model(self, family: Family, prompts: Sequence[str]) -> None:
        """Print one line on standard error about a model that knows little, and what it knows."""
        if family.vocabulary is None or not prompts:
            return
        words_known = family.vocabulary()
        unknown = [each for each in dict.fromkeys(prompts) if not words_known.knows(each)]
        say = terminal_words()
        shown = enumerated(map(quoted, unknown[:MAX_QUOTED_PROMPTS]), say)
        if len(unknown) > MAX_QUOTED_PROMPTS:
            rest = len(unknown) - MAX_QUOTED_PROMPTS
            shown = say.plural(
                "{prompts} and {n} more", "{prompts} and {n} more", rest, prompts=shown
            )
        names = words_known.names_for((unknown or prompts)[0])
        sentence = (
            unknown_prompts(shown, names, say)
            if unknown
            else limited_model(LimitedModel(names, recognized=True), say)
        )
        click.echo(sentence, err=True)

    def trouble(self, sentence: str) -> None:
        """Report that one picture or prompt of several failed."""
        click.echo(f"zimagine: {sentence}", err=True)

    def sheet(self, file: str) -> None:
        """Report a contact sheet; with --json, standard output is for pictures alone."""
        click.echo(file, err=self._as_json)

    def _remarks(self, picture: LocalPicture, resolved: ResolvedRequest) -> list[str]:
        say = terminal_words()
        recipe = picture.painted.recipe
        # From the prompt that was used: the model may have written the added words itself.
        added = addition(recipe.request.prompt, recipe.request.effective_prompt)
        remarks = [say("Added: {words}", words=added)] if added else []
        # That the model knows little is said once, before anything is painted.
        about_request = (each for each in resolved.notes if not isinstance(each, LimitedModel))
        notes = (*about_request, *adaptation_notes(recipe))
        remarks += (rejections.note_sentence(note, say) for note in notes)
        if self._original is not None:
            remarks.append(_verdict(picture, self._original, self._file))
        return remarks


def _verdict(picture: LocalPicture, original: EmbeddedRecipe, file: Path | None) -> str:
    """Compare a picture with the one that was painted; the file may have been edited since."""
    say = terminal_words()
    if not original.untouched:
        edited = say("{file} was edited after it was painted.", file=file or say("The file"))
        if picture.pixels_sha256 == original.pixels_sha256:
            return paragraph(edited, say("This is the picture as it was before."))
        return paragraph(edited, say("This is painted from its recipe again."))
    if picture.pixels_sha256 == original.pixels_sha256:
        return say("The pixels are identical to the original's.")
    differences = original.recipe.differences(picture.painted.recipe)
    if differences:
        return rejections.note_sentence(NotExact(differences), say)
    return say("Not exact, although no known condition has changed since the original was painted.")


def _fields(picture: LocalPicture, original: EmbeddedRecipe | None) -> dict[str, Any]:
    recipe = picture.painted.recipe
    request = recipe.request
    found: dict[str, Any] = {
        "file": str(picture.file),
        "seed": request.seed,
        "width": request.width_px,
        "height": request.height_px,
        "steps": request.steps,
        "guidance": request.guidance,
        "prompt": request.prompt,
        "effective_prompt": request.effective_prompt,
        "negative_prompt": request.negative_prompt,
        "style": request.style,
        "loras": _loras(recipe),
        "model": recipe.model,
        "seconds": round(picture.painted.duration_s, 3),
        "mode": request.mode,
        "inputs": list(request.inputs),
        "strength": request.strength,
        "source_changes": [dataclasses.asdict(each) for each in request.source_changes],
        "variations": [dataclasses.asdict(each) for each in request.variations],
        "variety": request.variety,
        "refine": request.refine,
        "plan": recipe.conditions.plan,
        "plan_reason": picture.painted.plan_reason,
        "adaptations": [dataclasses.asdict(each) for each in recipe.adaptations],
    }
    if picture.steps:
        found["step_files"] = [str(each) for each in picture.steps]
    if original is not None:
        same = picture.pixels_sha256 == original.pixels_sha256
        found["exact"] = same and original.untouched
        found["edited"] = not original.untouched
        found["differences"] = [str(each) for each in original.recipe.differences(recipe)]
    return found


def _loras(recipe: Recipe) -> list[dict[str, Any]]:
    files = {each.name: each.sha256 for each in recipe.loras}
    return [
        {"name": each.name, "weight": each.weight, "sha256": files.get(each.name)}
        for each in recipe.request.loras
    ]


class ProgressBar:
    """A progress line on a terminal; prints nothing if standard error is not a terminal."""

    WIDTH = 24

    def __init__(self, pictures: int) -> None:
        self._pictures = pictures
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._shown:
            click.echo(f"\r\x1b[2K{text}", nl=False, err=True)

    def clear(self) -> None:
        """Clear the line."""
        self.show("")

    def steps(self, number: int) -> Callable[[Progress], None]:
        """Return a step callback for the picture with this number, from 0."""

        def on_step(progress: Progress) -> None:
            filled = round(self.WIDTH * progress.step / progress.steps)
            bar = "█" * filled + "░" * (self.WIDTH - filled)
            which = f"{number + 1}/{self._pictures} " if self._pictures > 1 else ""
            self.show(f"{which}{bar} step {progress.step} of {progress.steps}")

        return on_step

"""`zimagine imagine`: paint here, with the same studio as the bot."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bot import wording
from bot.cli.failing import explained, fail, load_settings
from bot.cli.inspect import read_inscription
from bot.exits import BAD_INPUT
from bot.i18n import words
from bot.settings import Settings
from bot.studio.compose import Wish, compose, replay_problem, request_notes
from bot.studio.local import HistoryKeeper, Keeper, LocalPicture, OutKeeper, paint_local
from bot.studio.outcomes import Composed, NotExact, OutOfRange, Refused
from engine.diffusion.families import SKETCH, family_for
from engine.encode import Inscription
from engine.factory import diffusion_factory
from engine.prompts import addition
from engine.queue import Bounds
from engine.service import Engine
from engine.sizing import parse_size
from engine.types import MAX_SEED, Progress, Recipe
from storage.database import FILE_NAME, Database
from storage.files import PictureFiles
from storage.jobs import Jobs
from storage.types import utc_now

MAX_COUNT = 1000
PICTURE_ENDINGS = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}


@dataclass(frozen=True, slots=True)
class Order:
    """What one call paints: the pictures, and (for --recipe) what they have to match."""

    settings: Settings
    pictures: tuple[Composed, ...]
    original: Inscription | None = None


@click.command("imagine")
@click.argument("prompt", required=False)
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.option("--model", help='"sketch", a hub id or a folder.')
@click.option("--seed", type=int, help="0 to 4294967295; random if left out.")
@click.option("--size", help="Width x height in pixels, e.g. 1024x768.")
@click.option("--aspect", help="Shape instead of size, e.g. 16:9.")
@click.option("--steps", type=int, help="Denoising steps (8).")
@click.option("--guidance", type=float, help="Classic guidance, 1 = off (1).")
@click.option("--negative", help="What should not be there; acts with guidance above 1.")
@click.option("--count", type=int, default=1, help="How many pictures (1).")
@click.option("--enhance/--no-enhance", default=True, help="Add words for quality (yes).")
@click.option("--recipe", type=click.Path(path_type=Path), help="Paint this PNG again, exactly.")
@click.option("--out", type=click.Path(path_type=Path), help="A .png file or a folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per picture.")
def command(prompt: str | None, recipe: Path | None, **options: Any) -> None:
    """Paint PROMPT and print where the picture is."""
    out: Path | None = options["out"]
    if out is not None and out.suffix.lower() in PICTURE_ENDINGS and not out.is_dir():
        fail("Pictures are written as PNG: give --out a name that ends in .png.", BAD_INPUT)
    order = _order_of_recipe(recipe, prompt, options) if recipe else _order(prompt, options)
    with explained():
        asyncio.run(_paint(order, out, options["as_json"]))


def _order(prompt: str | None, options: dict[str, Any]) -> Order:
    if prompt is None:
        fail('Say what to paint: zimagine imagine "a mountain lake at dawn".', BAD_INPUT)
    if options["size"] and options["aspect"]:
        fail("Give --size or --aspect, not both.", BAD_INPUT)
    settings = _settings(options, options["model"])
    family = family_for(settings.engine.model)
    if not 1 <= options["count"] <= MAX_COUNT:
        _refuse(Refused(OutOfRange("count", options["count"], 1, MAX_COUNT)))
    wish = Wish(
        prompt=prompt,
        aspect=options["aspect"],
        size=_size(options["size"]),
        seed=options["seed"],
        steps=options["steps"],
        guidance=options["guidance"],
        negative=options["negative"],
        enhance=options["enhance"],
    )
    pictures = []
    for number in range(options["count"]):
        seed = None if wish.seed is None else wish.seed + number
        composed = compose(_with_seed(wish, seed), family, lambda: secrets.randbelow(MAX_SEED + 1))
        if isinstance(composed, Refused):
            _refuse(composed)
        pictures.append(composed)
    return Order(settings, tuple(pictures))


def _with_seed(wish: Wish, seed: int | None) -> Wish:
    """The wish with the seed of one of several pictures; they wrap around at the top."""
    if seed is None or wish.seed is None or not 0 <= wish.seed <= MAX_SEED:
        return wish
    return dataclasses.replace(wish, seed=seed % (MAX_SEED + 1))


def _order_of_recipe(file: Path, prompt: str | None, options: dict[str, Any]) -> Order:
    context = click.get_current_context()
    given = [
        name
        for name in ("seed", "size", "aspect", "steps", "guidance", "negative", "count", "enhance")
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if prompt is not None or given:
        fail(
            "--recipe paints a picture exactly as it was: give no prompt or settings with it.",
            BAD_INPUT,
        )
    original = read_inscription(file)
    request = original.recipe.request
    settings = _settings(options, options["model"] or _model_of(original.recipe))
    family = family_for(settings.engine.model)
    problem = replay_problem(request, family)
    if problem is not None:
        _refuse(Refused(problem))
    added = addition(request.prompt, request.effective_prompt)
    return Order(settings, (Composed(request, added, request_notes(request, family)),), original)


def _model_of(recipe: Recipe) -> str | None:
    """The model a recipe names, if a name is enough to find it; a folder's is not."""
    return recipe.model if recipe.model == SKETCH or "/" in recipe.model else None


def _settings(options: dict[str, Any], model: str | None) -> Settings:
    override = {"engine": {"model": model}} if model else {}
    return load_settings(options["config"], **override)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        fail(f"{error}.", BAD_INPUT)


def _refuse(refused: Refused) -> Any:
    def when(moment: datetime) -> str:
        return f"{moment:%Y-%m-%d %H:%M} UTC"

    fail(wording.refusal(refused, words(), when), BAD_INPUT)


@asynccontextmanager
async def _keeper(settings: Settings, out: Path | None) -> AsyncIterator[Keeper]:
    if out is not None:
        yield OutKeeper(out)
        return
    data_dir = settings.storage.data_dir
    async with await Database.open(data_dir / FILE_NAME) as db:
        jobs = Jobs(db, utc_now, lambda: secrets.token_hex(12))
        yield HistoryKeeper(PictureFiles(data_dir), jobs, utc_now, lambda: secrets.token_hex(2))


async def _paint(order: Order, out: Path | None, as_json: bool) -> None:
    async with AsyncExitStack() as stack:
        keeper = await stack.enter_async_context(_keeper(order.settings, out))
        settings = order.settings.engine.to_engine()
        load = diffusion_factory(settings)
        engine = Engine(load, bounds=Bounds(queue=1), stall_s=settings.stall_s)
        engine.start()
        stack.push_async_callback(engine.drain)
        with _Bar(len(order.pictures)) as bar:
            bar.show("loading the model")
            await engine.ready()
            replay = order.original.recipe.conditions if order.original else None
            for number, composed in enumerate(order.pictures):
                try:
                    picture = await paint_local(
                        engine, keeper, number, composed, replay, bar.steps(number)
                    )
                except OSError as error:
                    fail(f"{error.filename or out} cannot be written: {error.strerror}.", BAD_INPUT)
                bar.clear()
                _report(picture, composed, order.original, as_json)


def _report(
    picture: LocalPicture, composed: Composed, original: Inscription | None, as_json: bool
) -> None:
    if as_json:
        click.echo(json.dumps(_as_json(picture, original), ensure_ascii=False))
    else:
        click.echo(str(picture.file))
    say = words()
    remarks = [wording.note(note, say) for note in composed.notes]
    if composed.added:
        remarks.insert(0, say("Added: {words}", words=composed.added))
    if original is not None:
        remarks.append(_verdict(picture, original))
    if not as_json:
        for remark in remarks:
            click.echo(f"  {remark}", err=True)


def _verdict(picture: LocalPicture, original: Inscription) -> str:
    say = words()
    if picture.pixels_sha256 == original.pixels_sha256:
        return say("The pixels are identical to the original's.")
    differences = original.recipe.differences(picture.painted.recipe)
    if differences:
        return wording.note(NotExact(differences), say)
    return say("Not exact, although nothing known has changed since the original was painted.")


def _as_json(picture: LocalPicture, original: Inscription | None) -> dict[str, Any]:
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
        "model": recipe.model,
        "seconds": round(picture.painted.duration_s, 3),
    }
    if original is not None:
        found["exact"] = picture.pixels_sha256 == original.pixels_sha256
        found["differences"] = [str(each) for each in original.recipe.differences(recipe)]
    return found


class _Bar:
    """A progress line on a terminal; nothing where nobody is looking."""

    WIDTH = 24

    def __init__(self, pictures: int) -> None:
        self._pictures = pictures
        self._shown = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._shown:
            click.echo(f"\r\x1b[2K{text}", nl=False, err=True)

    def clear(self) -> None:
        """Leave an empty line."""
        self.show("")

    def steps(self, number: int) -> Any:
        """A step callback for the picture of this number."""

        def on_step(progress: Progress) -> None:
            filled = round(self.WIDTH * progress.step / progress.steps)
            bar = "█" * filled + "░" * (self.WIDTH - filled)
            which = f"{number + 1}/{self._pictures} " if self._pictures > 1 else ""
            self.show(f"{which}{bar} step {progress.step} of {progress.steps}")

        return on_step

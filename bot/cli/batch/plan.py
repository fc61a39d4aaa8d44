"""From the command line to what is painted: prompts, grids and seeds, each picture decided."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from bot.cli.batch import arguments as asking
from bot.cli.batch import grids, permutations, prompts
from bot.cli.batch.arguments import ImagineArguments
from bot.cli.batch.grids import Axis, Cell, InvalidGrid
from bot.cli.batch.input_images import inputs_again, prepared, read_pictures
from bot.cli.common.errors import fail, load_settings
from bot.cli.inspect import read_inscription
from bot.exit_codes import BAD_INPUT
from bot.i18n import words
from bot.request.input_images import size_from
from bot.request.outcomes import OutOfRange, Reason, Refused, ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.resolve import (
    STRONG,
    SUBTLE,
    replay_problem,
    request_notes,
    resolve,
    resolve_upscale,
    resolve_variation,
    seed_problem,
)
from bot.settings import Settings
from bot.wording import rejections
from engine.diffusion.families import SKETCH, Family, Speed, family_for
from engine.encode import EmbeddedRecipe
from engine.prompts import Count, EnhancementLevel, PictureStyle, addition
from engine.sizing import parse_size
from engine.types import MAX_SEED, ImageRequest, Mode, Recipe
from engine.uploads import Upload

MAX_COUNT = 1000
MAX_PICTURES = 10_000
MAX_QUOTED_CHARS = 60


@dataclass(frozen=True, slots=True)
class PlannedPicture:
    """One picture to be painted. make: decides it; the model's count of tokens, once known."""

    make: Callable[[Count | None], ResolvedRequest | Refused]
    label: str = ""
    file_label: str = ""


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """The pictures of one prompt. columns: of their contact sheet, 0 = there is none."""

    prompt: str
    pictures: tuple[PlannedPicture, ...]
    columns: int = 0


@dataclass(frozen=True, slots=True)
class ImaginePlan:
    """What one call paints.

    inputs: what every picture is painted from. rejected: prompts that cannot be painted, and why.
    original: what the picture has to match (--recipe).
    """

    settings: Settings
    batches: tuple[PromptBatch, ...]
    inputs: tuple[Upload, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()
    original: EmbeddedRecipe | None = None

    @property
    def pictures(self) -> int:
        """How many are painted in all."""
        return sum(len(batch.pictures) for batch in self.batches)


def plan_pictures(asked: ImagineArguments) -> ImaginePlan:
    """Everything that can be decided before the model is loaded.

    Where nothing at all can be painted, the end of the command with one sentence and code 2.
    """
    asking.check(asked)
    if asked.recipe is not None:
        return _replay(asked, asked.recipe)
    if asked.vary is not None:
        return _variations(asked, asked.vary)
    if asked.upscale is not None and not asked.has_prompt:
        return _enlarged(asked, asked.upscale)
    if not asked.has_prompt:
        fail('Say what to paint: zimagine imagine "a mountain lake at dawn".', BAD_INPUT)
    return _all_params(asked)


# From pictures of ours


def _replay(asked: ImagineArguments, file: Path) -> ImaginePlan:
    original = read_inscription(file)
    request = original.recipe.request
    settings, family = _of_recipe(asked, original.recipe)
    problem = replay_problem(request, family)
    if problem is not None:
        refuse(problem)
    inputs = inputs_again(request, file, _files(asked), settings.storage.data_dir)
    added = addition(request.prompt, request.effective_prompt)
    resolved = ResolvedRequest(request, added, request_notes(request, family))
    batch = PromptBatch(request.prompt, (PlannedPicture(lambda _: resolved),))
    return ImaginePlan(settings, (batch,), inputs, original=original)


def _variations(asked: ImagineArguments, file: Path) -> ImaginePlan:
    recipe = read_inscription(file).recipe
    request = recipe.request
    settings, family = _of_recipe(asked, recipe)
    _check_count(asked.count)
    problem = seed_problem(asked.seed)
    if problem is not None:
        refuse(problem)
    amount = _amount(asked.by)
    inputs = inputs_again(request, file, _files(asked), settings.storage.data_dir)
    pieces = tuple(
        PlannedPicture(_variation(request, amount, family, _seed(asked.seed, number)))
        for number in range(asked.count)
    )
    return _plan(settings, [PromptBatch(request.prompt, pieces)], inputs, checked=1)


def _variation(
    request: ImageRequest, amount: float, family: Family, seed: int
) -> Callable[[Count | None], ResolvedRequest | Refused]:
    return lambda _: resolve_variation(request, amount, family, lambda: seed)


def _amount(text: str) -> float:
    named = {"subtle": SUBTLE, "strong": STRONG}.get(text.strip().lower())
    if named is not None:
        return named
    try:
        return float(text)
    except ValueError:
        fail(f"--by must be subtle, strong or a number up to 1, but is {text!r}.", BAD_INPUT)


def _enlarged(asked: ImagineArguments, file: Path) -> ImaginePlan:
    recipe = read_inscription(file).recipe
    request = recipe.request
    settings, family = _of_recipe(asked, recipe)
    resolved = resolve_upscale(request, "", family, asked.strength)
    if isinstance(resolved, Refused):
        refuse(resolved.reason)
    larger = resolved.request
    size = (larger.width_px, larger.height_px)
    found = prepared(Mode.UPSCALE, [file], read_pictures([file]), size)
    (source,) = found.start.inputs
    piece = PlannedPicture(lambda _: resolve_upscale(request, source, family, asked.strength))
    return _plan(settings, [PromptBatch(request.prompt, (piece,))], found.inputs, checked=1)


def _of_recipe(asked: ImagineArguments, recipe: Recipe) -> tuple[Settings, Family]:
    settings = _settings(asked, asked.model or _model_of(recipe))
    return settings, family_for(settings.engine.model)


def _model_of(recipe: Recipe) -> str | None:
    """The model a recipe names, if a name is enough to find it; a folder's is not."""
    return recipe.model if recipe.model == SKETCH or "/" in recipe.model else None


# From words


def _all_params(asked: ImagineArguments) -> ImaginePlan:
    settings = _settings(asked, asked.model)
    family = family_for(settings.engine.model)
    _check_count(asked.count)
    along = _axes(asked)
    try:
        cells = grids.cells(along, asked.count)
    except InvalidGrid as wrong:
        fail(str(wrong), BAD_INPUT)
    texts = prompts.gather(asked.words, asked.prompts)
    chosen = permutations.expand_prompts(texts, len(cells) * asked.count, MAX_PICTURES)
    params, inputs = _started(asked, family)
    columns = grids.columns(along, asked.count)
    batches = [
        PromptBatch(
            each.text,
            _planned(dataclasses.replace(params, prompt=each.text), asked.count, cells, family)
            if each.problem is None
            else (PlannedPicture(each.refused),),
            columns,
        )
        for each in chosen
    ]
    ordered = _plan(settings, batches, inputs, checked=len(cells))
    if len(chosen) > len(texts) and not asked.yes:
        permutations.confirm(ordered.pictures)
    return ordered


def _started(
    asked: ImagineArguments, family: Family
) -> tuple[GenerationParams, tuple[Upload, ...]]:
    """The wish but for its words, and the pictures that it starts from."""
    params = GenerationParams(
        prompt="",
        aspect=asked.aspect,
        size=_size(asked.size),
        seed=asked.seed,
        steps=asked.steps,
        speed=None if asked.speed is None else Speed(asked.speed),
        guidance=asked.guidance,
        strict=asked.strict,
        negative=asked.negative,
        enhance=_level(asked),
        variety=asked.variety,
        refine=asked.refine,
        style=None if asked.style is None else PictureStyle(asked.style),
    )
    mode, files = _mode(asked), _files(asked)
    if mode is Mode.TEXT:
        return params, ()
    uploads = read_pictures(files)
    first = uploads[0].raster
    size = size_from(params, mode, family, (first.width_px, first.height_px))
    if not isinstance(size, tuple):
        refuse(size)
    found = prepared(mode, files, uploads, size)
    start = dataclasses.replace(found.start, strength=asked.strength)
    return dataclasses.replace(params, aspect=None, size=size, start=start), found.inputs


def _mode(asked: ImagineArguments) -> Mode:
    if asked.upscale is not None:
        return Mode.UPSCALE
    if asked.blend is not None:
        return Mode.BLEND
    if asked.image is not None:
        return Mode.IMAGE if asked.mask is None else Mode.INPAINT
    return Mode.TEXT


def _files(asked: ImagineArguments) -> list[Path]:
    """The pictures that were given to start from, in the order of their mode."""
    pair = asked.blend or ()
    return [each for each in (asked.upscale, asked.image, asked.mask, *pair) if each is not None]


def _level(asked: ImagineArguments) -> EnhancementLevel | None:
    if asked.no_enhance:
        return EnhancementLevel.OFF
    return None if asked.enhance is None else EnhancementLevel(asked.enhance)


def _axes(asked: ImagineArguments) -> tuple[Axis, ...]:
    try:
        along = grids.axes(asked.grid)
    except InvalidGrid as wrong:
        fail(str(wrong), BAD_INPUT)
    names = {axis.name for axis in along}
    twice = [
        *(name for name in sorted(names) if name in asked.given),
        *(mine for mine, axis in _SAME_SETTING if mine in asked.given and axis in names),
        *(["count"] if "seed" in names and asked.count > 1 else []),
    ]
    if twice:
        fail(
            f"{asking.option(twice[0])} and --grid set the same thing: give one of them.", BAD_INPUT
        )
    if "strength" in names and _mode(asked) is Mode.TEXT:
        fail("--grid strength needs --image, --blend or --upscale.", BAD_INPUT)
    return along


_SAME_SETTING = (
    ("steps", "speed"),
    ("speed", "steps"),
    ("strict", "guidance"),
    ("no_enhance", "enhance"),
)
"""An option, and a grid that decides the same under another name."""


def _planned(
    params: GenerationParams, count: int, cells: Sequence[Cell], family: Family
) -> tuple[PlannedPicture, ...]:
    """The pictures of one prompt; those of a grid have a seed in common, to be compared."""
    pieces: list[PlannedPicture] = []
    for number in range(count):
        seed = _seed(params.seed, number)
        for cell in cells:
            label = cell.label if count == 1 else f"{cell.label}, seed {seed}"
            make = _composing(_in_cell(dataclasses.replace(params, seed=seed), cell), family)
            pieces.append(PlannedPicture(make, label, cell.file_label))
    return tuple(pieces)


def _in_cell(params: GenerationParams, cell: Cell) -> GenerationParams:
    values = dict(cell.values)
    if "strength" in values and params.start is not None:
        start = dataclasses.replace(params.start, strength=values.pop("strength"))
        params = dataclasses.replace(params, start=start)
    return dataclasses.replace(params, **values)


def _composing(
    params: GenerationParams, family: Family
) -> Callable[[Count | None], ResolvedRequest | Refused]:
    return lambda count: resolve(params, family, _fresh_seed, count)


def _fresh_seed() -> int:
    return secrets.randbelow(MAX_SEED + 1)


def _seed(wanted: int | None, number: int) -> int:
    """The seed of one of several pictures; they wrap around at the top."""
    if wanted is None:
        return _fresh_seed()
    if not 0 <= wanted <= MAX_SEED:  # to be refused as it is
        return wanted
    return (wanted + number) % (MAX_SEED + 1)


# What all of them share


def _plan(
    settings: Settings, batches: Sequence[PromptBatch], inputs: tuple[Upload, ...], *, checked: int
) -> ImaginePlan:
    """The order, without the prompts that cannot be painted.

    checked: so many pictures of each prompt; the others differ by their seeds alone.
    """
    good: list[PromptBatch] = []
    rejected: list[tuple[str, str]] = []
    for batch in batches:
        outcomes = (piece.make(None) for piece in batch.pictures[:checked])
        refused = next((each for each in outcomes if isinstance(each, Refused)), None)
        if refused is None:
            good.append(batch)
        else:
            rejected.append((batch.prompt, sentence(refused.reason)))
    if not good:
        _end(rejected)
    return ImaginePlan(settings, tuple(good), inputs, tuple(rejected))


def _end(rejected: Sequence[tuple[str, str]]) -> NoReturn:
    """Nothing is left to be painted: say why, and only once where it is the same for all."""
    sentences = {each for _, each in rejected}
    if len(sentences) > 1:
        fail(
            "\nzimagine: ".join(f"{quoted(prompt)}: {each}" for prompt, each in rejected), BAD_INPUT
        )
    fail(sentences.pop(), BAD_INPUT)


def quoted(prompt: str) -> str:
    """The beginning of a prompt on one line, to tell which one is meant."""
    line = " ".join(prompt.split())
    short = line if len(line) <= MAX_QUOTED_CHARS else f"{line[: MAX_QUOTED_CHARS - 1]}…"
    return f"“{short}”"


def _settings(asked: ImagineArguments, model: str | None) -> Settings:
    override = {"engine": {"model": model}} if model else {}
    return load_settings(asked.config, **override)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        fail(f"{error}.", BAD_INPUT)


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_COUNT:
        refuse(OutOfRange("count", count, 1, MAX_COUNT))


def sentence(reason: Reason) -> str:
    """Why something is refused, for standard error."""

    def when(moment: datetime) -> str:
        return f"{moment:%Y-%m-%d %H:%M} UTC"

    return rejections.refusal(Refused(reason), words(), when)


def refuse(reason: Reason) -> NoReturn:
    """End the command with the sentence of a refusal and code 2."""
    fail(sentence(reason), BAD_INPUT)

"""Plan the pictures of an invocation from its arguments: prompts, grids, seeds, source images."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import click

from bot.cli.batch import grids, permutations, prompts
from bot.cli.batch.arguments import ImagineArguments, check, option
from bot.cli.batch.grids import Axis, InvalidGrid
from bot.cli.batch.input_images import fit_or_exit, original_inputs, read_pictures
from bot.cli.batch.prompt_plan import (
    PlannedPicture,
    PromptBatch,
    PromptPlanner,
    mode_of,
    resolve_later,
    seed_at,
    source_files,
)
from bot.cli.common.errors import fail, load_settings
from bot.cli.common.language import terminal_words
from bot.cli.common.recipe_file import read_any_recipe, read_recipe_file
from bot.exit_codes import BAD_INPUT
from bot.pictures.foreign.recipe import ForeignRecipe
from bot.request.bounds import seed_problem
from bot.request.loras import LoraCatalog
from bot.request.options import BY_NAME, CONFLICTS
from bot.request.outcomes import (
    FlagProblem,
    OutOfRange,
    PictureAddress,
    Reason,
    Refused,
    ResolvedRequest,
)
from bot.request.resolve import (
    STRONG,
    SUBTLE,
    replay_problem,
    request_notes,
    resolve_upscale,
    resolve_variation,
)
from bot.request.values.ids import plain_digits
from bot.settings import Settings
from bot.wording import rejections
from bot.wording.foreign import made_by
from engine.diffusion.families import SKETCH, Family, family_of
from engine.diffusion.lora.configured import configured_shelf
from engine.png import EmbeddedRecipe
from engine.prompts import Count, addition
from engine.types import ImageRequest, Mode, Recipe
from engine.uploads import Upload

# Chosen by hand: more would be a mistake on the command line.
MAX_COUNT = 1000
MAX_PICTURES = 10_000
MAX_QUOTED_CHARS = 60
_ENGLISH_WORD = re.compile(r"[A-Za-z',.!-]*[A-Za-z][A-Za-z',.!-]*")


@dataclass(frozen=True, slots=True)
class ImaginePlan:
    """All pictures of one call.

    inputs: the source images of pictures whose batch has none. rejected: invalid prompts, each with
    the reason. original: the picture that has to be reproduced (--recipe).
    """

    settings: Settings
    batches: tuple[PromptBatch, ...]
    inputs: tuple[Upload, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()
    original: EmbeddedRecipe | None = None

    @property
    def pictures(self) -> int:
        """The total number of pictures."""
        return sum(len(batch.pictures) for batch in self.batches)


def plan_pictures(arguments: ImagineArguments) -> ImaginePlan:
    """Plan everything that can be decided before the model is loaded.

    Exits with one sentence and code 2 if no picture at all can be generated.
    """
    check(arguments)
    if arguments.recipe is not None:
        return _plan_replay(arguments, arguments.recipe)
    if arguments.vary is not None:
        return _plan_variations(arguments, arguments.vary)
    if arguments.upscale is not None and not arguments.has_prompt:
        return _plan_upscale(arguments, arguments.upscale)
    if not arguments.has_prompt:
        fail('Say what to paint: zimagine imagine "a mountain lake at dawn".', BAD_INPUT)
    return _plan_prompts(arguments)


# From generated pictures


def _plan_replay(arguments: ImagineArguments, file: Path) -> ImaginePlan:
    original = read_any_recipe(file)
    if isinstance(original, ForeignRecipe):
        return _plan_foreign(arguments, file, original)
    request = _unnamed(original.recipe)
    settings, family = _settings_and_family(arguments, original.recipe)
    problem = replay_problem(request, family)
    if problem is not None:
        refuse(problem)
    _refuse_missing_loras(request, settings)
    inputs = _original_inputs(arguments, request, file, settings)
    added = addition(request.prompt, request.effective_prompt)
    resolved = ResolvedRequest(request, added, request_notes(request, family))
    batch = PromptBatch(request.prompt, (PlannedPicture(lambda _: resolved),))
    return ImaginePlan(settings, (batch,), inputs, original=original)


def _plan_foreign(arguments: ImagineArguments, file: Path, recipe: ForeignRecipe) -> ImaginePlan:
    """Plan what another program's recipe means here: prompt, negative prompt, seed and size."""
    if source_files(arguments):
        say = terminal_words()
        alone = say("It is painted from its prompt alone: give no picture.")
        fail(f"{file}: {made_by(recipe.program, say)} {alone}", BAD_INPUT)
    settings = _settings(arguments, arguments.model)
    family = family_of(settings.engine)
    picture = PlannedPicture(resolve_later(recipe.params(), family, loras=_loras(settings)))
    return _checked_plan(settings, [PromptBatch(recipe.prompt, (picture,))], (), checked=1)


def _plan_variations(arguments: ImagineArguments, file: Path) -> ImaginePlan:
    recipe = read_recipe_file(file).recipe
    request = _unnamed(recipe)
    settings, family = _settings_and_family(arguments, recipe)
    _refuse_missing_loras(request, settings)
    _check_count(arguments.count)
    problem = seed_problem(arguments.seed)
    if problem is not None:
        refuse(problem)
    amount = _variation_amount(arguments.by)
    inputs = _original_inputs(arguments, request, file, settings)
    pictures = tuple(
        PlannedPicture(
            _resolve_variation_later(request, amount, family, seed_at(arguments.seed, number))
        )
        for number in range(arguments.count)
    )
    return _checked_plan(settings, [PromptBatch(request.prompt, pictures)], inputs, checked=1)


def _resolve_variation_later(
    request: ImageRequest, amount: float, family: Family, seed: int
) -> Callable[[Count | None], ResolvedRequest | Refused]:
    return lambda _: resolve_variation(request, amount, family, lambda: seed)


def _variation_amount(text: str) -> float:
    plain = plain_digits(text).strip().lower()
    named = {"subtle": SUBTLE, "strong": STRONG}.get(plain)
    if named is not None:
        return named
    try:
        return float(plain)
    except ValueError:
        fail(f"--by must be subtle, strong or a number up to 1, but is {text!r}.", BAD_INPUT)


def _plan_upscale(arguments: ImagineArguments, file: Path) -> ImaginePlan:
    recipe = read_recipe_file(file).recipe
    request = _unnamed(recipe)
    settings, family = _settings_and_family(arguments, recipe)
    _refuse_missing_loras(request, settings)
    resolved = resolve_upscale(request, "", family, arguments.strength)
    if isinstance(resolved, Refused):
        refuse(resolved.reason)
    upscaled = resolved.request
    size = (upscaled.width_px, upscaled.height_px)
    prepared_inputs = fit_or_exit(Mode.UPSCALE, [file], read_pictures(Mode.UPSCALE, [file]), size)
    (source,) = prepared_inputs.start.inputs
    picture = PlannedPicture(lambda _: resolve_upscale(request, source, family, arguments.strength))
    return _checked_plan(
        settings, [PromptBatch(request.prompt, (picture,))], prepared_inputs.inputs, checked=1
    )


def _original_inputs(
    arguments: ImagineArguments, request: ImageRequest, file: Path, settings: Settings
) -> tuple[Upload, ...]:
    files, data_dir = source_files(arguments), settings.storage.data_dir
    return original_inputs(request, file, files, data_dir, arguments.region)


def _settings_and_family(arguments: ImagineArguments, recipe: Recipe) -> tuple[Settings, Family]:
    settings = _settings(arguments, arguments.model or _model_of(recipe))
    return settings, family_of(settings.engine)


def _unnamed(recipe: Recipe) -> ImageRequest:
    """Return the request of a recipe for the one model that the command line loads."""
    return dataclasses.replace(recipe.request, model="")


def _model_of(recipe: Recipe) -> str | None:
    """Return the model that a recipe names, if it can be found by name; a folder's cannot."""
    return recipe.model if recipe.model == SKETCH or "/" in recipe.model else None


# From prompts


def _plan_prompts(arguments: ImagineArguments) -> ImaginePlan:
    settings = _settings(arguments, arguments.model)
    family = family_of(settings.engine)
    _check_count(arguments.count)
    axes = _axes(arguments)
    try:
        cells = grids.cells(axes, arguments.count)
    except InvalidGrid as error:
        fail(str(error), BAD_INPUT)
    texts = prompts.gather(arguments.words, arguments.prompts)
    expanded = permutations.expand_prompts(texts, len(cells) * arguments.count, MAX_PICTURES)
    planner = PromptPlanner(arguments, family, axes, _loras(settings))
    plan = _checked_plan(settings, [*map(planner.batch, expanded)], (), checked=len(cells))
    if plan.pictures > MAX_PICTURES:
        fail(
            f"That would be {plan.pictures} pictures; at most {MAX_PICTURES} can be painted.",
            BAD_INPUT,
        )
    if len(expanded) > len(texts) and not arguments.yes:
        permutations.confirm(plan.pictures)
    _note_split_words(arguments.words)
    return plan


def _note_split_words(given: Sequence[str]) -> None:
    """Say so where a prompt without quotation marks was split into words by the shell."""
    if len(given) > 1 and all(map(_ENGLISH_WORD.fullmatch, given)):
        click.echo(
            f"zimagine: these words are {len(given)} prompts, each with a picture of its own; for "
            f'one picture, put quotation marks around all of them: "{" ".join(given)}"',
            err=True,
        )


def _axes(arguments: ImagineArguments) -> tuple[Axis, ...]:
    try:
        axes = grids.axes(arguments.grid)
    except InvalidGrid as error:
        fail(str(error), BAD_INPUT)
    names = {axis.name for axis in axes}
    twice = [
        *(name for name in sorted(names) if name in arguments.given),
        *(name for name, axis in _SAME_AS_GRID if name in arguments.given and axis in names),
        *(["count"] if "seed" in names and arguments.count > 1 else []),
    ]
    if twice:
        fail(f"{option(twice[0])} and --grid decide the same: give one of them.", BAD_INPUT)
    if "strength" in names and mode_of(arguments) is Mode.TEXT:
        fail("--grid strength needs --image, --blend or --upscale.", BAD_INPUT)
    return axes


_SAME_AS_GRID = (
    *((name, other) for name, other in CONFLICTS.items() if BY_NAME[other].grid),
    *((other, name) for name, other in CONFLICTS.items() if BY_NAME[name].grid),
    ("no_enhance", "enhance"),
)
"""Pairs of an option and a grid that sets the same thing under another name."""


# Shared steps


def _checked_plan(
    settings: Settings, batches: Sequence[PromptBatch], inputs: tuple[Upload, ...], *, checked: int
) -> ImaginePlan:
    """Return the plan with invalid prompts sorted out.

    checked: the number of pictures to check of each prompt; the others differ only in their seeds.
    """
    valid: list[PromptBatch] = []
    rejected: list[tuple[str, str]] = []
    for batch in batches:
        outcomes = (picture.resolve(None) for picture in batch.pictures[:checked])
        refused = next((each for each in outcomes if isinstance(each, Refused)), None)
        if refused is None:
            valid.append(batch)
        else:
            rejected.append((batch.prompt, sentence(refused.reason)))
    if not valid:
        _fail_all(rejected)
    return ImaginePlan(settings, tuple(valid), inputs, tuple(rejected))


def _fail_all(rejected: Sequence[tuple[str, str]]) -> NoReturn:
    """Exit because no prompt is valid; a reason that is the same for all is printed once."""
    sentences = {each for _, each in rejected}
    if len(sentences) > 1:
        fail(
            "\nzimagine: ".join(f"{quoted(prompt)}: {each}" for prompt, each in rejected), BAD_INPUT
        )
    fail(sentences.pop(), BAD_INPUT)


def quoted(prompt: str) -> str:
    """Return the beginning of a prompt on one line, to identify it in a message."""
    line = " ".join(prompt.split())
    short = line if len(line) <= MAX_QUOTED_CHARS else f"{line[: MAX_QUOTED_CHARS - 1]}…"
    return f"“{short}”"


def _settings(arguments: ImagineArguments, model: str | None) -> Settings:
    override = {"engine": {"model": model}} if model else {}
    return load_settings(arguments.config, **override)


def _loras(settings: Settings) -> LoraCatalog:
    return LoraCatalog(configured_shelf(settings.engine.to_engine()))


def _refuse_missing_loras(request: ImageRequest, settings: Settings) -> None:
    """Exit if a LoRA of a picture cannot be used now; the owner may use all."""
    reason = _loras(settings).refusal(request.loras, None)
    if reason is not None:
        refuse(reason)


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_COUNT:
        refuse(OutOfRange("count", count, 1, MAX_COUNT))


def sentence(reason: Reason) -> str:
    """Return the sentences of a refusal on one line, for standard error."""

    def when(moment: datetime) -> str:
        return f"{moment:%Y-%m-%d %H:%M} UTC"

    addresses: list[str] = []
    say = terminal_words()
    if isinstance(reason, FlagProblem):
        addresses = [each.address for each in reason.reasons if isinstance(each, PictureAddress)]
        others = tuple(each for each in reason.reasons if not isinstance(each, PictureAddress))
        reason = dataclasses.replace(reason, reasons=others)
    lines = [
        say("No picture can be taken from {address}: give its file to --image.", address=each)
        for each in addresses
    ]
    lines += rejections.refusal(Refused(reason), say, when).splitlines()
    return " ".join(lines)


def refuse(reason: Reason) -> NoReturn:
    """Exit with the sentence of a refusal and code 2."""
    fail(sentence(reason), BAD_INPUT)

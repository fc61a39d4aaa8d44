"""Plan the pictures of each prompt of a call, with the flags in it and its source images."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.cli.batch import grids
from bot.cli.batch.arguments import ImagineArguments
from bot.cli.batch.grids import Axis, Cell, InvalidGrid
from bot.cli.batch.input_images import fit_or_exit, read_pictures
from bot.cli.batch.permutations import ExpandedPrompt
from bot.cli.common.errors import fail
from bot.exit_codes import BAD_INPUT
from bot.request.input_images import PreparedInputs, size_from
from bot.request.loras import NO_LORAS, LoraCatalog
from bot.request.notes import SyntaxIgnored
from bot.request.options import BY_NAME, CONFLICTS, PARAMS
from bot.request.outcomes import (
    FlagError,
    FlagErrorKind,
    FlagProblem,
    Reason,
    Refused,
    RegionUnused,
    ResolvedRequest,
)
from bot.request.params import GenerationParams, InitImages
from bot.request.prompt.apply_flags import ParsedRequest, apply_to_expanded
from bot.request.resolve import resolve
from bot.request.values.regions import Region
from engine.diffusion.families import Family
from engine.prompts import Count, EnhancementLevel
from engine.types import MAX_SEED, Mode
from engine.uploads import Upload


@dataclass(frozen=True, slots=True)
class PlannedPicture:
    """One picture to generate.

    resolve: resolves its request; takes the model's token counter, None while it is not loaded.
    """

    resolve: Callable[[Count | None], ResolvedRequest | Refused]
    label: str = ""
    file_label: str = ""


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """The pictures of one prompt. columns: of their contact sheet, 0 = no sheet.

    inputs: the source images of these pictures.
    """

    prompt: str
    pictures: tuple[PlannedPicture, ...]
    columns: int = 0
    inputs: tuple[Upload, ...] = ()


class PromptPlanner:
    """Plans the pictures of each prompt: with the flags in it, along the axes of a grid."""

    def __init__(
        self,
        arguments: ImagineArguments,
        family: Family,
        axes: Sequence[Axis],
        loras: LoraCatalog = NO_LORAS,
    ) -> None:
        self._loras = loras
        self._count = arguments.count
        self._family = family
        self._axes = axes
        self._mode, self._files = mode_of(arguments), source_files(arguments)
        start = InitImages(self._mode, (), arguments.strength)
        self._params = dataclasses.replace(
            _params(arguments), start=None if self._mode is Mode.TEXT else start
        )
        self._masked = arguments.mask is not None
        self._uploads = read_pictures(self._mode, self._files) if self._files else []
        self._prepared: dict[tuple[tuple[int, int], Region | None], PreparedInputs] = {}

    def batch(self, prompt: ExpandedPrompt) -> PromptBatch:
        """Return the pictures of one prompt; an invalid one has one that says why."""
        if prompt.problem is not None:
            return _refused_batch(prompt.text, prompt.problem)
        params = dataclasses.replace(
            self._params,
            prompt=prompt.text,
            pasted=prompt.pasted,
            unknown_options=prompt.unknown_options,
        )
        parsed = apply_to_expanded(params, self._count, private=True)
        if isinstance(parsed, FlagProblem):
            return _refused_batch(prompt.text, parsed)
        problem = self._flag_problem(parsed)
        if problem is not None:
            return _refused_batch(prompt.text, problem)
        fitted = self._with_inputs(parsed.params)
        if not isinstance(fitted, tuple):
            return _refused_batch(prompt.text, fitted)
        params, inputs = fitted
        try:
            cells = grids.cells(self._axes, parsed.pictures)
        except InvalidGrid as error:
            fail(str(error), BAD_INPUT)
        resolve_with = partial(
            resolve_later, family=self._family, ignored=prompt.ignored, loras=self._loras
        )
        pictures = _prompt_pictures(params, parsed.pictures, cells, resolve_with)
        columns = grids.columns(self._axes, parsed.pictures)
        return PromptBatch(params.prompt, pictures, columns, inputs)

    def _flag_problem(self, parsed: ParsedRequest) -> FlagProblem | None:
        """Return flags that contradict a grid, or that do nothing on the command line."""
        along = {axis.name for axis in self._axes}
        same = {name: {name} for name in parsed.flagged}
        for name, other in CONFLICTS.items():
            same.get(name, set()).add(other)
            same.get(other, set()).add(name)
        if parsed.pictures > 1:
            same.get("count", set()).add("seed")
        errors = [
            FlagError(FlagErrorKind.TWICE, f"--{name}", expected=("--grid",))
            for name, others in same.items()
            if along & others
        ]
        if not parsed.private:
            errors.append(FlagError(FlagErrorKind.UNSUPPORTED, "--public"))
        if parsed.params.model is not None:  # one is loaded for all prompts
            errors.append(FlagError(FlagErrorKind.UNSUPPORTED, "--model"))
        masked = self._masked and parsed.params.region is not None
        reasons = (RegionUnused(masked=True),) if masked else ()
        return FlagProblem(tuple(errors), reasons) if errors or reasons else None

    def _with_inputs(
        self, params: GenerationParams
    ) -> tuple[GenerationParams, tuple[Upload, ...]] | Reason:
        """Return the parameters with their source images fitted to the size that they ask for."""
        if params.start is None:
            return params, ()
        first, region = self._uploads[0].raster, params.region
        if region is not None and self._mode not in (Mode.IMAGE, Mode.INPAINT):
            return RegionUnused()
        mode = self._mode if region is None else Mode.INPAINT
        size = size_from(params, mode, self._family, (first.width_px, first.height_px))
        if not isinstance(size, tuple):
            return size
        prepared = self._prepared.get((size, region))
        if prepared is None:
            prepared = fit_or_exit(mode, self._files, self._uploads, size, region)
            self._prepared[size, region] = prepared
        start = dataclasses.replace(prepared.start, strength=params.start.strength)
        fitted = dataclasses.replace(params, aspect=None, size=size, start=start, region=None)
        return fitted, prepared.inputs


def _refused_batch(prompt: str, reason: Reason) -> PromptBatch:
    return PromptBatch(prompt, (PlannedPicture(lambda _: Refused(reason)),))


def mode_of(arguments: ImagineArguments) -> Mode:
    """Return what painting starts from."""
    if arguments.upscale is not None:
        return Mode.UPSCALE
    if arguments.blend is not None:
        return Mode.BLEND
    if arguments.image is not None:
        parted = arguments.mask is not None or arguments.region is not None
        return Mode.INPAINT if parted else Mode.IMAGE
    return Mode.TEXT


def source_files(arguments: ImagineArguments) -> list[Path]:
    """Return the files of the source images, in the order of their mode."""
    pair = arguments.blend or ()
    return [
        each
        for each in (arguments.upscale, arguments.image, arguments.mask, *pair)
        if each is not None
    ]


def _params(arguments: ImagineArguments) -> GenerationParams:
    """Return the values of the options as request parameters without a prompt."""
    values = dict(arguments.values)
    if arguments.no_enhance:
        values["enhance"] = EnhancementLevel.OFF
    given = {name: values[name] for name in PARAMS if values.get(name) is not None}
    try:
        converted = {name: BY_NAME[name].convert(value) for name, value in given.items()}
    except ValueError as error:
        fail(f"{error}.", BAD_INPUT)
    return dataclasses.replace(GenerationParams(""), **converted)


def _prompt_pictures(
    params: GenerationParams,
    count: int,
    cells: Sequence[Cell],
    resolve_with: Callable[..., Callable[[Count | None], ResolvedRequest | Refused]],
) -> tuple[PlannedPicture, ...]:
    """Return the pictures of one prompt; those of a grid share a seed, to be comparable."""
    pictures: list[PlannedPicture] = []
    for number in range(count):
        seed = seed_at(params.seed, number)
        for cell in cells:
            label = cell.label if count == 1 else f"{cell.label}, seed {seed}"
            resolve_picture = resolve_with(
                _with_cell(dataclasses.replace(params, seed=seed), cell),
                compared="guidance" in cell.values,
            )
            pictures.append(PlannedPicture(resolve_picture, label, cell.file_label))
    return tuple(pictures)


def _with_cell(params: GenerationParams, cell: Cell) -> GenerationParams:
    values = dict(cell.values)
    if "strength" in values and params.start is not None:
        start = dataclasses.replace(params.start, strength=values.pop("strength"))
        params = dataclasses.replace(params, start=start)
    return dataclasses.replace(params, **values)


def resolve_later(
    params: GenerationParams,
    family: Family,
    ignored: tuple[str, ...] = (),
    *,
    compared: bool = False,
    loras: LoraCatalog = NO_LORAS,
) -> Callable[[Count | None], ResolvedRequest | Refused]:
    """Return what resolves the request of one picture, once the model's token counter is there.

    ignored: parts of its choices that do nothing, which a note names. compared: the picture stands
    beside others with another guidance, so it keeps its own.
    """

    def resolve_now(count: Count | None) -> ResolvedRequest | Refused:
        styled = loras.styled(params)
        outcome = resolve(styled, family, _random_seed, count, keep_guidance=compared, loras=loras)
        if not ignored or isinstance(outcome, Refused):
            return outcome
        notes = (*outcome.notes, SyntaxIgnored(ignored))
        return dataclasses.replace(outcome, notes=notes)

    return resolve_now


def _random_seed() -> int:
    return secrets.randbelow(MAX_SEED + 1)


def seed_at(first: int | None, number: int) -> int:
    """Return the seed of one of several pictures; seeds wrap around after MAX_SEED."""
    if first is None:
        return _random_seed()
    if not 0 <= first <= MAX_SEED:  # resolving will refuse it
        return first
    return (first + number) % (MAX_SEED + 1)

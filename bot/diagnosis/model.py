"""The model, the cache of downloads, and the LoRA files: what loads, and what would be refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.diagnosis.findings import Code, Finding, broken, note, ok
from engine.diffusion.families import HUB_ID, family_of
from engine.diffusion.lora.configured import configured_shelf
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.model_cache import read_cache
from engine.errors import LoraNotFound, LoraUnusable, ModelNotFound, ModelUnavailable
from engine.settings import EngineSettings

SHOWN = 5
"""How many of one kind are named; further ones are counted. Chosen by hand: it is one page."""


def check_model(model: str, family: str, dtype: str, notes: Sequence[str]) -> list[Finding]:
    """Return that a model would load, and what that would repair, choose or ignore."""
    found = [ok(Code.MODEL_READY, model=model, family=family, dtype=dtype)]
    found += (note(Code.MODEL_REPAIRED, text=text) for text in notes[:SHOWN])
    return found


def check_refusal(error: ModelUnavailable, *, download: bool) -> Finding:
    """Return why a model would not load. download: whether it may be fetched at the start."""
    if isinstance(error, ModelNotFound):
        if not HUB_ID.fullmatch(error.model):
            return broken(Code.MODEL_MISNAMED, model=error.model)  # nothing could be fetched
        if download:
            return note(Code.MODEL_TO_COME, model=error.model)
        return broken(Code.MODEL_ABSENT, model=error.model)
    return broken(Code.MODEL_REFUSED, model=error.model, reason=error.reason)


def check_cache(folder: Path) -> list[Finding]:
    """Return whether the downloads in the cache are whole. folder: not named in any finding."""
    try:
        state = read_cache(folder)
    except OSError as error:
        return [note(Code.CACHE_UNREADABLE, reason=error.strerror or str(error))]
    found: list[Finding] = []
    if state.damaged:
        found.append(
            note(Code.CACHE_DAMAGED, count=len(state.damaged), files=_named(state.damaged))
        )
    if state.leftovers:
        found.append(
            note(
                Code.CACHE_LEFTOVERS,
                count=len(state.leftovers),
                size_bytes=state.leftover_bytes,
                files=_named(state.leftovers),
            )
        )
    if not found:
        found.append(
            ok(Code.CACHE_WHOLE, count=state.models) if state.models else ok(Code.CACHE_EMPTY)
        )
    return found


def check_loras(*models: EngineSettings) -> list[Finding]:
    """Return how many LoRA files the configured models can paint with, and why none can with
    others.

    There is nothing to check without a folder, and a note if no model's family has LoRAs.
    """
    if models[0].loras is None:
        return []
    shelves: list[LoraShelf] = []
    without: list[str] = []
    for each in models:
        try:
            shelf = configured_shelf(each)
        except ModelUnavailable:
            continue  # the check of the model says so
        if shelf is None:
            without.append(family_of(each).name)
        else:
            shelves.append(shelf)
    if not shelves:
        return [note(Code.LORAS_UNSUPPORTED, family=family) for family in without[:1]]
    try:
        problems = [_problems(shelf) for shelf in shelves]
    except LoraNotFound as error:
        return [broken(Code.LORAS_UNREADABLE, reason=error.reason)]
    refused = {
        name: problem
        for name, problem in problems[0].items()
        if problem is not None and all(each.get(name) is not None for each in problems)
    }
    found = [ok(Code.LORAS, count=len(problems[0]) - len(refused))]
    for name, problem in list(refused.items())[:SHOWN]:
        found.append(note(Code.LORA_REFUSED, name=name, reason=problem.reason))
    if len(refused) > SHOWN:
        found.append(note(Code.LORAS_REFUSED, count=len(refused) - SHOWN))
    return found


def _problems(shelf: LoraShelf) -> dict[str, LoraUnusable | None]:
    """Return why each file cannot be painted with, None if it can. Raises LoraNotFound."""
    return {each.name: each.problem or _problem(shelf, each.name) for each in shelf.listing()}


def _problem(shelf: LoraShelf, name: str) -> LoraUnusable | None:
    """Return what opening a file refuses beyond its header: the values of its alphas."""
    try:
        with shelf.opened(name):
            return None
    except LoraUnusable as error:
        return error


def _named(files: Sequence[Path]) -> str:
    """Name the first few files, as the folder of their model and their own name."""
    names = [f"{file.parts[0]}/…/{file.name}" for file in files[:SHOWN]]
    return ", ".join([*names, "…"] if len(files) > SHOWN else names)

"""`zimagine lora`: what the folder of LoRAs offers, and whether a file could be used."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bot.cli.batch.output import write_new
from bot.cli.common.errors import explain_errors, fail, leave_at_once, load_settings
from bot.cli.common.language import padded, terminal_words, width
from bot.exit_codes import BAD_INPUT, UNAVAILABLE
from bot.i18n import Words
from bot.wording.lists import enumerated
from engine.diffusion.lora.configured import (
    configured_limits,
    configured_shelf,
    family_without_loras,
    targets_of,
)
from engine.diffusion.lora.shelf import SUFFIX, LoraInfo, LoraShelf
from engine.errors import LoraInvalid, LoraNotFound, LoraUnusable
from engine.png import encode_png
from engine.prompts import clean
from engine.settings import EngineSettings

if TYPE_CHECKING:
    from engine.diffusion.lora.trial import Kind, Trial

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
MODEL = click.option(
    "--model", help="The model that they are for, as in imagine (default: the configured model)."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")

TRIAL_PROMPT: Final = "a lake at dawn"
"""Chosen by hand: a landscape shows colours and textures, and every model knows lakes."""


@click.group("lora")
def command() -> None:
    """List LoRA files, or check one before it is offered."""


@command.command("list")
@MODEL
@JSON
@CONFIG
def list_all(model: str | None, as_json: bool, config: Path | None) -> None:
    """List the LoRAs of the configured folder; those that cannot be used with the reason."""
    say, settings = terminal_words(), _settings(config, model)
    if settings.loras is not None:
        _fail_without_loras(settings, say)
    shelf = configured_shelf(settings)
    if shelf is None:
        sentence = say(
            "No folder of LoRAs is configured: set loras under [engine], as in "
            "config.example.toml ({example}).",
            example='loras = "loras"',
        )
        fail(sentence, BAD_INPUT)
    try:
        infos = shelf.listing()
    except LoraUnusable as error:
        fail(say("The folder of LoRAs cannot be used: {reason}.", reason=error.reason), UNAVAILABLE)
    if as_json:
        click.echo(json.dumps([_fields(each) for each in infos], ensure_ascii=False, indent=2))
        return
    for each in infos:
        click.echo(f"{each.name}  {_summary(each, say)}")
    if not infos:
        click.echo(say("There is no LoRA in the folder."), err=True)


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--paint",
    is_flag=True,
    help="Load the model and paint three pictures: without it, with it, with its trigger words.",
)
@click.option("--prompt", metavar="TEXT", help=f"What they show (default: {TRIAL_PROMPT}).")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder for them (default: this one)."
)
@MODEL
@JSON
@CONFIG
def check(
    file: Path,
    paint: bool,
    prompt: str | None,
    out: Path | None,
    model: str | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Say whether FILE could be painted with, and what it is.

    FILE is a .safetensors file anywhere, or the name of a LoRA of the configured folder. All of it
    is read. Exit code 0: it could; 2: it is no LoRA, is damaged or does not exist; 69: it is
    intact, and cannot be used with this model and these settings, or this model can use none, or
    it changes nothing in a picture.
    """
    say = terminal_words()
    if not paint and (prompt is not None or out is not None):
        raise click.UsageError(say("--prompt and --out go with --paint."))
    prompt = TRIAL_PROMPT if prompt is None else clean(prompt)
    if not prompt:
        raise click.UsageError(say("The prompt is empty."))
    settings = _settings(config, model)
    _fail_without_loras(settings, say)
    shelf, name = configured_shelf(settings), file.name.removesuffix(SUFFIX)
    if shelf is None or file.exists() or len(file.parts) > 1:
        if file.suffix != SUFFIX:
            other = say(
                "{file} does not end in {suffix}: only such files are read.",
                file=file,
                suffix=SUFFIX,
            )
            fail(other, BAD_INPUT)
        shelf = LoraShelf(file.parent, targets_of(settings), configured_limits(settings))
        settings = dataclasses.replace(settings, loras=file.parent)
    trial: Trial | None = None
    try:
        info = shelf.info(name)
        from engine.diffusion.lora.values import check_values  # torch takes seconds to import

        check_values(shelf, name)
        if paint:
            trial = _tried(settings, info, prompt, say)
    except LoraUnusable as error:
        code = BAD_INPUT if isinstance(error, LoraNotFound | LoraInvalid) else UNAVAILABLE
        fail(say("{file} cannot be used: {reason}.", file=file, reason=error.reason), code)
    fields, rows = dict(_fields(info)), _rows(info, say)
    if trial is not None:
        if trial.changes_nothing:
            nothing = say(
                "{file} changes nothing: with it, at weight {weight}, every pixel is the same.",
                file=file,
                weight=f"{info.weight:g}",
            )
            fail(nothing, UNAVAILABLE)
        files = _written(trial, name, out or Path(), say)
        fields["trial"] = _trial_fields(trial, prompt, files)
        rows += _trial_rows(trial, info, files, say)
    if as_json:
        click.echo(json.dumps(fields, ensure_ascii=False, indent=2))
        return
    columns = max(width(heading) for heading, _ in rows) + 2
    for heading, text in rows:
        click.echo(padded(f"{heading}:", columns) + text)


def _settings(config: Path | None, model: str | None) -> EngineSettings:
    override = {"engine": {"model": model}} if model else {}
    return load_settings(config, **override).engine.to_engine()


def _fail_without_loras(settings: EngineSettings, say: Words) -> None:
    """End with a sentence if the model's family can use no LoRAs."""
    if (family := family_without_loras(settings)) is not None:
        sentence = say(
            "The model's family ({family}) has no LoRAs: no file can be used.", family=family
        )
        fail(sentence, UNAVAILABLE)


def _tried(settings: EngineSettings, info: LoraInfo, prompt: str, say: Words) -> Trial:
    """Paint the pictures of a trial on a thread, and say what is being done. Raises LoraUnusable;
    other errors end the command."""
    from engine.diffusion.lora.trial import Kind, try_lora

    doing = {
        Kind.WITHOUT: say("Painting without it …"),
        Kind.WITH: say("Painting with it …"),
        Kind.WORDS: say("Painting with its trigger words …"),
    }
    click.echo(say("Loading the model …"), err=True)
    with ThreadPoolExecutor(1) as thread:
        trial = thread.submit(
            try_lora, settings, info, prompt, lambda kind: click.echo(doing[kind], err=True)
        )
        try:
            problem = trial.exception()
        except KeyboardInterrupt:
            leave_at_once(say("stopped."))
    if isinstance(problem, LoraUnusable):
        raise problem
    with explain_errors():
        return trial.result()


def _written(trial: Trial, name: str, out: Path, say: Words) -> dict[Kind, Path]:
    """Write the pictures as new files in a folder."""
    files: dict[Kind, Path] = {}
    try:
        for each in trial.pictures:
            data = encode_png(each.painted.raster, each.painted.recipe)
            plain = f"lora-{each.kind}.png"
            files[each.kind] = write_new(out / f"{name}-{each.kind}.png", data, plain)
    except OSError as error:
        place = error.filename or out
        detail = error.strerror or str(error)
        fail(say("{file} cannot be written: {detail}.", file=place, detail=detail), BAD_INPUT)
    return files


def _trial_rows(
    trial: Trial, info: LoraInfo, files: Mapping[Kind, Path], say: Words
) -> list[tuple[str, str]]:
    headings = {
        "without": say("Painted without it"),
        "with": say("Painted with it"),
        "words": say("With trigger words"),
    }
    parts = sum(info.groups.values())
    rows = [(say("Found in the model"), f"{trial.adapted}/{parts}")]
    for each in trial.pictures:
        text = str(files[each.kind])
        if each.kind != "without":
            text += " " + say(
                "(differs by {mean} of 255 on average, in {percent} % of the pixels)",
                mean=f"{each.mean:.1f}",
                percent=f"{100 * each.share:.0f}",
            )
        rows.append((headings[each.kind], text))
    if len(trial.pictures) < len(headings):
        missing = say("There are none that the prompt lacks, so there is no third picture.")
        rows.append((headings["words"], missing))
    return rows


def _trial_fields(trial: Trial, prompt: str, files: Mapping[Kind, Path]) -> Mapping[str, Any]:
    return {
        "prompt": prompt,
        "adapted": trial.adapted,
        "pictures": [
            {
                "kind": str(each.kind),
                "file": str(files[each.kind]),
                "mean_difference": each.mean,
                "differing_share": each.share,
            }
            for each in trial.pictures
        ],
    }


def _summary(info: LoraInfo, say: Words) -> str:
    if info.problem is not None:
        return say("cannot be used: {detail}", detail=info.problem.reason)
    facts = ["" if info.title == info.name else info.title, f"{info.weight:g}"]
    facts += [", ".join(info.trigger_words), info.family or ""]
    return " · ".join(filter(None, facts))


def _rows(info: LoraInfo, say: Words) -> list[tuple[str, str]]:
    groups = enumerated((f"{count} × {group}" for group, count in info.groups.items()), say)
    allowed = say("everybody") if info.allow is None else enumerated(info.allow, say)
    rows = [
        (say("Name"), info.name),
        (say("Title"), info.title),
        (say("For"), info.family or ""),
        (say("Method"), enumerated(info.methods, say)),
        (say("Rank"), enumerated(map(str, info.ranks), say)),
        (say("Changes"), groups),
        (say("Weight"), f"{info.weight:g}"),
        (say("Trigger words"), enumerated(info.trigger_words, say)),
        (say("Style words"), enumerated(info.style_words, say)),
        (say("May use it"), allowed),
        (say("Size"), f"{info.size_bytes / 2**20:.1f} MiB"),
        ("SHA-256", info.sha256 or ""),
        *((say("Note"), note) for note in info.notes),
    ]
    return [(heading, text) for heading, text in rows if text]


def _fields(info: LoraInfo) -> Mapping[str, Any]:
    return {
        "name": info.name,
        "title": info.title,
        "trigger_words": list(info.trigger_words),
        "style_words": list(info.style_words),
        "weight": info.weight,
        "allow": None if info.allow is None else list(info.allow),
        "family": info.family,
        "methods": list(info.methods),
        "ranks": list(info.ranks),
        "changes": {str(group): count for group, count in info.groups.items()},
        "size_bytes": info.size_bytes,
        "sha256": info.sha256,
        "notes": list(info.notes),
        "problem": None if info.problem is None else info.problem.reason,
    }

"""`zimagine lora`: what the folder of LoRAs offers, and whether a file could be used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bot.cli.common.errors import fail, load_settings
from bot.cli.common.language import terminal_words
from bot.exit_codes import BAD_INPUT, UNAVAILABLE
from bot.i18n import Words
from engine.diffusion.lora.configured import (
    configured_limits,
    configured_shelf,
    family_without_loras,
    targets_of,
)
from engine.diffusion.lora.shelf import SUFFIX, LoraInfo, LoraShelf
from engine.errors import LoraInvalid, LoraNotFound, LoraUnusable
from engine.settings import EngineSettings

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group("lora")
def command() -> None:
    """List LoRA files, or check one before it is offered."""


@command.command("list")
@JSON
@CONFIG
def list_all(as_json: bool, config: Path | None) -> None:
    """List the LoRAs of the configured folder; those that cannot be used with the reason."""
    settings = load_settings(config).engine.to_engine()
    if settings.loras is not None:
        _fail_without_loras(settings)
    shelf = configured_shelf(settings)
    if shelf is None:
        fail(
            "No folder of LoRAs is configured: set loras under [engine], as in "
            'config.example.toml (loras = "loras").',
            BAD_INPUT,
        )
    try:
        infos = shelf.listing()
    except LoraUnusable as error:
        fail(f"The folder of LoRAs cannot be used: {error.reason}.", UNAVAILABLE)
    if as_json:
        click.echo(json.dumps([_fields(each) for each in infos], ensure_ascii=False, indent=2))
        return
    for each in infos:
        click.echo(f"{each.name}  {_summary(each, terminal_words())}")
    if not infos:
        click.echo("There is no LoRA in the folder.", err=True)


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@JSON
@CONFIG
def check(file: Path, as_json: bool, config: Path | None) -> None:
    """Say whether FILE could be painted with, and what it is.

    FILE is a .safetensors file anywhere, or the name of a LoRA of the configured folder. All of it
    is read. Exit code 0: it could; 2: it is no LoRA, is damaged or does not exist; 69: it is
    intact, and cannot be used with this model and these settings, or this model can use none.
    """
    settings = load_settings(config).engine.to_engine()
    _fail_without_loras(settings)
    shelf, name = configured_shelf(settings), file.name.removesuffix(SUFFIX)
    if shelf is None or file.exists() or len(file.parts) > 1:
        if file.suffix != SUFFIX:
            fail(f"{file} does not end in {SUFFIX}: only such files are read.", BAD_INPUT)
        shelf = LoraShelf(file.parent, targets_of(settings), configured_limits(settings))
    try:
        info = shelf.info(name)
        from engine.diffusion.lora.values import check_values  # torch takes seconds to import

        check_values(shelf, name)
    except (LoraNotFound, LoraInvalid) as error:
        fail(f"{file} cannot be used: {error.reason}.", BAD_INPUT)
    except LoraUnusable as error:
        fail(f"{file} cannot be used: {error.reason}.", UNAVAILABLE)
    if as_json:
        click.echo(json.dumps(_fields(info), ensure_ascii=False, indent=2))
        return
    rows = _rows(info, terminal_words())
    width = max(len(heading) for heading, _ in rows) + 2
    for heading, text in rows:
        click.echo(f"{f'{heading}:':<{width}}{text}")


def _fail_without_loras(settings: EngineSettings) -> None:
    """End with a sentence if the model's family can use no LoRAs."""
    if (family := family_without_loras(settings)) is not None:
        fail(f"The model's family ({family}) has no LoRAs: no file can be used.", UNAVAILABLE)


def _summary(info: LoraInfo, say: Words) -> str:
    if info.problem is not None:
        return say("cannot be used: {detail}", detail=info.problem.reason)
    facts = ["" if info.title == info.name else info.title, f"{info.weight:g}"]
    facts += [", ".join(info.trigger_words), info.family or ""]
    return " · ".join(filter(None, facts))


def _rows(info: LoraInfo, say: Words) -> list[tuple[str, str]]:
    groups = ", ".join(f"{count} × {group}" for group, count in info.groups.items())
    rows = [
        (say("Name"), info.name),
        (say("Title"), info.title),
        (say("For"), info.family or ""),
        (say("Method"), ", ".join(info.methods)),
        (say("Rank"), ", ".join(map(str, info.ranks))),
        (say("Changes"), groups),
        (say("Weight"), f"{info.weight:g}"),
        (say("Trigger words"), ", ".join(info.trigger_words)),
        (say("May use it"), say("everybody") if info.allow is None else ", ".join(info.allow)),
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

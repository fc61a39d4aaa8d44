"""`zimagine explain`: how a prompt is read, and what enhancement would add to it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import click

from bot.cli.batch.plan import refuse
from bot.cli.common.errors import load_settings
from bot.cli.common.language import padded, terminal_words, width
from bot.cli.common.token_count import token_counter
from bot.i18n import Words
from bot.request.loras import LoraCatalog
from bot.request.notes import LimitedModel, reading_notes
from bot.request.outcomes import (
    FlagError,
    FlagErrorKind,
    FlagProblem,
    Refused,
    ResolvedRequest,
)
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import apply_flags_to_each
from bot.request.resolve import resolve
from bot.wording import prompt_analysis, rejections
from bot.wording.labels import style_name
from engine.diffusion.families import Family, family_of
from engine.diffusion.lora.configured import configured_shelf
from engine.loras import words_of
from engine.prompts import (
    Advice,
    Analysis,
    Count,
    Enhancement,
    EnhancementLevel,
    PictureStyle,
    addition,
    analyse,
    as_read,
    enhance,
)
from engine.types import ImageRequest

LEVELS = (EnhancementLevel.LIGHT, EnhancementLevel.FULL)
"""The other two are left out: off adds nothing, and only the model knows what smart adds."""


@click.command("explain")
@click.argument("prompt", nargs=-1, required=True)
@click.option(
    "--style",
    type=click.Choice([each.value for each in PictureStyle]),
    help="Explain the prompt with this style.",
)
@click.option(
    "--model", help='"sketch", a Hugging Face model id or a folder (default: the configured model).'
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file (default: config.toml in this folder, if there is one).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    prompt: tuple[str, ...],
    style: str | None,
    model: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Show how PROMPT is read, and what each level of enhancement would add.

    Flags in it are obeyed; of choices in braces the first is shown.
    """
    override = {"engine": {"model": model}} if model else {}
    settings = load_settings(config, **override).engine
    family = family_of(settings)
    # Resolving cleans the prompt and refuses invalid ones; nothing is generated.
    chosen = None if style is None else PictureStyle(style)
    parsed = apply_flags_to_each(GenerationParams(" ".join(prompt), style=chosen), 1, private=True)
    if isinstance(parsed, Refused):
        refuse(parsed.reason)
    if parsed[0].params.model is not None:  # the option says for which model it is explained
        refuse(FlagProblem((FlagError(FlagErrorKind.UNSUPPORTED, "--model"),)))
    params = dataclasses.replace(parsed[0].params, enhance=EnhancementLevel.OFF)
    loras = LoraCatalog(configured_shelf(settings.to_engine()))
    resolved = resolve(loras.styled(params), family, lambda: 0, loras=loras)
    if isinstance(resolved, Refused):
        refuse(resolved.reason)
    request = resolved.request
    text = request.prompt
    count = token_counter(settings.model, settings.revision, family)
    analysis = analyse(text, count=count, max_tokens=family.max_tokens)
    added = {level: _enhanced(request, level, family, count) for level in LEVELS}
    pictures = sum(each.pictures for each in parsed)
    if as_json:
        fields = _fields(text, analysis, added, family) | {"style": style}
        fields |= {"choices": len(parsed), "pictures": pictures}
        click.echo(json.dumps(fields, ensure_ascii=False, indent=2))
    else:
        if len(parsed) > 1:
            click.echo(f"{prompt_analysis.first_of_choices(pictures, terminal_words())}\n")
        _print(analysis, added, family, resolved, terminal_words())


def _enhanced(
    request: ImageRequest, level: EnhancementLevel, family: Family, count: Count | None
) -> Enhancement:
    enhanced = enhance(
        as_read(request.prompt, request.effective_prompt, request.style, words_of(request.loras)),
        negative="",
        level=level,
        style=family.style,
        negative_works=True,
        count=count,
        max_tokens=family.max_tokens,
    )
    return dataclasses.replace(enhanced, added=addition(request.prompt, enhanced.effective_prompt))


def _print(
    analysis: Analysis,
    added: dict[EnhancementLevel, Enhancement],
    family: Family,
    resolved: ResolvedRequest,
    say: Words,
) -> None:
    style = resolved.request.style
    rows = [
        *prompt_analysis.analysis_rows(analysis, say),
        *([(say("Chosen style"), style_name(style, say))] if style else []),
        (say("Tokens"), prompt_analysis.token_usage(analysis, family.max_tokens, say)),
    ]
    wide = max(width(heading) for heading, _ in rows)
    for heading, found in rows:
        click.echo(f"{padded(heading, wide)}  {found or '–'}")
    left = [rejections.note_sentence(each, say) for each in reading_notes(resolved.notes)]
    _list(
        say("Advice"),
        [*(prompt_analysis.advice_sentence(each, say) for each in analysis.advice), *left],
    )
    limited = [each for each in resolved.notes if isinstance(each, LimitedModel)]
    _list(say("Model"), [rejections.note_sentence(each, say) for each in limited])
    nothing = say("(nothing)")
    _list(
        say("What enhancement adds (this model's default is {level})", level=family.enhance),
        [
            f"{EnhancementLevel.OFF}: {resolved.added or nothing}",
            *(f"{level}: {each.added or nothing}" for level, each in added.items()),
            say(
                "{level}: what the model's own text encoder writes, otherwise the same as full",
                level=EnhancementLevel.SMART,
            ),
        ],
    )
    _list(
        say("Negative prompt if guidance is above 1 and none is given"),
        [f"{level}: {each.negative_prompt or nothing}" for level, each in added.items()],
    )


def _list(heading: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{heading}")
    for line in lines:
        click.echo(f"  {line}")


def _fields(
    prompt: str, analysis: Analysis, added: dict[EnhancementLevel, Enhancement], family: Family
) -> dict[str, Any]:
    fields = dataclasses.asdict(analysis)
    fields["advice"] = [_advice(each) for each in analysis.advice]
    levels = {
        level: {
            "added": each.added,
            "effective_prompt": each.effective_prompt,
            "negative_prompt": each.negative_prompt,
        }
        for level, each in added.items()
    }
    return {
        "prompt": prompt,
        **fields,
        "max_tokens": family.max_tokens,
        "default_level": family.enhance,
        "levels": levels,
    }


def _advice(given: Advice) -> dict[str, Any]:
    return {
        "hint": given.hint,
        "words": given.words,
        "sentence": prompt_analysis.advice_sentence(given, terminal_words()),
    }

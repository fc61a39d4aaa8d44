"""Write a request as the prompt and flags that reproduce it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.request.prompt.flag_dashes import escape_flags
from bot.request.prompt.flag_remains import keep_end
from bot.request.prompt.flags import ParsedPrompt, escape_prompt, parse
from bot.request.prompt.pasted import parameters_text
from bot.request.prompt.pasted.command import without_command
from bot.request.prompt.pasted.leading import picture_addresses
from bot.request.prompt.pasted.parameters_text import read_typed
from bot.request.prompt.permutations import escape_braces
from bot.request.quotations import QUOTATION_MARKS, escape_match
from bot.request.values.flag_values import SOFT
from bot.request.values.loras import NO_LORA, LoraChoice, written
from engine import prompts
from engine.loras import words_of
from engine.prompts import EnhancementLevel, Style
from engine.types import ImageRequest, Mode


def flag_line(request: ImageRequest, *, refuse_styles: bool = False) -> str:
    """Return the prompt and flags that reproduce this picture when `parse` or `expand` read them.

    No flag can name the source images or the variations. --enhance is included if the level can be
    determined from the effective prompt. A negative prompt without guidance did nothing, and would
    raise guidance: it is left out. refuse_styles: the prompt has style words of a LoRA, or may
    have some, which must choose none.
    """
    level = _enhancement_level(request)
    flags = [
        f"--size {request.width_px}x{request.height_px}",
        f"--seed {request.seed}",
        f"--steps {request.steps}",
        f"--guidance {_format_number(request.guidance)}",
    ]
    if request.mode is not Mode.TEXT:
        flags.append(f"--strength {_format_number(request.strength)}")
    if request.variety:
        flags.append(f"--variety {_format_number(request.variety)}")
    if request.refine:
        flags.append(f"--refine {_format_number(request.refine)}")
    if request.style is not None:
        flags.append(f"--style {request.style}")
    if request.loras:
        choices = (LoraChoice(each.name, each.weight) for each in request.loras)
        flags.append(f"--lora {written(choices)}")
    elif refuse_styles:
        flags.append(f"--lora {NO_LORA}")
    if request.model:
        flags.append(f"--model {request.model}")
    if level is not None:
        flags.append(f"--enhance {level}")
    negative = request.negative_prompt if request.guidance > 1.0 else ""
    return line_with_flags(request.prompt, flags, negative)


def line_with_flags(prompt: str, flags: Iterable[str], negative: str) -> str:
    """Return a line from which `parse` and `expand` read exactly this prompt, these flags, and this
    negative prompt."""
    escaped, flags = escape_prompt(prompt), " ".join(flags)
    denied = negative.strip(f"{SOFT} ")
    if not denied:
        return _in_order([keep_end(escaped) if flags else escaped, flags], escaped)
    start = keep_end(escaped)
    line = _in_order([start, flags, f"--no {escape_prompt(negative)}"], start)
    reparsed = parse(line)
    if isinstance(reparsed, ParsedPrompt) and reparsed.given.get("negative") == negative:
        return line
    # Its quotation marks would close quotations of the prompt, or lose their backslashes.
    unquoted = escape_flags(QUOTATION_MARKS.sub(escape_match, negative))
    unquoted = escape_braces(parameters_text.escape(unquoted))
    return _in_order([start, flags, f"--no {unquoted}"], start)


def _in_order(parts: Sequence[str], prompt: str) -> str:
    """Join prompt, flags and negative prompt; with flags in front where a prompt in front would be
    taken for a paste, with a command, marks or addresses that are no part of it, and with flags
    behind where its end would."""
    start, flags, *negative = parts
    first, dashes, others = flags.partition(" --")
    others = f"--{others}" if dashes else ""
    orders = [
        parts,
        (flags, prompt, *negative),
        (first, start, others, *negative),
        (first, start, *negative, others),
    ]
    lines = [" ".join(filter(None, each)) for each in orders]
    return next((line for line in lines if not _is_paste(line)), lines[1])


def _is_paste(line: str) -> bool:
    pasted = without_command(line) != line or read_typed(line) is not None
    return pasted or bool(picture_addresses(line)[0])


def _format_number(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


def _enhancement_level(request: ImageRequest) -> EnhancementLevel | None:
    """Return the enhancement level that makes this effective prompt today; None if none does."""
    if request.expand:
        return EnhancementLevel.SMART
    words = words_of(request.loras)
    prompt = prompts.as_read(request.prompt, request.effective_prompt, request.style, words)
    if request.effective_prompt == prompt:
        return EnhancementLevel.OFF
    for level in (EnhancementLevel.FULL, EnhancementLevel.LIGHT):
        for style in Style:
            enhanced = prompts.enhance(
                prompt,
                negative=request.negative_prompt,
                level=level,
                style=style,
                negative_works=False,
                seed=request.seed,
                variety=request.variety,
            )
            if enhanced.effective_prompt == request.effective_prompt:
                return level
    return None

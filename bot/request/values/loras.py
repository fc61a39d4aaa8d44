"""LoRAs as people write them: `ink:0.8, film`, `--lora ink:0.8`, `<lora:ink:0.8>`. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from bot.request.values.flag_values import InvalidValue, ParsedValue
from bot.request.values.style_names import QUOTES
from engine.loras import MAX_WEIGHT
from engine.prompts import lora_tags

EXAMPLES: Final = ("name", "name:0.8", "name:0.8,other:0.5")
"""What may be written, for the sentence about what may not."""
NO_LORA: Final = "none"
"""What stands in place of names where no LoRA is wanted."""
_FILE_ENDING = ".safetensors"
_MINUS = str.maketrans("−–—", "---")
_NUMBER = re.compile(r"[+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})")
_SEPARATOR = re.compile(r"\s*[,，、;；\n]\s*")
_COLON = re.compile(r"\s*[:：]\s*")
_QUOTED = re.compile(rf"[{QUOTES}]([^{QUOTES}\n]{{1,200}})[{QUOTES}]")
_PLAIN = re.compile(r"[^\s,，。；、;！？!:：<>]+")
_WEIGHT = re.compile(r"\s?[:：]\s?([+\-−–—]?(?:\d+(?:\.\d+)?|\.\d+))(?![\w:：])")
_BARE_WEIGHT = re.compile(r"[:：]\s*([^\s,，。；、;！？!]*)")
_AND = re.compile(r"\s*[,，、;；]\s*")
_OPENING = {")": "(", "]": "[", "}": "{", "）": "（", "】": "【"}
_BEHIND = re.compile(r"[\s,，、;；]*\Z")
_BEFORE = re.compile(r"[\s,，、;；]*")


@dataclass(frozen=True, slots=True)
class LoraChoice:
    """A LoRA as it was asked for.

    weight: None for the LoRA's own. style_word: the words of the prompt that ask for it, "" if it
    was named.
    """

    name: str
    weight: float | None = None
    style_word: str = ""

    @property
    def is_none(self) -> bool:
        """Whether it means that no LoRA is wanted, not those of an earlier picture either."""
        return self.name.casefold() == NO_LORA and self.weight is None

    def __str__(self) -> str:
        name = self.name if _PLAIN.fullmatch(self.name) else f'"{self.name}"'
        return name if self.weight is None else f"{name}:{self.weight:g}"


Choices = tuple[LoraChoice, ...]


def without_none(choices: Choices) -> Choices:
    """Return the LoRAs that are named: of the one word `none`, nothing."""
    return tuple(each for each in choices if not each.is_none)


def read_loras(text: str) -> Choices:
    """Read the value of an option: names with weights, with commas between them.

    Raises ValueError with a sentence.
    """
    return tuple(_choice(each) for each in _SEPARATOR.split(text.strip()) if each)


def written(choices: Iterable[LoraChoice]) -> str:
    """Return choices as one value that is read back as they are, by the option and by the flag."""
    return ",".join(map(str, choices))


def split_last(text: str) -> tuple[str, str]:
    """Return what is typed before the last of several LoRAs, with its comma, and that last one."""
    cut = max(text.rfind(sign) for sign in ",，、;；") + 1
    return text[:cut].lstrip(), text[cut:].strip(f" {QUOTES}")


def read_flag(text: str) -> ParsedValue | InvalidValue:
    """Read the value of a flag at the beginning of a text: one, or several with commas.

    Behind a Chinese comma, or one with a space, only what has a weight or quotation marks is
    another one: other words are of the prompt.
    """
    first = _flag_choice(text, len(text) - len(text.lstrip()))
    if not isinstance(first, tuple):
        return first
    choice, end = first
    found = [choice]
    while (comma := _AND.match(text, end)) is not None and comma.end() < len(text):
        following = _flag_choice(text, comma.end())
        if not isinstance(following, tuple):
            break
        choice, behind = following
        spaced = comma[0] not in (",", ";")  # nobody writes a space behind a Chinese comma
        if spaced and choice.weight is None and text[comma.end()] not in QUOTES:
            break
        found.append(choice)
        end = behind
    together = agreed((), tuple(found))
    return (
        InvalidValue(text[:end].strip(), EXAMPLES)
        if together is None
        else ParsedValue(together, end)
    )


def agreed(first: Choices, second: Choices) -> Choices | None:
    """Return all of both; None where one LoRA has two weights, or is beside `none`."""
    if len({each.is_none for each in (*first, *second)}) > 1:
        return None
    found: dict[str, LoraChoice] = {}
    for each in (*first, *second):
        other = found.setdefault(each.name, each)
        if other.weight is None:
            found[each.name] = each
        elif each.weight not in (None, other.weight):
            return None
    return tuple(found.values())


def take_tags(
    prompt: str, wanted: Callable[[LoraChoice], bool] | None = None
) -> tuple[str, Choices]:
    """Return a prompt without its `<lora:name:0.8>`, and what these ask for.

    wanted: all other tags stay in the prompt, and so do those that are not understood; None takes
    all. Raises ValueError with a tag that is not understood.
    """
    found: list[LoraChoice] = []
    for start, end in reversed(lora_tags(prompt)):
        try:
            choice = _tagged(prompt[start:end])
        except ValueError:
            if wanted is None:
                raise
            continue
        if wanted is None or wanted(choice):
            found.insert(0, choice)
            prompt = _without(prompt, start, end)
    return prompt, tuple(found)


def has_tags(prompt: str) -> bool:
    """Return whether a prompt has `<lora:name:0.8>`."""
    return bool(lora_tags(prompt))


def _choice(piece: str) -> LoraChoice:
    if piece.startswith("<") and piece.endswith(">"):
        return _tagged(piece)
    name, *weight = _COLON.split(piece)
    if len(weight) > 1:
        raise ValueError(f"“{piece[:60]}” is not a LoRA with a weight, such as name:0.8")
    if not weight:
        return LoraChoice(_name(name))
    number = _number(weight[0])
    if number is None:
        raise ValueError(
            f"“{piece[:60]}”: the weight of a LoRA is a number from -{MAX_WEIGHT:g} to "
            f"{MAX_WEIGHT:g}, such as name:0.8"
        )
    return LoraChoice(_name(name), number)


def _flag_choice(text: str, start: int) -> tuple[LoraChoice, int] | InvalidValue:
    quoted = _QUOTED.match(text, start)
    plain = quoted or _PLAIN.match(text, start)
    if plain is None:
        return InvalidValue(text[start:].split(maxsplit=1)[0] if text[start:].strip() else "")
    written_name = plain[1] if quoted else _without_end(plain[0])
    end = plain.end() if quoted else plain.start() + len(written_name)
    name = _name(written_name)
    if not name:
        return InvalidValue(plain[0], EXAMPLES)
    weight = _WEIGHT.match(text, end)
    if weight is None:
        bare = _BARE_WEIGHT.match(text, end)
        if bare is None:
            return LoraChoice(name), end
        return InvalidValue(f"{written_name}:{bare[1]}", EXAMPLES)
    number = _number(weight[1])
    if number is None or abs(number) > MAX_WEIGHT:
        return InvalidValue(weight[1], low=-MAX_WEIGHT, high=MAX_WEIGHT)
    return LoraChoice(name, number), weight.end()


def _without_end(name: str) -> str:
    """Return a name without the full stop and the brackets behind it that are of the prompt."""
    while name and (name[-1] == "." or _closes_nothing(name)):
        name = name[:-1]
    return name


def _closes_nothing(name: str) -> bool:
    opening = _OPENING.get(name[-1])
    return opening is not None and name.count(name[-1]) > name.count(opening)


def _tagged(tag: str) -> LoraChoice:
    """Read a tag. Raises ValueError with it, if it has more than a name and a weight."""
    _, name, *weight = _COLON.split(tag.strip("<> "))
    number = _number(weight[0]) if weight else None
    if not name.strip() or len(weight) > 1 or (weight and number is None):
        raise ValueError(tag)
    return LoraChoice(_name(name), number)


def _name(text: str) -> str:
    name = " ".join(text.strip(f" {QUOTES}").split())
    return name.removesuffix(_FILE_ENDING)


def _number(text: str) -> float | None:
    plain = unicodedata.normalize("NFKC", text.strip()).translate(_MINUS)
    return float(plain) if _NUMBER.fullmatch(plain) else None


def _without(prompt: str, start: int, end: int) -> str:
    """Cut a part out of a list, with one of the commas around it."""
    before, behind = prompt[:start], prompt[end:]
    left = _BEHIND.search(before)
    right = _BEFORE.match(behind)
    assert left is not None and right is not None
    separator = left[0].strip() or right[0].strip()
    head, tail = before[: left.start()], behind[right.end() :]
    if not head or not tail:
        return head + tail
    return f"{head}{separator[:1]}{' ' if (left[0] + right[0]).count(' ') else ''}{tail}"

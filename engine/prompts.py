"""Words in, words out: cleaning, enhancement and negative prompts. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

MAX_PROMPT_CHARS = 2000
"""More than this is over the model's 512 tokens in any language it knows."""

Language = Literal["en", "zh"]

POSITIVE_SUFFIX: dict[Language, str] = {
    "en": "Crisp focus, rich detail, harmonious light and a well-balanced composition.",
    "zh": "焦点清晰，细节丰富，光影和谐，构图平衡。",
}
DEFAULT_NEGATIVE: dict[Language, str] = {
    "en": "blurry, out of focus, low resolution, jpeg artifacts, watermark, text, signature, "
    "deformed, bad anatomy",
    "zh": "模糊，失焦，低分辨率，压缩痕迹，水印，文字，签名，变形，结构错误",
}
_JOINERS = "\u200c\u200d"
_DRAWN_AS_NOTHING = "\u115f\u1160\u2800\u3164\uffa0"
_SENTENCE_ENDS = ".!?…。！？"
_SOFT_ENDS = " ,，、;；"


@dataclass(frozen=True, slots=True)
class Enhancement:
    """What the model reads, and what of it the person did not write.

    added: appended to the prompt, "" for nothing.
    """

    effective_prompt: str
    negative_prompt: str
    added: str


def clean(text: str) -> str:
    """Make typed text safe to store and show: NFC, single spaces, nothing invisible.

    Control characters, lone surrogates and zero-width characters go (joiners stay: emoji and
    several scripts need them). A text of which nothing can be seen becomes "".
    """
    kept = "".join(character for character in text if _is_kept(character))
    # Composed last: letters and accents may have met only now.
    collapsed = " ".join(unicodedata.normalize("NFC", kept).split())
    return collapsed if any(map(_is_visible, collapsed)) else ""


def _is_kept(character: str) -> bool:
    if character in _JOINERS or character.isspace():
        return True
    category = unicodedata.category(character)
    return _is_new(character) if category == "Cn" else category not in {"Cc", "Cf", "Cs", "Co"}


def _is_new(character: str) -> bool:
    """Unassigned in this Python's tables, but no noncharacter: an emoji of a later Unicode."""
    code = ord(character)
    return code & 0xFFFE != 0xFFFE and not 0xFDD0 <= code <= 0xFDEF


def _is_visible(character: str) -> bool:
    # Letters, numbers, punctuation and symbols, but for the ones that are drawn as nothing.
    drawn = unicodedata.category(character)[0] in "LNPS" or unicodedata.category(character) == "Cn"
    return drawn and character not in _DRAWN_AS_NOTHING


def language(text: str) -> Language:
    """Chinese if at least a third of the letters are Han characters, English otherwise."""
    letters = [character for character in text if character.isalpha()]
    han = sum(1 for character in letters if "\u3400" <= character <= "\u9fff")
    return "zh" if letters and han * 3 >= len(letters) else "en"


def enhance(prompt: str, *, negative: str, guidance: float, enabled: bool) -> Enhancement:
    """Add quality words in the prompt's own language, unless they are there already.

    prompt and negative are cleaned texts. The default negative prompt is used only where the
    person gave none and guidance is on; a negative prompt never acts at guidance 1.
    """
    spoken = language(prompt)
    suffix = POSITIVE_SUFFIX[spoken]
    added = suffix if enabled and suffix.rstrip(_SENTENCE_ENDS) not in prompt else ""
    ours = enabled and guidance > 1.0 and not negative
    return Enhancement(
        effective_prompt=_join(prompt, added, spoken) if added else prompt,
        negative_prompt=DEFAULT_NEGATIVE[spoken] if ours else negative,
        added=added,
    )


def addition(prompt: str, effective_prompt: str) -> str:
    """What `enhance` added, read back from its result; "" if nothing was."""
    stem = prompt.rstrip(_SOFT_ENDS)
    if effective_prompt == prompt or not effective_prompt.startswith(stem):
        return ""
    return effective_prompt[len(stem) :].lstrip(_SENTENCE_ENDS + " ")


def _join(prompt: str, added: str, spoken: Language) -> str:
    full_stop, space = ("。", "") if spoken == "zh" else (".", " ")
    stem = prompt.rstrip(_SOFT_ENDS)
    ended = stem if stem.endswith(tuple(_SENTENCE_ENDS)) else stem + full_stop
    return f"{ended}{space}{added}"

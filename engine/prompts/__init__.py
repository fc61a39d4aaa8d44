"""From prompt to prompt: cleaning, analysis, enhancement and negative prompts. Pure."""

from engine.prompts.advice import Advice, Count, Hint, idle_syntax, inert_syntax
from engine.prompts.analysis import Analysis, analyse
from engine.prompts.cleaning import MAX_PROMPT_CHARS, clean, visible
from engine.prompts.enhancement import Enhancement, EnhancementLevel, Style, addition, enhance
from engine.prompts.language import Language, language
from engine.prompts.negatives import DEFAULT_NEGATIVE, is_ours
from engine.prompts.quality import POSITIVE_SUFFIX
from engine.prompts.styles import PictureStyle, Styled, as_read, styled

__all__ = [
    "DEFAULT_NEGATIVE",
    "MAX_PROMPT_CHARS",
    "POSITIVE_SUFFIX",
    "Advice",
    "Analysis",
    "Count",
    "Enhancement",
    "EnhancementLevel",
    "Hint",
    "Language",
    "PictureStyle",
    "Style",
    "Styled",
    "addition",
    "analyse",
    "as_read",
    "clean",
    "enhance",
    "idle_syntax",
    "inert_syntax",
    "is_ours",
    "language",
    "styled",
    "visible",
]

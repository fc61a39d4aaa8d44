"""From prompt to prompt: cleaning, analysis, enhancement and negative prompts. Pure."""

from engine.prompts.advice import Advice, Count, Hint, idle_syntax, inert_syntax, lora_tags
from engine.prompts.analysis import Analysis, analyse
from engine.prompts.cleaning import MAX_PROMPT_CHARS, clean, visible
from engine.prompts.enhancement import Enhancement, EnhancementLevel, Style, addition, enhance
from engine.prompts.language import Language, language
from engine.prompts.negatives import DEFAULT_NEGATIVE, is_ours
from engine.prompts.quality import POSITIVE_SUFFIX
from engine.prompts.styles import PictureStyle, Styled, as_read, styled
from engine.prompts.triggers import missing_words, with_words, words_in
from engine.prompts.vocabulary import SUBJECTS, KnownNames, Topic, Vocabulary

__all__ = [
    "DEFAULT_NEGATIVE",
    "MAX_PROMPT_CHARS",
    "POSITIVE_SUFFIX",
    "SUBJECTS",
    "Advice",
    "Analysis",
    "Count",
    "Enhancement",
    "EnhancementLevel",
    "Hint",
    "KnownNames",
    "Language",
    "PictureStyle",
    "Style",
    "Styled",
    "Topic",
    "Vocabulary",
    "addition",
    "analyse",
    "as_read",
    "clean",
    "enhance",
    "idle_syntax",
    "inert_syntax",
    "is_ours",
    "language",
    "lora_tags",
    "missing_words",
    "styled",
    "visible",
    "with_words",
    "words_in",
]

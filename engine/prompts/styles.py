"""Styles to choose from; each stands for words that are added to the prompt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.prompts.concepts import ConceptKind, Sense
from engine.prompts.language import Language, language
from engine.prompts.quality import VAGUE_STYLES
from engine.prompts.reading import WORD, Mention, read, stem
from engine.prompts.selection import SENTENCE_ENDS, SOFT_ENDS
from engine.prompts.triggers import with_words


class PictureStyle(StrEnum):
    """A style that a picture can have."""

    PHOTO = "photo"
    FILM = "film"
    ANIME = "anime"
    COMIC = "comic"
    WATERCOLOUR = "watercolour"
    OIL = "oil"
    INK = "ink"
    PENCIL = "pencil"
    LINE_ART = "line-art"
    FLAT = "flat"
    POSTER = "poster"
    PIXEL = "pixel"
    RENDER = "3d"
    LOW_POLY = "low-poly"
    ISOMETRIC = "isometric"


@dataclass(frozen=True, slots=True)
class Styled:
    """A prompt with a style's words at its end, or unchanged if they do not fit.

    clash: the prompt's own words that name another style, or deny this one; "" for none.
    """

    prompt: str
    clash: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    """A style's words. en, zh: what is added. sense: its meaning in the lexicons.

    own: the words that name exactly this style, empty = all of the sense. beside: senses of other
    styles that a picture can have at the same time.
    """

    en: str
    zh: str
    sense: Sense
    own: frozenset[str] = frozenset()
    beside: frozenset[Sense] = frozenset()

    def words(self, spoken: Language) -> str:
        return self.en if spoken == "en" else self.zh


def _terms(listed: str) -> frozenset[str]:
    return frozenset(map(_term, listed.split(", ")))


def _term(text: str) -> str:
    """Return one form for "Low-Poly" and "low poly", for singular and plural."""
    return " ".join(stem(word[0]) for word in WORD.finditer(text)) or text


_SETTINGS = frozenset({Sense.MONOCHROME, Sense.OTHER_STYLE, Sense.ABSTRACT})
"""Go with any style: a pencil drawing may be surreal, a photo black and white."""
_PHOTOGRAPHIC = frozenset({Sense.PHOTO, Sense.FILM})
_VAGUE = frozenset(map(_term, VAGUE_STYLES))
_FORMATS = _terms(
    "logo, icon, app icon, sticker, emblem, pictogram, line icon, 图标, 贴纸, 徽标, 标志设计"
)
"""The kind of work rather than its technique: there are stickers in watercolour."""
_FLAT_WORDS = _terms(
    "vector, vector art, vector illustration, flat vector, flat vector logo, vector logo, "
    "flat design, 矢量, 矢量图, 扁平化, 扁平, 扁平风格, 扁平插画"
)
_PENCIL_WORDS = _terms(
    "pencil drawing, pencil sketch, pencil, sketch, 素描, 铅笔画, 速写, 铅笔素描"
)
_LINE_WORDS = _terms("line art, line drawing, 线稿, 简笔画, 白描")
_POSTER_WORDS = _terms("poster, poster art, poster illustration, 海报, 海报风格, 海报设计")
_DRAWN = frozenset({Sense.ILLUSTRATION})
_ANIMATED = frozenset({Sense.ANIME, Sense.COMIC}) | _DRAWN
_PRINTED = frozenset({Sense.VECTOR, Sense.PRINT, Sense.ILLUSTRATION})

_LOOKS: dict[PictureStyle, _Look] = {
    PictureStyle.PHOTO: _Look("photograph", "真实照片", Sense.PHOTO, beside=_PHOTOGRAPHIC),
    PictureStyle.FILM: _Look("film photography", "胶片摄影", Sense.FILM, beside=_PHOTOGRAPHIC),
    PictureStyle.ANIME: _Look("anime style", "动漫风格", Sense.ANIME, beside=_DRAWN),
    PictureStyle.COMIC: _Look("comic book art", "美式漫画", Sense.COMIC, beside=_DRAWN),
    PictureStyle.WATERCOLOUR: _Look(
        "watercolour painting",
        "水彩画",
        Sense.WATERCOLOUR,
        beside=frozenset({Sense.INK, Sense.PENCIL, Sense.ILLUSTRATION}),
    ),
    PictureStyle.OIL: _Look("oil painting", "油画", Sense.OIL),
    PictureStyle.INK: _Look(
        "ink wash painting", "水墨画", Sense.INK, beside=frozenset({Sense.WATERCOLOUR})
    ),
    PictureStyle.PENCIL: _Look(
        "pencil drawing", "铅笔素描", Sense.PENCIL, _PENCIL_WORDS, frozenset({Sense.WATERCOLOUR})
    ),
    PictureStyle.LINE_ART: _Look(
        "line art", "线稿", Sense.PENCIL, _LINE_WORDS, frozenset({Sense.INK}) | _ANIMATED
    ),
    PictureStyle.FLAT: _Look(
        "flat vector illustration", "扁平插画", Sense.VECTOR, _FLAT_WORDS, _ANIMATED | _PRINTED
    ),
    PictureStyle.POSTER: _Look(
        "poster art",
        "海报风格",
        Sense.ILLUSTRATION,
        _POSTER_WORDS,
        _ANIMATED | _PRINTED | _PHOTOGRAPHIC,
    ),
    PictureStyle.PIXEL: _Look("pixel art", "像素画", Sense.PIXEL, beside=_ANIMATED),
    PictureStyle.RENDER: _Look("3D render", "三维渲染", Sense.RENDER, beside=_ANIMATED),
    PictureStyle.LOW_POLY: _Look(
        "low poly 3D render", "低多边形三维渲染", Sense.RENDER, _terms("low poly, 低多边形")
    ),
    PictureStyle.ISOMETRIC: _Look(
        "isometric view",
        "等距视角",
        Sense.RENDER,
        _terms("isometric, 等距"),
        frozenset({Sense.PIXEL, Sense.VECTOR}),
    ),
}


def styled(prompt: str, style: PictureStyle | None) -> Styled:
    """Add the style's words in the prompt's own language, as if the user had named it.

    Nothing is added where they did name it. Where they name another one that does not go with it,
    or deny this one, their words win. prompt: a cleaned text.
    """
    if style is None:
        return Styled(prompt)
    look, mentions = _LOOKS[style], read(prompt).mentions
    named = [each for each in mentions if _names(each, look)]
    if any(not each.denied for each in named):
        return Styled(prompt)
    others = (each for each in mentions if not each.denied and _fights(each, look))
    clash = next(iter(named), None) or next(others, None)
    if clash is not None:
        return Styled(prompt, clash.text)
    return Styled(_joined(prompt, look.words(language(prompt)), language(prompt)))


def as_read(
    prompt: str,
    effective_prompt: str,
    style: PictureStyle | None,
    trigger_words: tuple[str, ...] = (),
) -> str:
    """Return the prompt with as much of its style and its trigger words as `effective_prompt`,
    made from it, has."""
    whole = styled(prompt, style).prompt
    texts = (with_words(whole, trigger_words), with_words(prompt, trigger_words), whole)
    return next((each for each in texts if effective_prompt.startswith(_bare(each))), prompt)


def _names(mention: Mention, look: _Look) -> bool:
    term = _term(mention.text)
    if look.own:
        return term in look.own
    return mention.sense(ConceptKind.STYLE) is look.sense and term not in _VAGUE


def _fights(mention: Mention, look: _Look) -> bool:
    sense, term = mention.sense(ConceptKind.STYLE), _term(mention.text)
    if sense is None or sense is look.sense or sense in look.beside | _SETTINGS:
        return False
    # A photo is not a painting, but an anime may be cinematic and an oil painting realistic.
    vague = term in _VAGUE and look.sense not in _PHOTOGRAPHIC
    return not vague and term not in _FORMATS


def _joined(prompt: str, words: str, spoken: Language) -> str:
    stem_, space = _bare(prompt), "" if spoken == "zh" else " "
    if stem_.endswith(tuple(SENTENCE_ENDS)):
        return f"{stem_}{space}{words[0].upper()}{words[1:]}"
    if stem_.endswith(tuple(SOFT_ENDS)):
        return f"{stem_}{space}{words}"
    return f"{stem_}，{words}" if spoken == "zh" else f"{stem_}, {words}"


def _bare(prompt: str) -> str:
    return prompt.rstrip(SOFT_ENDS) or prompt

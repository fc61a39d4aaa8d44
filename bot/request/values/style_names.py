"""The names of styles, in English and Chinese, as people write them. Pure."""

from __future__ import annotations

import re
import unicodedata

from engine.prompts import PictureStyle

QUOTES = "\"'“”‘’„«»"
"""Quotation marks that may stand around a value."""
STYLE_NAMES = (*PictureStyle, "raw")
"""The values of --style, listed in the error about an invalid one."""

_SYNONYMS: dict[PictureStyle, str] = {
    PictureStyle.PHOTO: (
        "photograph, photography, photographic, photorealistic, 照片, 摄影, 真实照片"
    ),
    PictureStyle.FILM: "film photo, film photography, analog, analogue, 胶片, 胶片摄影",
    PictureStyle.ANIME: "manga, 动漫, 二次元, 动漫风格",
    PictureStyle.COMIC: "comics, comic book, cartoon, 漫画, 卡通, 美式漫画",
    PictureStyle.WATERCOLOUR: (
        "watercolor, watercolour painting, watercolor painting, 水彩, 水彩画"
    ),
    PictureStyle.OIL: "oil painting, oils, 油画",
    PictureStyle.INK: "ink wash, ink painting, ink wash painting, 水墨, 水墨画, 国画",
    PictureStyle.PENCIL: "pencil drawing, pencil sketch, sketch, 铅笔, 铅笔画, 素描, 铅笔素描",
    PictureStyle.LINE_ART: "lineart, line, line drawing, 线稿",
    PictureStyle.FLAT: "flat illustration, flat vector, vector, 扁平, 扁平插画",
    PictureStyle.POSTER: "poster art, 海报, 海报风格",
    PictureStyle.PIXEL: "pixel art, pixels, 像素, 像素画",
    PictureStyle.RENDER: "3d render, render, 3d渲染, 三维, 三维渲染",
    PictureStyle.LOW_POLY: "lowpoly, 低多边形",
    PictureStyle.ISOMETRIC: "isometric view, 等距, 等距视角",
}
_SPELLINGS = [
    (name, style)
    for style, also in _SYNONYMS.items()
    for name in (style.value.replace("-", " "), *also.split(", "))
]
_STYLES = {name.replace(" ", ""): style for name, style in _SPELLINGS}
_LONGEST_STYLE = 60  # longer than every spelling
_STYLE = re.compile(
    rf"\s*[{QUOTES}]?("
    + "|".join(
        re.escape(name).replace(r"\ ", r"[ \-_]?")
        for name, _ in sorted(_SPELLINGS, key=lambda each: -len(each[0]))
    )
    + rf")(?!\w)[{QUOTES}]?",
    re.IGNORECASE,
)


def parse_style(text: str) -> tuple[PictureStyle, int] | None:
    """Return the style that a text begins with and where its name ends; None if there is none."""
    begins = text[:_LONGEST_STYLE]
    plain = unicodedata.normalize("NFKC", begins)
    match = _STYLE.match(plain if len(plain) == len(begins) else begins)
    if match is None:
        return None
    name = re.sub(r"[ \-_]", "", match[1].lower())
    return _STYLES[name], match.end()

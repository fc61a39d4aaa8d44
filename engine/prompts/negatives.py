"""Negative prompts made of concrete defects that fit the subject. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.prompts.concepts import FIGHTS, Sense, Topic
from engine.prompts.language import Language, is_han
from engine.prompts.reading import MASK, Reading, stems

DEFAULT_NEGATIVE: dict[Language, str] = {
    "en": "blurry, out of focus, low resolution, jpeg artifacts, watermark, text, signature, "
    "deformed, bad anatomy",
    "zh": "模糊，失焦，低分辨率，压缩痕迹，水印，文字，签名，变形，结构错误",
}
_SEPARATOR: dict[Language, str] = {"en": ", ", "zh": "，"}
_FEWEST_OURS = 3
"""A text counts as made here if it has at least this many of our defects. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect to keep out of the picture, and which pictures it applies to."""

    en: str
    zh: str
    about: frozenset[Topic]

    def wording(self, spoken: Language) -> str:
        """Return its name in this language."""
        return self.en if spoken == "en" else self.zh


def _defect(en: str, zh: str, *about: Topic) -> Defect:
    return Defect(en, zh, frozenset(about))


_COMMON = (
    _defect("blurry", "模糊", Topic.SHARP),
    _defect("out of focus", "失焦", Topic.SHARP),
    _defect("low resolution", "低分辨率", Topic.DETAIL),
    _defect("jpeg artifacts", "压缩痕迹", Topic.SHARP),
    _defect("watermark", "水印", Topic.MARKS),
    _defect("signature", "签名", Topic.MARKS),
    _defect("text", "文字", Topic.TEXT),
)
_BODY = (
    _defect("extra fingers", "多余的手指", Topic.SHAPE),
    _defect("fused fingers", "粘连的手指", Topic.SHAPE),
    _defect("extra limbs", "多余的肢体", Topic.SHAPE),
    _defect("bad anatomy", "结构错误", Topic.SHAPE),
)
_FACE = (
    _defect("crossed eyes", "斗鸡眼", Topic.SHAPE, Topic.EYES),
    _defect("distorted face", "五官扭曲", Topic.SHAPE),
    _defect("waxy skin", "蜡质皮肤", Topic.REAL),
)
_BEAST = (
    _defect("extra legs", "多余的腿", Topic.SHAPE),
    _defect("malformed paws", "畸形的爪子", Topic.SHAPE),
    _defect("bad anatomy", "结构错误", Topic.SHAPE),
)
_LINES = (
    _defect("warped lines", "弯曲的线条", Topic.ORDER),
    _defect("leaning walls", "歪斜的墙面", Topic.ORDER),
    _defect("mismatched windows", "错乱的窗户", Topic.ORDER),
)
_OF_SUBJECT: dict[Sense, tuple[Defect, ...]] = {
    Sense.PORTRAIT: (*_FACE, *_BODY),
    Sense.PERSON: (*_BODY, *_FACE),
    Sense.ANIMAL: _BEAST,
    Sense.BIRD: (
        _defect("extra wings", "多余的翅膀", Topic.SHAPE),
        _defect("extra legs", "多余的腿", Topic.SHAPE),
        _defect("bad anatomy", "结构错误", Topic.SHAPE),
    ),
    Sense.SCALY: (
        _defect("extra fins", "多余的鳍", Topic.SHAPE),
        _defect("bad anatomy", "结构错误", Topic.SHAPE),
    ),
    Sense.INSECT: (_defect("extra legs", "多余的腿", Topic.SHAPE),),
    Sense.ROBOT: (_defect("disconnected joints", "脱节的关节", Topic.SHAPE),),
    Sense.FOOD: (
        _defect("unappetising colours", "难看的颜色", Topic.COLOUR),
        _defect("plastic texture", "塑料质感", Topic.REAL),
    ),
    Sense.LETTERING: (
        _defect("misspelled words", "错别字", Topic.ORDER),
        _defect("garbled letters", "乱码", Topic.ORDER),
        _defect("uneven spacing", "字距不均", Topic.ORDER),
    ),
    Sense.VEHICLE: (
        _defect("wrong proportions", "比例失调", Topic.SHAPE),
        _defect("missing parts", "残缺的部件", Topic.SHAPE),
    ),
    Sense.PRODUCT: (
        _defect("warped edges", "弯曲的边缘", Topic.ORDER),
        _defect("smudged surface", "污损的表面", Topic.ORDER),
    ),
    Sense.FLOWER: (_defect("wilted petals", "枯萎的花瓣", Topic.SHAPE),),
    Sense.BUILDING: _LINES,
    Sense.CITY: _LINES,
    Sense.INDOOR: (*_LINES[:2], _defect("floating furniture", "悬空的家具", Topic.ORDER)),
    Sense.LANDSCAPE: (
        _defect("tilted horizon", "倾斜的地平线", Topic.ORDER),
        _defect("smeared foliage", "糊成一片的枝叶", Topic.DETAIL),
    ),
}
_LETTERED = frozenset({Sense.LETTERING})


def defects(reading: Reading, subject: Sense | None, spoken: Language) -> str:
    """Return the defects that fit the subject, without anything that the user asked for."""
    senses = reading.senses()
    if reading.quotes:
        senses |= _LETTERED
        subject = subject or Sense.LETTERING
    asked = _without(reading.text, reading.whole)
    words = frozenset(stems(asked))
    own = _OF_SUBJECT.get(subject, ()) if subject else ()
    chosen = [
        each.wording(spoken)
        for each in (*own, *_COMMON)
        if not any(FIGHTS[topic] & senses for topic in each.about)
        and not _is_asked(each, asked, words)
    ]
    return _SEPARATOR[spoken].join(dict.fromkeys(chosen))


def is_ours(negative: str) -> bool:
    """Whether a negative prompt was made here rather than written by the user."""
    if negative in DEFAULT_NEGATIVE.values():
        return True
    everything = [*_COMMON, *(each for own in _OF_SUBJECT.values() for each in own)]
    for spoken, separator in _SEPARATOR.items():
        if DEFAULT_NEGATIVE[spoken].startswith(negative + separator):  # as much of it as fitted
            return negative.count(separator) + 1 >= _FEWEST_OURS
        known = {each.wording(spoken) for each in everything}
        parts = negative.split(separator)
        if len(parts) >= _FEWEST_OURS and len(set(parts)) == len(parts) and known.issuperset(parts):
            return True
    return False


def within(negative: str, fits: Callable[[str], bool]) -> str:
    """Return as much of a negative prompt that was made here as fits, the last defects left out.

    "" where what is left would be too little to be recognised as made here.
    """
    if fits(negative):
        return negative
    separator = next((each for each in _SEPARATOR.values() if each in negative), ", ")
    parts = negative.split(separator)
    kept = range(len(parts) - 1, _FEWEST_OURS - 1, -1)
    return next((text for n in kept if fits(text := separator.join(parts[:n]))), "")


def _without(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    letters = list(text)
    for start, end in spans:
        letters[start:end] = MASK * (end - start)
    return "".join(letters)


def _is_asked(defect: Defect, asked: str, words: frozenset[str]) -> bool:
    """Whether the words of a defect are all in the prompt, in either language."""
    if words.issuperset(stems(defect.en)):
        return True
    bare = "".join(each for each in defect.zh if is_han(each) and each != "的")
    return bare in asked.replace("的", "")

"""Quality phrases, general and per style."""

from __future__ import annotations

from engine.prompts.concepts import Sense, Topic
from engine.prompts.language import Language
from engine.prompts.phrases import Phrase, Slot, say

POSITIVE_SUFFIX: dict[Language, str] = {
    "en": "Crisp focus, rich detail, harmonious light and a well-balanced composition.",
    "zh": "焦点清晰，细节丰富，光影和谐，构图平衡。",
}
_BALANCE = say("a well-balanced composition", "构图平衡", Topic.ORDER)
_COLOURS = say("harmonious colours | a coherent palette", "色彩和谐 | 色调统一", Topic.COLOUR)
_PAPER = say(
    "visible paper grain | a hint of paper grain", "纸张纹理可见 | 隐约的纸纹", Topic.DETAIL
)

PLAIN_QUALITY: tuple[Slot, ...] = (
    (say("crisp focus", "焦点清晰", Topic.SHARP),),
    (say("rich detail", "细节丰富", Topic.DETAIL),),
    (say("harmonious light", "光影和谐", Topic.LIGHT, Topic.SHADOW),),
    (_BALANCE,),
)
"""The parts of POSITIVE_SUFFIX, for prompts that name no style."""

VAGUE_STYLES = (
    "realistic", "cinematic", "documentary", "painting", "painted", "drawing", "illustration",
    "digital art", "写实", "电影感", "纪实", "绘画", "插画", "插图",
)  # fmt: skip
"""Styles that say little about the craft: where another style is named, that one counts."""

QUALITY: dict[Sense, tuple[Slot, ...]] = {
    Sense.PHOTO: (
        (say("photographic sharpness | precise focus", "照片般清晰 | 对焦精准", Topic.SHARP),),
        (say("true-to-life detail | honest detail", "细节真实 | 细节可信", Topic.DETAIL),),
        (say("natural tones | faithful tones", "影调自然 | 影调真切"),),
    ),
    Sense.FILM: (
        (
            say(
                "gentle highlights | softly rolled-off highlights",
                "高光柔和 | 高光过渡柔和",
                Topic.LIGHT,
            ),
        ),
        (say("a natural tonal range", "影调过渡自然"),),
    ),
    Sense.OIL: (
        (say("visible brushwork | confident brushwork", "笔触清晰可见 | 笔触自信有力"),),
        (say("layered pigment | thick layers of pigment", "颜料层次厚重 | 颜料堆叠厚实"),),
        (say("a feel of canvas", "画布肌理隐现"),),
    ),
    Sense.WATERCOLOUR: (
        (say("translucent washes | luminous washes", "晕染通透 | 水色通透"),),
        (say("softly bleeding edges", "边缘自然渗化"),),
        (_PAPER,),
    ),
    Sense.INK: (
        (say("expressive brush lines | vigorous brush lines", "线条遒劲 | 笔力遒劲"),),
        (say("graded washes | washes from dark to pale", "墨色浓淡有致 | 墨分五色"),),
    ),
    Sense.PENCIL: (
        (say("confident lines | sure varied lines", "线条流畅 | 线条肯定有变化"),),
        (say("fine hatching", "排线细腻", Topic.DETAIL),),
        (_PAPER,),
    ),
    Sense.PAINT: (
        (say("visible brushwork | confident brushwork", "笔触清晰可见 | 笔触自信有力"),),
        (_COLOURS,),
    ),
    Sense.PIXEL: (
        (say("clean square edges | neatly aligned blocks", "方块边缘整齐 | 方块排列整齐"),),
        (say("a limited palette", "配色克制", Topic.COLOUR),),
        (say("readable shapes", "造型易于辨认"),),
    ),
    Sense.ANIME: (
        (say("clean outlines | elegant outlines", "勾线干净 | 勾线优美"),),
        (say("smooth shading", "上色平滑", Topic.SHADOW),),
        (_COLOURS,),
    ),
    Sense.COMIC: (
        (say("bold outlines | strong outlines", "轮廓线醒目 | 轮廓线有力"),),
        (say("clear areas of colour", "色块明快", Topic.COLOUR),),
    ),
    Sense.RENDER: (
        (say("plausible materials | carefully shaded materials", "材质表现可信 | 材质刻画考究"),),
        (say("clean geometry", "模型干净规整"),),
    ),
    Sense.VECTOR: (
        (say("clean geometric shapes | simple geometric shapes", "几何造型简练 | 几何造型规整"),),
        (say("smooth edges", "边缘平滑"),),
    ),
    Sense.ILLUSTRATION: (
        (say("polished rendering | careful rendering", "刻画精致 | 刻画细心"),),
        (_COLOURS,),
        (_BALANCE,),
    ),
    Sense.PRINT: (
        (say("carved lines | lines with the feel of the knife", "刻线有力 | 刀味十足"),),
        (say("flat areas of ink", "墨色平整"),),
    ),
    Sense.CRAFT: (
        (say("a tactile handmade look | handmade texture", "手工质感可触 | 手工痕迹自然"),),
        (say("careful workmanship", "做工细致"),),
    ),
    Sense.MONOCHROME: (
        (say("a full tonal range | finely graded tones", "影调层次丰富 | 影调过渡细腻"),),
        (_BALANCE,),
    ),
    Sense.ABSTRACT: (
        (say("a confident rhythm of forms", "形态富有节奏"),),
        (say("considered surface texture", "表面肌理讲究"),),
    ),
    Sense.OTHER_STYLE: ((say("a consistent style throughout", "风格统一"),), (_BALANCE,)),
}
"""The quality of good work in the style that the user named."""

EXTRAS: tuple[Phrase, ...] = (
    say("placement by the rule of thirds", "主体位于三分线上", Topic.FRAMING),
    say("a slightly low viewpoint", "略低的视角", Topic.FRAMING),
    say("an eye-level viewpoint", "平视的视角", Topic.FRAMING),
    say("natural framing by the surroundings", "由周围景物自然框住", Topic.FRAMING),
    say("a quiet mood", "安静的气氛", Topic.MOOD),
    say("a sense of wonder", "令人惊叹的意境", Topic.MOOD),
    say("an intimate mood", "亲切的气氛", Topic.MOOD),
)
"""Composition and mood, for requests with variety."""

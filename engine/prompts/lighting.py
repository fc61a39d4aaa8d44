"""Phrases for the light of times of day and of weather."""

from __future__ import annotations

from engine.prompts.concepts import Sense, Topic
from engine.prompts.phrases import Slot, say

_LOW_LIGHT = say(
    "soft low light | gentle slanting light", "低斜的柔光 | 轻柔的斜光", Topic.LIGHT, Topic.SUNLIT
)
_LONG_SHADOWS = say(
    "long shadows | shadows stretching far",
    "长长的影子 | 斜长的影子",
    Topic.LIGHT,
    Topic.SHADOW,
    Topic.OPEN_SKY,
)

LIGHT_OUTDOORS: dict[Sense, tuple[Slot, ...]] = {
    Sense.DAWN: (
        (
            say(
                "soft golden light | tender golden light",
                "柔和的金色光线 | 淡金色的柔光",
                Topic.LIGHT,
                Topic.GOLD,
                Topic.SUNLIT,
            ),
            _LOW_LIGHT,
        ),
        (_LONG_SHADOWS,),
    ),
    Sense.MORNING: (
        (
            say(
                "fresh soft light | clear gentle light",
                "清新柔和的光线 | 明净的柔光",
                Topic.LIGHT,
                Topic.SUNLIT,
            ),
        ),
        (
            say(
                "gentle shadows | light shadows",
                "浅浅的影子 | 淡淡的影子",
                Topic.LIGHT,
                Topic.SHADOW,
                Topic.OPEN_SKY,
            ),
        ),
    ),
    Sense.NOON: (
        (
            say(
                "bright light from high above | clear light from overhead",
                "明亮的顶光 | 清澈的顶光",
                Topic.LIGHT,
                Topic.BRIGHT,
                Topic.SUNLIT,
                Topic.OPEN_SKY,
                Topic.GOLD,
            ),
        ),
        (
            say(
                "short shadows | compact shadows",
                "短短的影子 | 紧凑的影子",
                Topic.LIGHT,
                Topic.SHADOW,
                Topic.OPEN_SKY,
            ),
        ),
    ),
    Sense.AFTERNOON: (
        (
            say(
                "warm slanting light | mellow slanting light",
                "温暖的斜光 | 和煦的斜光",
                Topic.LIGHT,
                Topic.GOLD,
                Topic.SUNLIT,
            ),
            _LOW_LIGHT,
        ),
        (
            say(
                "lengthening shadows | soft shadows",
                "渐长的影子 | 柔和的影子",
                Topic.LIGHT,
                Topic.SHADOW,
                Topic.OPEN_SKY,
            ),
        ),
    ),
    Sense.GOLDEN_HOUR: (
        (
            say(
                "warm light from a low sun | honeyed light from a low sun",
                "低垂太阳的暖光 | 蜜色的暖光",
                Topic.LIGHT,
                Topic.GOLD,
                Topic.SUNLIT,
            ),
        ),
        (_LONG_SHADOWS,),
    ),
    Sense.SUNSET: (
        (
            say(
                "a warm glow along the horizon | amber light along the horizon",
                "地平线上的暖色光辉 | 天边的琥珀色光辉",
                Topic.LIGHT,
                Topic.GOLD,
                Topic.SUNLIT,
                Topic.OPEN_SKY,
            ),
            _LOW_LIGHT,
        ),
        (_LONG_SHADOWS,),
    ),
    Sense.DUSK: (
        (
            say(
                "fading light with cool blue tones | soft light with bluish tones",
                "渐暗的天光带着冷蓝色调 | 柔暗的天光泛着蓝调",
                Topic.LIGHT,
                Topic.COLOUR,
                Topic.SUNLIT,
                Topic.OPEN_SKY,
            ),
            _LOW_LIGHT,
        ),
    ),
    Sense.NIGHT: (
        (
            say(
                "deep blue night tones | dark tones with a blue cast",
                "深邃的蓝色夜调 | 幽蓝的暗部色调",
                Topic.LIGHT,
                Topic.COLOUR,
                Topic.OPEN_SKY,
            ),
            say(
                "deep tonal contrast | strong tonal contrast",
                "深沉的明暗层次 | 鲜明的明暗层次",
                Topic.LIGHT,
            ),
        ),
        (
            say(
                "small points of light | scattered points of light",
                "点点微光 | 零星的微光",
                Topic.LIGHT,
                Topic.BRIGHT,
            ),
        ),
    ),
}
"""The light outdoors by time of day."""

LIGHT_INDOORS: dict[Sense, tuple[Slot, ...]] = {
    Sense.DAWN: (
        (
            say(
                "first light falling through the window | pale light falling through the window",
                "窗外透进的微明晨光 | 窗外透进的淡淡晨光",
                Topic.LIGHT,
                Topic.SUNLIT,
            ),
        ),
    ),
    Sense.MORNING: (
        (
            say(
                "fresh light falling through the window | clear light falling through the window",
                "窗外透进的清新光线 | 窗外透进的明净光线",
                Topic.LIGHT,
                Topic.SUNLIT,
            ),
        ),
    ),
    Sense.NOON: (
        (
            say(
                "bright light falling through the window",
                "窗外透进的明亮光线",
                Topic.LIGHT,
                Topic.BRIGHT,
                Topic.SUNLIT,
            ),
        ),
    ),
    Sense.AFTERNOON: (
        (
            say(
                "slanting light falling through the window",
                "窗外斜射进来的光线",
                Topic.LIGHT,
                Topic.SUNLIT,
            ),
        ),
    ),
    Sense.GOLDEN_HOUR: (
        (
            say(
                "warm light falling through the window",
                "窗外透进的暖光",
                Topic.LIGHT,
                Topic.GOLD,
                Topic.SUNLIT,
            ),
        ),
    ),
    Sense.SUNSET: (
        (
            say(
                "warm light falling through the window",
                "窗外透进的暖光",
                Topic.LIGHT,
                Topic.GOLD,
                Topic.SUNLIT,
            ),
        ),
    ),
    Sense.DUSK: (
        (
            say(
                "fading light falling through the window",
                "窗外透进的渐暗天光",
                Topic.LIGHT,
                Topic.SUNLIT,
            ),
        ),
    ),
    Sense.NIGHT: (
        (
            say(
                "warm lamps against the dark window | warm pools of lamplight",
                "温暖的室内灯火 | 柔暖的灯火",
                Topic.LIGHT,
                Topic.GOLD,
                Topic.BRIGHT,
            ),
        ),
    ),
}
"""The same indoors, where it comes through the window."""

LIGHT_OF_WEATHER: dict[Sense, tuple[Slot, ...]] = {
    Sense.FOG: (
        (
            say(
                "soft diffused light | pale diffused light",
                "柔和的漫射光 | 浅淡的漫射光",
                Topic.LIGHT,
            ),
        ),
        (
            say(
                "shapes fading with distance | outlines dissolving with distance",
                "远处轮廓渐渐隐去 | 远景渐渐消隐",
                Topic.OPEN_SKY,
            ),
        ),
    ),
    Sense.STORM: (
        (
            say(
                "dramatic light under heavy skies",
                "厚重天幕下的强烈明暗",
                Topic.LIGHT,
                Topic.OPEN_SKY,
            ),
        ),
    ),
    Sense.RAIN: (
        (say("muted light from a heavy sky", "低沉天幕下的柔暗光线", Topic.LIGHT, Topic.OPEN_SKY),),
        (say("glistening wet surfaces", "湿润反光的表面", Topic.OPEN_SKY),),
    ),
    Sense.SNOW: (
        (
            say(
                "soft light reflected from the ground",
                "地面反射的柔和光线",
                Topic.LIGHT,
                Topic.OPEN_SKY,
            ),
        ),
    ),
    Sense.CLOUDS: ((say("even light without glare", "均匀不刺眼的光线", Topic.LIGHT),),),
    Sense.SUN: (
        (
            say(
                "clear bright light | strong clear light",
                "清澈明亮的光线 | 明净的强烈光线",
                Topic.LIGHT,
                Topic.BRIGHT,
                Topic.SUNLIT,
            ),
        ),
        (
            say(
                "distinct shadows | well-defined shadows",
                "轮廓分明的影子",
                Topic.LIGHT,
                Topic.SHADOW,
                Topic.OPEN_SKY,
            ),
        ),
    ),
}
"""The light by weather, where the prompt names no time of day."""

NIGHT_CITY: tuple[Slot, ...] = (
    (
        say(
            "glowing windows above the pavement | brightly lit windows",
            "窗户透出点点灯火 | 楼宇间灯火点点",
            Topic.BRIGHT,
            Topic.COLOUR,
            Topic.LIGHT,
        ),
    ),
    (
        say(
            "coloured reflections on the ground | lights mirrored in the pavement",
            "路面映着彩色倒影 | 路面映着斑斓灯影",
            Topic.BRIGHT,
            Topic.COLOUR,
        ),
    ),
)
"""The lights of a city at night."""

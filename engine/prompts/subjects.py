"""Phrases that a subject or a place implies."""

from __future__ import annotations

from engine.prompts.concepts import Sense, Topic
from engine.prompts.phrases import Slot, say

DEPTH = say(
    "depth from the foreground to the distance | clear layers of depth",
    "前景到远景层次分明 | 由近及远层层推进",
    Topic.DEPTH,
)
IMPLIED: dict[Sense, tuple[Slot, ...]] = {
    Sense.PORTRAIT: (
        (
            say(
                "eyes in focus | a gaze in focus",
                "眼睛对焦准确 | 眼神清晰有神",
                Topic.EYES,
                Topic.SHARP,
            ),
            say("an expressive face | a telling expression", "神情生动 | 表情传神", Topic.EYES),
        ),
        (
            say(
                "natural skin texture | true-to-life skin",
                "皮肤质感自然 | 真实的皮肤质感",
                Topic.REAL,
                Topic.DETAIL,
            ),
        ),
    ),
    Sense.PERSON: (
        (say("a natural pose | an unforced pose", "姿态自然 | 姿势放松自然", Topic.ORDER),),
        (
            say(
                "believable hands and proportions | well-formed hands",
                "手部与比例准确 | 手部结构准确",
                Topic.REAL,
                Topic.SHAPE,
            ),
        ),
    ),
    Sense.ANIMAL: (
        (say("lively eyes | bright alert eyes", "眼神灵动 | 目光有神", Topic.EYES),),
        (
            say(
                "finely textured fur | fur with visible strands",
                "毛发纹理细腻 | 毛发根根分明",
                Topic.DETAIL,
                Topic.REAL,
            ),
            say("a characteristic pose", "姿态传神", Topic.ORDER),
        ),
    ),
    Sense.BIRD: (
        (say("lively eyes", "眼神灵动", Topic.EYES),),
        (
            say(
                "finely layered feathers | feathers with visible barbs",
                "羽毛层层分明 | 羽毛纹理细腻",
                Topic.DETAIL,
                Topic.REAL,
            ),
            say("a characteristic pose", "姿态传神", Topic.ORDER),
        ),
    ),
    Sense.SCALY: (
        (
            say(
                "glistening skin | a moist sheen on the skin",
                "体表泛着光泽 | 体表湿润有光泽",
                Topic.DETAIL,
                Topic.REAL,
            ),
        ),
        (say("a fluid pose", "姿态流畅", Topic.REAL),),
    ),
    Sense.INSECT: (
        (
            say(
                "delicate anatomy | finely drawn legs and wings",
                "肢体纤毫毕现 | 翅脉清晰",
                Topic.DETAIL,
            ),
        ),
    ),
    Sense.CREATURE: (
        (
            say(
                "richly textured skin | elaborate surface texture",
                "体表纹理丰富 | 体表质感细致",
                Topic.DETAIL,
            ),
        ),
        (say("a commanding presence", "气势十足", Topic.MOOD),),
    ),
    Sense.ROBOT: (
        (
            say(
                "precise mechanical joints | carefully engineered joints",
                "机械关节精密 | 关节结构严谨",
                Topic.DETAIL,
            ),
        ),
        (say("convincing metal surfaces", "金属表面质感可信", Topic.REAL),),
    ),
    Sense.FOOD: (
        (
            say(
                "appetising textures | mouth-watering textures",
                "食材质感诱人 | 质感令人垂涎",
                Topic.DETAIL,
            ),
        ),
        (
            say(
                "fresh natural colours | fresh appealing colours",
                "色泽新鲜 | 色泽鲜亮",
                Topic.COLOUR,
            ),
        ),
    ),
    Sense.LETTERING: (
        (
            say(
                "clean legible lettering | crisp readable lettering",
                "字形清晰易读 | 笔画清楚可辨",
                Topic.ORDER,
            ),
        ),
        (say("even spacing", "字距均匀", Topic.ORDER),),
    ),
    Sense.VEHICLE: (
        (say("accurate proportions | a faithful build", "比例准确 | 结构比例可信", Topic.SHAPE),),
        (say("convincing surface reflections", "表面反光真实", Topic.REAL),),
    ),
    Sense.FLOWER: (
        (
            say(
                "delicate petals | thin translucent petals", "花瓣细腻 | 花瓣轻薄通透", Topic.DETAIL
            ),
        ),
        (say("visible veins in the leaves", "叶脉清晰可见", Topic.DETAIL, Topic.REAL),),
    ),
    Sense.TREE: (
        (
            say(
                "finely drawn foliage | foliage with visible structure",
                "枝叶刻画细腻 | 枝叶层次分明",
                Topic.DETAIL,
            ),
        ),
    ),
    Sense.PRODUCT: (
        (say("clean edges | precise contours", "边缘干净利落 | 轮廓精准", Topic.SHARP),),
        (say("faithful materials | convincing materials", "材质表现真实 | 材质可信", Topic.REAL),),
    ),
    Sense.BUILDING: (
        (say("straight verticals | true verticals", "垂直线条端正 | 立面线条笔直", Topic.ORDER),),
        (
            say(
                "clear surface textures | tangible surface textures",
                "墙面纹理分明 | 墙面质感可触",
                Topic.DETAIL,
            ),
        ),
    ),
    Sense.LANDSCAPE: (
        (DEPTH,),
        (
            say(
                "fine natural textures | tangible natural surfaces",
                "自然纹理细腻 | 大地肌理细腻",
                Topic.DETAIL,
            ),
        ),
    ),
    Sense.CITY: (
        (
            say(
                "a clear sense of scale | convincing scale",
                "尺度感真实 | 城市尺度可信",
                Topic.ORDER,
            ),
        ),
        (DEPTH,),
    ),
    Sense.INDOOR: (
        (
            say(
                "correct perspective | calm true perspective",
                "空间透视准确 | 透视平稳准确",
                Topic.ORDER,
            ),
        ),
        (say("tangible furnishings", "陈设质感真实", Topic.DETAIL),),
    ),
    Sense.SPACE: (
        (say("a sense of vast scale | immense scale", "尺度宏大 | 浩瀚的尺度感", Topic.DETAIL),),
    ),
    Sense.UNDERWATER: (
        (
            say(
                "shimmering light from the surface | rippling light from the surface",
                "水面透下的粼粼波光 | 水面透下的摇曳波光",
                Topic.LIGHT,
                Topic.BRIGHT,
            ),
        ),
    ),
}
"""What a subject or a place makes likely."""

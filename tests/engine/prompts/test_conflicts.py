"""Additions never contradict, repeat or ignore the user's own words."""

import pytest

from engine.prompts import EnhancementLevel, Style, enhance


def added(prompt: str) -> str:
    """Return what full enhancement adds, in lower case."""
    return enhance(
        prompt,
        negative="",
        level=EnhancementLevel.FULL,
        style=Style.SENTENCES,
        negative_works=False,
    ).added.lower()


@pytest.mark.parametrize(
    ("prompt", "never"),
    [
        ("a valley at dawn in harsh noon light", "golden|shadow|horizon"),
        ("a moonlit valley at dawn", "golden|long shadows"),
        ("a lake from dawn to midnight", "golden|shadow|night tones"),
        ("black and white photo of a lake at dawn", "golden|colour|warm"),
        ("monochrome sunset over the sea", "warm|amber|golden|colour"),
        ("pencil drawing of a lake at sunset", "warm|amber|golden|colour"),
        ("minimalist lake at dawn", "rich detail|depth|textures|shadow"),
        ("flat illustration of a cat at dawn", "rich detail|depth|shadow|light"),
        ("a blurry dog", "focus|crisp|detail|sharp"),
        ("a dog, out of focus", "focus|crisp|sharp"),
        ("portrait with bokeh", "crisp|depth from"),
        ("a city street with shallow depth of field", "crisp|depth from"),
        ("a dark forest at night", "points of light|glow|bright"),
        ("a pitch black corridor at dawn", "golden|bright"),
        ("foggy mountain at dawn", "golden|long shadows|crisp|depth from"),
        ("a lake at dawn, no shadows", "shadow"),
        ("a lake at dawn without any long shadows", "shadow"),
        ("a shadowless desert at noon", "short shadows|compact shadows"),
        ("a shadow-free desert at noon", "shadow"),
        ("a lake without golden light at dawn", "golden|light"),
        ("a street at night, no lights", "light|lit|glow"),
        ("a city street at night, no reflections", "reflection|mirrored"),
        ("a room without people", "pose|hands|skin"),
        ("no dog, just a lawn", "fur|eyes"),
        ("a lake, not dawn", "golden"),
        ("a bedroom at dawn", "long shadows|golden"),
        ("indoor scene, sunset", "long shadows|horizon"),
        ("Dawn French on a stage", "golden|shadow"),
        ("a photo of Dawn", "golden|shadow"),
        ("Dawnguard armour", "golden|shadow"),
        ("a woman in an evening gown", "fading|tones"),
        ("a nightingale", "night|points of light"),
        ("a bed and a nightstand", "night|points of light"),
        ('a shop sign "sunset dog"', "fur|shadow|horizon"),
        ("a shop sign “at dawn”", "golden|shadow"),
        ("a pink dawn over the sea", "golden"),
        ("a sunset in cool tones", "warm|amber|golden"),
        ("a stormy sea at sunset", "warm|amber|long shadows"),
        ("coral reef at dawn, underwater", "golden|shadow"),
        ("a space station at dawn, outer space", "golden|shadow"),
        ("oil painting of a woman", "photographic|skin|crisp focus"),
        ("pixel art of a cat", "fur|rich detail|photographic"),
        ("portrait of a woman with closed eyes", "eyes"),
        ("a portrait from behind", "eyes"),
        ("a chaotic street", "balanced|verticals|sense of scale"),
        ("silhouette of a horse at sunset", "fur|crisp|rich detail"),
        ("a deformed man", "proportions|balanced"),
        ("a night-blooming cactus", "night tones|points of light"),
        ("midnight blue car", "night|points of light"),
    ],
)
def test_english(prompt: str, never: str) -> None:
    """None of these words is added to such a prompt."""
    assert [word for word in never.split("|") if word in added(prompt)] == []


@pytest.mark.parametrize(
    ("prompt", "never"),
    [
        ("黎明的山谷，正午强光", "金|影子"),
        ("不是黄昏，是清晨的海边", "冷蓝|渐暗"),
        ("黑白摄影，黎明的湖", "金|色彩|暖"),
        ("单色，日落的海", "暖|琥珀|金|色彩"),
        ("素描，夕阳下的湖", "暖|琥珀|金|色彩"),
        ("极简的湖，黎明", "细节丰富|层次分明|影子"),
        ("扁平插画，清晨的猫", "细节丰富|影子|光"),
        ("模糊的狗", "清晰|对焦|细节"),
        ("失焦的街道", "清晰|对焦"),
        ("背景虚化的街道", "焦点清晰|远景"),
        ("黑暗的森林，夜晚", "微光|灯火|明亮"),
        ("大雾中的山，黎明", "金|影子|焦点清晰|层次分明"),
        ("日出的沙漠，不要影子", "影"),
        ("没有阴影的沙漠，正午", "影"),
        ("无影的沙漠，正午", "影"),
        ("没有人的房间", "姿态|手部|皮肤"),
        ("不要狗，只有草坪", "毛发|眼神"),
        ("没有金色光线的黎明湖面", "金色"),
        ("夜晚的城市，不要灯火", "灯火|灯影"),
        ("卧室，清晨", "影子|金"),
        ("室内，日落", "影子|地平线"),
        ("夜莺", "夜调|微光"),
        ("日本的桥", "影子|暖"),
        ("晚礼服", "夜|暗"),
        ("海报上写着“日落时的狗”", "毛发|影子|地平线"),
        ("招牌「清晨」", "金|影子"),
        ("紫色的黄昏", "冷蓝"),
        ("冷色调的日落", "暖|金|琥珀"),
        ("暴风雨中的海，日落", "暖|斜长|长长"),
        ("海底的珊瑚礁，黎明", "金|影子"),
        ("太空中的飞船，黎明", "金|影子"),
        ("油画，女人", "照片|皮肤|焦点清晰"),
        ("像素画，猫", "毛发|细节丰富"),
        ("闭着眼睛的女孩肖像", "眼"),
        ("背影，少女", "眼"),
        ("混乱的街道", "平衡|端正|尺度感"),
        ("马路上的行人", "毛发"),
        ("一位牛仔", "毛发"),
        ("无人机航拍的村庄", "姿态|手部"),
        ("畸形的男人", "比例准确|平衡"),
        ("剪影，日落的马", "毛发|焦点清晰|细节丰富"),
    ],
)
def test_chinese(prompt: str, never: str) -> None:
    """None of these words is added to such a prompt."""
    assert [word for word in never.split("|") if word in added(prompt)] == []


@pytest.mark.parametrize(
    ("prompt", "there"),
    [
        ("a lake at dawn", "soft golden light"),
        ("A LAKE AT DAWN", "soft golden light"),
        ("A Lake At Dawn By The Hills", "soft golden light"),
        ("Dawn over the lake", "soft golden light"),
        ("a lake at Dawn", "soft golden light"),
        ("dawn时的湖 with a boat and a tower", "soft golden light"),
        ("a valley, no people, at dawn", "soft golden light"),
        ("a dawn without people", "soft golden light"),
        ("portrait of a woman", "eyes in focus"),
        ("portrait of a cat", "fur"),
        ("oil painting of a cat", "brushwork"),
        ("a cat and the words “meow”", "fur"),
        ("a wall saying “meow”", "lettering"),
        ("city street at night", "glowing windows"),
        ("日出的湖", "金色光线"),
        ("没有人的湖，黎明", "金色光线"),
        ("猫的肖像", "毛发"),
        ("夜晚的城市街道", "灯火"),
        ("水彩，猫", "晕染"),
    ],
)
def test_what_is_implied_is_added(prompt: str, there: str) -> None:
    """Time, subject and style are recognised among other words, capitals and denials."""
    assert there in added(prompt)


@pytest.mark.parametrize(
    ("prompt", "never"),
    [
        ("a lake at dawn, long shadows", "long shadow"),
        ("a lake at dawn, a long shadow", "long shadow"),
        ("a lake at dawn, Soft Golden Light", "golden"),
        ("cat with finely textured fur", "textured fur"),
        ("crisp focus on a boat", "crisp focus"),
        ("RICH DETAILS of a boat", "rich detail"),
        ("oil painting of a boat, visible brushwork", "brushwork"),
        ("a boat in a well balanced composition", "composition"),
        ("细节丰富的小船", "细节丰富"),
        ("长长的影子，日出的湖", "影子"),
        ("构图平衡，小船", "构图平衡"),
        ("毛发纹理细腻的猫", "毛发"),
        ("油画，笔触清晰可见", "笔触"),
    ],
)
def test_nothing_is_repeated(prompt: str, never: str) -> None:
    """Words that the user has written are not added, whatever their case and number."""
    assert never not in added(prompt)


@pytest.mark.parametrize(
    "prompt", ["a blurry dog", "minimalist poster", "a lake without detail", "模糊的狗", "极简的湖"]
)
def test_light_steps_back(prompt: str) -> None:
    """Light enhancement adds its sentence or, where the prompt asks for the opposite, nothing."""
    made = enhance(
        prompt,
        negative="",
        level=EnhancementLevel.LIGHT,
        style=Style.SENTENCES,
        negative_works=False,
    )
    assert made.added == ""
    assert made.effective_prompt == prompt

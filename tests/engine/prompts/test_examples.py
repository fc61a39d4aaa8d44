"""Full enhancement of prompts as people write them; each result was read and found good."""

import pytest

from engine.prompts import EnhancementLevel, Style, enhance


@pytest.mark.parametrize(
    ("prompt", "added"),
    [
        (
            "a mountain lake at dawn",
            "Soft golden light and long shadows. "
            "Depth from the foreground to the distance and fine natural textures. "
            "Crisp focus, rich detail and a well-balanced composition.",
        ),
        (
            "a red boat on a mountain lake at dawn",
            "Soft golden light and long shadows. "
            "Accurate proportions and depth from the foreground to the distance. "
            "Crisp focus, rich detail and a well-balanced composition.",
        ),
        (
            "portrait of an old fisherman, natural light",
            "Eyes in focus and natural skin texture. Rich detail and a well-balanced composition.",
        ),
        (
            "oil painting of a castle at sunset",
            "A warm glow along the horizon and long shadows. "
            "Straight verticals and clear surface textures. "
            "Visible brushwork, layered pigment and a feel of canvas.",
        ),
        (
            "a bowl of ramen",
            "Appetising textures and fresh natural colours. "
            "Crisp focus, rich detail, harmonious light and a well-balanced composition.",
        ),
        (
            "Tokyo street at night in the rain",
            "Glowing windows above the pavement and coloured reflections on the ground. "
            "A clear sense of scale and depth from the foreground to the distance. "
            "Crisp focus, rich detail and a well-balanced composition.",
        ),
        (
            "a shop sign that says “OPEN”",
            "Clean legible lettering and even spacing. "
            "Crisp focus, rich detail, harmonious light and a well-balanced composition.",
        ),
        (
            "watercolor of a fox in a foggy forest",
            "Soft diffused light and shapes fading with distance. "
            "Lively eyes. "
            "Translucent washes, softly bleeding edges and visible paper grain.",
        ),
        (
            "flat vector logo of a whale",
            "Clean geometric shapes and smooth edges.",
        ),
        (
            "black and white photo of a bridge at dawn, no people",
            "Soft low light and long shadows. "
            "Straight verticals and clear surface textures. "
            "A full tonal range and a well-balanced composition.",
        ),
        (
            "cozy living room in the evening",
            "Fading light falling through the window. "
            "Correct perspective and tangible furnishings. "
            "Crisp focus, rich detail and a well-balanced composition.",
        ),
        (
            "a perfume bottle on a white background",
            "Clean edges and faithful materials. "
            "Crisp focus, rich detail, harmonious light and a well-balanced composition.",
        ),
        (
            "a hot air balloon over the desert at noon",
            "Bright light from high above and short shadows. "
            "Accurate proportions and depth from the foreground to the distance. "
            "Crisp focus, rich detail and a well-balanced composition.",
        ),
        (
            "anime girl under cherry blossoms in the morning",
            "Fresh soft light and gentle shadows. "
            "A natural pose. "
            "Clean outlines, smooth shading and harmonious colours.",
        ),
        (
            "a knight and a dragon, concept art",
            "A natural pose. "
            "Polished rendering, harmonious colours and a well-balanced composition.",
        ),
        (
            "polaroid of a car on a beach at golden hour",
            "Warm light from a low sun and long shadows. "
            "Accurate proportions and depth from the foreground to the distance. "
            "Gentle highlights and a natural tonal range.",
        ),
    ],
)
def test_english(prompt: str, added: str) -> None:
    """Light, subject and craft are added, each where the prompt leaves it open."""
    assert _full(prompt) == f"{prompt.rstrip('.')}. {added}"


@pytest.mark.parametrize(
    ("prompt", "added"),
    [
        (
            "黎明时分山间湖泊上的一艘红船",
            "柔和的金色光线，长长的影子。"
            "比例准确，前景到远景层次分明。"
            "焦点清晰，细节丰富，光影和谐，构图平衡。",
        ),
        (
            "一位老渔夫的肖像，自然光",
            "眼睛对焦准确，皮肤质感自然。焦点清晰，细节丰富，构图平衡。",
        ),
        (
            "夕阳下的城堡，油画",
            "地平线上的暖色光辉，长长的影子。"
            "垂直线条端正，墙面纹理分明。"
            "笔触清晰可见，颜料层次厚重，画布肌理隐现。",
        ),
        (
            "一碗热腾腾的拉面",
            "食材质感诱人，色泽新鲜。焦点清晰，细节丰富，光影和谐，构图平衡。",
        ),
        (
            "夜晚的城市街道，下着雨",
            "窗户透出点点灯火，路面映着彩色倒影。"
            "尺度感真实，前景到远景层次分明。"
            "焦点清晰，细节丰富，构图平衡。",
        ),
        (
            "水墨画，山水，薄雾",
            "柔和的漫射光，远处轮廓渐渐隐去。自然纹理细腻。线条遒劲，墨色浓淡有致。",
        ),
        (
            "黑白摄影，清晨的石桥，没有人",
            "低斜的柔光，长长的影子。垂直线条端正，墙面纹理分明。影调层次丰富，构图平衡。",
        ),
        (
            "海报上写着“日出”",
            "字形清晰易读，字距均匀。细节丰富，光影和谐，构图平衡。",
        ),
        (
            "卧室，傍晚，一只猫趴在床上",
            "窗外透进的渐暗天光。眼神灵动，毛发纹理细腻。焦点清晰，细节丰富，构图平衡。",
        ),
        (
            "像素风的机器人",
            "方块边缘整齐，配色克制，造型易于辨认。",
        ),
        (
            "正午的沙漠，热气球",
            "明亮的顶光，短短的影子。"
            "比例准确，前景到远景层次分明。"
            "焦点清晰，细节丰富，光影和谐，构图平衡。",
        ),
        (
            "樱花树下的少女，动漫风格，早晨",
            "清新柔和的光线，浅浅的影子。姿态自然。勾线干净，上色平滑，色彩和谐。",
        ),
    ],
)
def test_chinese(prompt: str, added: str) -> None:
    """Light, subject and craft are added in Chinese too."""
    assert _full(prompt) == f"{prompt}。{added}"


@pytest.mark.parametrize(
    ("prompt", "effective"),
    [
        (
            "a fox in a forest at dawn",
            "a fox in a forest at dawn, soft golden light, long shadows, lively eyes, "
            "depth from the foreground to the distance, crisp focus, rich detail, "
            "well-balanced composition",
        ),
        (
            "pixel art cat",
            "pixel art cat, lively eyes, characteristic pose, clean square edges, "
            "limited palette, readable shapes",
        ),
    ],
)
def test_tags(prompt: str, effective: str) -> None:
    """Families that read tags get the same as tags."""
    made = enhance(
        prompt, negative="", level=EnhancementLevel.FULL, style=Style.TAGS, negative_works=False
    )
    assert made.effective_prompt == effective


def _full(prompt: str) -> str:
    return enhance(
        prompt,
        negative="",
        level=EnhancementLevel.FULL,
        style=Style.SENTENCES,
        negative_works=False,
    ).effective_prompt

"""Prompts for newcomers that the model in use can paint."""

from __future__ import annotations

from typing import Final

import numpy as np

from bot.playground.ideas import Ideas

SKETCH: Final = "sketch"
_PLAIN_PATTERNS: Final = 4
"""The first patterns of a language read like what a person would type. Chosen by hand."""

_SKETCH_EXAMPLES: Final = {
    "en-US": (
        "a mountain lake at dawn",
        "a red house in the snow at night",
        "a yellow boat on the sea at sunset",
    ),
    "zh-CN": ("黎明时分的高山湖泊", "夜晚雪中一座红色的房子", "日落时海上一艘黄色的船"),
}
_EXAMPLES: Final = {
    "en-US": (
        "an old fisherman mending a net, soft morning light, photo",
        "a rainy street at night with a neon sign that says OPEN",
        "a fox in a snowy forest, cut from coloured paper",
    ),
    "zh-CN": (
        "一位正在补渔网的老渔夫，清晨柔和的光线，照片",
        "雨夜的街道，霓虹灯招牌上写着“营业中”",
        "雪林里的一只狐狸，彩色剪纸风格",
    ),
}
_PARTS: Final = {
    "en-US": (
        (
            "a lighthouse keeper", "a fox", "a glass teapot", "an astronaut", "a steam train",
            "a heron", "a watchmaker's desk", "a tiny bookshop", "a dancer in a red dress",
            "a floating island", "two old friends", "a sleeping cat",
        ),
        (
            "in a foggy harbour", "in a bamboo forest", "on a windowsill", "on a desert road",
            "in a library at night", "by a frozen waterfall", "in a busy market",
            "on a rooftop at dusk", "under cherry trees", "in heavy rain",
        ),
        (
            "photo, soft light", "watercolour", "oil painting", "ink drawing", "film still",
            "paper cut-out", "flat illustration", "wood engraving", "macro photo",
        ),
    ),
    "zh-CN": (
        (
            "一位灯塔看守人", "一只狐狸", "一把玻璃茶壶", "一名宇航员", "一列蒸汽火车",
            "一只苍鹭", "钟表匠的工作台", "一家小书店", "一位红裙舞者", "一座浮空岛",
            "两位老朋友", "一只熟睡的猫",
        ),
        (
            "在雾气弥漫的港口", "在竹林里", "在窗台上", "在沙漠公路上", "在夜晚的图书馆",
            "在结冰的瀑布旁", "在热闹的集市", "在黄昏的屋顶", "在樱花树下", "在大雨中",
        ),
        (
            "照片，柔和光线", "水彩画", "油画", "水墨画", "电影剧照", "剪纸", "扁平插画",
            "木刻版画", "微距照片",
        ),
    ),
}  # fmt: skip


def prompt_ideas(model: str, rng: np.random.Generator) -> Ideas:
    """Return ideas for a model: `sketch` knows nothing but simple scenes, others more.

    rng: makes the surprises.
    """
    if model == SKETCH:
        return Ideas(_SKETCH_EXAMPLES, lambda language: _scene(language, rng))
    return Ideas(_EXAMPLES, lambda language: _combination(language, rng))


def _scene(language: str, rng: np.random.Generator) -> str:
    """Return a caption of the kind that sketch was trained on, of a scene with something in it."""
    from engine.sketch.captions import Wording, caption, patterns
    from engine.sketch.learned import LEARNED
    from engine.sketch.spec import draw_scene

    short = "zh" if language.startswith("zh") else "en"
    while True:
        scene = draw_scene(rng, held_out=False)
        if scene.count != 1 or not LEARNED.covers(scene):
            continue
        pattern = patterns(short)[int(rng.integers(_PLAIN_PATTERNS))]
        return caption(scene, Wording(short, pattern, enhanced=False), rng)


def _combination(language: str, rng: np.random.Generator) -> str:
    chosen = "zh-CN" if language.startswith("zh") else "en-US"
    subject, place, style = (str(rng.choice(part)) for part in _PARTS[chosen])
    if chosen == "zh-CN":
        return f"{subject}{place}，{style}"
    return f"{subject} {place}, {style}"

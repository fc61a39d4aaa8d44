"""Prompts and styles that several tests enhance."""

from hypothesis import strategies as st

from engine.prompts import (
    Style,
    clean,
)

WORDS = [
    "a lake",
    "at dawn",
    "portrait of",
    "oil painting",
    "cat",
    "no shadows",
    "without people",
    "and",
    "night",
    "city",
    "blurry",
    "black and white",
    "in the rain",
    "indoors",
    "crisp focus",
    "long shadows",
    "Dawn",
    "“dawn”",
    "foggy",
    "soft golden light",
    "eyes in focus",
    "--ar 16:9",
    "(dawn:1.3)",
    "8k",
    "кот",
    "🐈",
    "well-balanced composition",
]


WORDS_ZH = [
    "湖",
    "黎明",
    "的",
    "肖像",
    "油画",
    "猫",
    "不要影子",
    "没有人",
    "夜晚",
    "城市",
    "模糊",
    "黑白",
    "下雨",
    "室内",
    "焦点清晰",
    "长长的影子",
    "“日出”",
    "大雾",
    "柔和的金色光线",
    "，",
    "。",
    "8K",
    "构图平衡",
    "boat",
]


PROMPTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab ,.!?;…山湖日出，。！；、 \"“”'-()", max_size=20),
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=8).map(", ".join),
    st.lists(st.sampled_from(WORDS_ZH), max_size=8).map("".join),
).map(clean)


STYLES = st.sampled_from(Style)

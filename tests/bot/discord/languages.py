"""A small Chinese catalogue for tests."""

from __future__ import annotations

from collections.abc import Callable

CHINESE = {
    "Next in line.": "下一个就是你。",
    "seed {seed}": "种子 {seed}",
    "Nothing was charged.": "未扣除额度。",
    "Requested in {channel}; only you can see it here.": "来自 {channel}。",
    "I sent you a copy by direct message.": "已发送。",
    "fast": "快速",
    "Picture #{id} was reported.": "图片 #{id} 被举报了。",
}
"""Translations by English text."""
Speak = Callable[[str, str], None]
"""Sets the languages of the user and of the server."""

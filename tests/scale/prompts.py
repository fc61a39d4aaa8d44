"""Prompts as users write them: English, Chinese and both, common words and rare ones."""

import itertools
import random
from typing import Final

ENGLISH: Final = (
    "a the of in with at under over mountain lake dawn mist forest castle dragon portrait sunset "
    "watercolor ink neon city rain night snow river golden light cinematic detailed oil painting "
    "illustration masterpiece cat dog robot astronaut flower garden cherry blossom ocean waves "
    "storm lighthouse vintage poster fantasy village bridge moon stars aurora desert temple "
    "samurai market street photography macro soft dramatic highly quality 4k 3d"
)
CHINESE: Final = (
    "山 湖 夜 雪 日落 星空 森林 城市 少女 猫咪 黄昏 云海 竹林 灯笼 水墨画 宇航员 向日葵 机器人 "
    "赛博朋克 古风少女 红色灯笼 江南水乡 电影质感 柔和光线 高清细节 插画风格"
)
RARE: Final = ("xylophone", "狐", "貔貅", "麒麟送", "凤求凰曲")
"""Written once by each user."""
FOREIGN: Final = ("gargoyle", "饕餮")
"""Written by another user only."""

_SYLLABLES: Final = "ba co di fu ge hi jo ka le mi no pe qui ro su ta ve wo xi ze"
_TAIL_WORDS: Final = 4000


class Prompts:
    """An endless stream of prompts, determined by the seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        tail = ["".join(self._random.choices(_SYLLABLES.split(), k=3)) for _ in range(_TAIL_WORDS)]
        self._english = [*ENGLISH.split(), *tail]
        self._chinese = CHINESE.split()
        # As in any language, most words are rare.
        self._weights = list(
            itertools.accumulate(1 / (rank + 10) for rank in range(len(self._english)))
        )

    def next(self) -> str:
        """Return one prompt of about 20 to 150 letters."""
        kind = self._random.random()
        if kind < 0.35:
            return "，".join(self._random.choices(self._chinese, k=self._random.randint(3, 10)))
        words = self._random.choices(
            self._english, cum_weights=self._weights, k=self._random.randint(5, 22)
        )
        if kind > 0.85:
            words += self._random.choices(self._chinese, k=2)
        return " ".join(words)

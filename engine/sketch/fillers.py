"""Words that stand in captions and change nothing: what people type that the model does not know.

None of them is a word of the grammar (`phrases_en`, `phrases_zh`). Some are drawn from syllables
that make no word at all, so that any unknown token is ignored.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np


@dataclass(frozen=True, slots=True)
class Fillers:
    """Filler words of one language, by where they stand.

    adjectives: before a noun. living, after: said of a living thing and of any other; behind the
    noun in English, before it in Chinese. tags: anywhere between commas. nouns: things that the
    model does not know.
    """

    adjectives: tuple[str, ...]
    living: tuple[str, ...]
    after: tuple[str, ...]
    tags: tuple[str, ...]
    nouns: tuple[str, ...]

    def all(self) -> tuple[str, ...]:
        """Return every filler."""
        return (*self.adjectives, *self.living, *self.after, *self.tags, *self.nouns)


ENGLISH: Final = Fillers(
    adjectives=(
        "cute", "tiny", "big", "majestic", "beautiful", "adorable", "happy", "sad", "old", "funny",
        "fluffy", "huge", "giant", "small", "angry", "magical", "mysterious", "elegant", "lonely",
        "sleepy", "ancient", "pretty", "cool", "epic", "lovely", "weird", "fat", "fancy", "scary",
        "friendly", "enormous", "chubby", "brave", "grumpy", "delicious", "shiny", "famous",
        "very cute", "amazing", "awesome", "enchanted", "mighty", "kawaii", "dreamy", "simple",
        "realistic", "young", "evil", "gentle", "crazy",
    ),
    living=(
        "wearing a hat", "with big eyes", "eating pizza", "playing the guitar", "dancing",
        "jumping", "looking at the viewer", "drinking coffee", "with sunglasses", "with long hair",
        "riding a skateboard", "holding a banana", "sleeping", "singing", "having a party",
        "thinking about life", "with a big smile", "wearing a scarf", "laughing",
        "doing yoga", "ready for battle", "in love",
    ),
    after=(
        "on fire", "of wisdom", "named Momo", "called Bob", "made of glass", "from the future",
        "made of cheese", "of the gods", "from a fairy tale", "in the background",
        "in the foreground", "full of wonder", "for my wallpaper", "with intricate patterns",
        "seen from below", "of legend", "made of marble", "that looks friendly",
        "like in a dream", "with lots of details", "in motion", "for a greeting card",
    ),
    tags=(
        "cinematic", "8k", "4k", "masterpiece", "trending on artstation", "by a famous artist",
        "ultra detailed", "hd", "uhd", "best quality", "unreal engine", "octane render",
        "dramatic", "volumetric", "bokeh", "shallow focus", "wide angle", "close-up",
        "portrait", "full body", "award winning", "vibrant", "moody", "minimalist", "surreal",
        "fantasy", "highly detailed", "sharp focus", "studio ghibli", "by greg rutkowski",
        "wallpaper", "atmospheric", "professional", "intricate", "hdr", "kodak", "vintage",
        "dynamic pose", "low angle", "ultra realistic", "pls", "please", "no text", "aesthetic",
        "whimsical", "symmetrical", "rule of thirds", "macro", "35mm", "epic composition",
    ),
    nouns=(
        "elephant", "banana", "guitar", "penguin", "dinosaur", "wizard", "toaster", "pizza",
        "skateboard", "octopus", "teapot", "bicycle", "tiger", "lion", "monkey", "piano", "sofa",
        "knight", "samurai", "vampire", "zombie", "unicorn", "mermaid", "fox", "wolf", "bear",
        "butterfly", "spider", "turtle", "hamburger", "apple", "coffee cup", "laptop", "camera",
        "train", "airplane", "helicopter", "bridge", "windmill", "statue", "astronaut", "pirate",
        "ninja", "panda", "koala", "frog", "snake", "owl", "duck", "cow", "pig", "sheep", "deer",
        "something", "superhero", "monster", "ghost", "portrait", "logo", "dance", "dream",
        "love", "chess", "Einstein", "Mario", "Pikachu",
    ),
)  # fmt: skip

HELD_OUT_ENGLISH: Final = Fillers(
    adjectives=("gorgeous", "ferocious", "clumsy", "spectacular", "photogenic", "steampunk"),
    living=("wearing headphones", "reading a newspaper", "on a trampoline", "with a moustache"),
    after=("of destiny", "called Charlie", "made of paper"),
    tags=("ray tracing", "national geographic", "polaroid", "breathtaking"),
    nouns=("giraffe", "hedgehog", "trumpet", "washing machine", "viking", "volleyball"),
)
"""Fillers that training never uses: only the evaluation does."""

CHINESE: Final = Fillers(
    adjectives=(
        "可爱的", "漂亮的", "美丽的", "巨大的", "胖胖的", "开心的", "悲伤的", "神秘的", "古老的",
        "优雅的", "孤独的", "愤怒的", "迷你的", "威武的", "帅气的", "呆萌的", "毛茸茸的",
        "超萌的", "奇怪的", "好玩的", "困倦的", "勇敢的", "凶猛的", "梦幻的", "华丽的", "精致的",
        "酷酷的", "传说中的", "魔法的", "快乐的", "慵懒的", "霸气的", "温柔的", "可怕的", "超级",
        "特别的", "简单的", "著名的", "闪闪发光的", "萌萌的",
    ),
    living=(
        "戴着墨镜的", "戴着围巾的", "正在吃披萨的", "在跳舞的", "弹吉他的", "睡着的", "大眼睛的",
        "微笑的", "拿着香蕉的", "会唱歌的", "思考人生的", "喝果汁的", "玩滑板的", "戴着帽子的",
        "正在大笑的", "看着镜头的", "恋爱中的", "做瑜伽的",
    ),
    after=(
        "玻璃做的", "燃烧的", "名叫阿福的", "来自未来的", "童话里的", "诸神的", "充满智慧的",
        "用奶酪做的", "会发光的", "梦境般的", "细节丰富的", "大家喜欢的", "像梦一样的",
        "史诗般的", "让人惊叹的",
    ),
    tags=(
        "史诗级", "电影感", "超高清", "8k", "4k", "虚幻引擎", "大师作品", "超写实", "唯美",
        "治愈系", "国风", "二次元", "特写", "全身像", "广角", "景深", "壁纸", "极简", "氛围感",
        "高级感", "细节满满", "最佳画质", "正面视角", "仰视", "低角度", "虚化背景", "动漫感",
        "获奖作品", "超现实", "奇幻", "童话风", "复古", "张力十足", "面带微笑", "戴着帽子",
        "表情生动", "谢谢", "不要文字", "宫崎骏", "绘本感", "质感", "梦幻", "精美", "萌萌哒",
        "光追", "胶片感", "居中构图", "对称", "头像", "海报感",
    ),
    nouns=(
        "大象", "香蕉", "吉他", "企鹅", "巫师", "烤箱", "披萨", "滑板", "章鱼怪", "茶壶",
        "自行车", "老虎", "狮子", "猴子", "钢琴", "沙发", "武士", "吸血鬼", "僵尸", "独角兽",
        "狐狸", "狼", "熊猫", "蝴蝶", "蜘蛛", "乌龟", "汉堡", "苹果", "眼镜", "电脑", "相机",
        "飞机", "直升机", "桥梁", "风车", "雕像", "宇航员", "海盗", "忍者", "考拉", "青蛙", "蛇",
        "猫头鹰", "鸭子", "奶牛", "猪", "绵羊", "鹿", "超级英雄", "怪物", "幽灵", "孙悟空",
        "皮卡丘", "哆啦A梦", "爱情", "梦想", "标志", "足球", "手机", "西瓜",
    ),
)  # fmt: skip

HELD_OUT_CHINESE: Final = Fillers(
    adjectives=("绝美的", "笨拙的", "绝世的", "壮观的", "蒸汽朋克的", "上镜的"),
    living=("戴着耳机的", "看报纸的", "跳蹦床的", "留着胡子的"),
    after=("命运的", "名叫查理的", "纸做的"),
    tags=("光线追踪", "纪录片感", "拍立得", "震撼"),
    nouns=("长颈鹿", "刺猬", "小号", "洗衣机", "维京战士", "排球"),
)
"""Fillers that training never uses: only the evaluation does."""

_SYLLABLES: Final = (
    "zor", "bli", "quam", "fex", "ood", "mip", "dru", "vash", "nul", "kri", "wob", "tez", "glu",
    "yop", "sna", "rix", "jem", "pho", "uli", "eth",
)  # fmt: skip
_CHARACTERS: Final = "嘎咕噜叽哒噗嘟呱咚唰哔吱"


def fillers(language: str, *, held_out: bool = False) -> Fillers:
    """Return the fillers of a language: those of training, or the held-out ones."""
    if language == "zh":
        return HELD_OUT_CHINESE if held_out else CHINESE
    return HELD_OUT_ENGLISH if held_out else ENGLISH


def made_up_word(language: str, rng: np.random.Generator) -> str:
    """Return a word that does not exist."""
    parts = _CHARACTERS if language == "zh" else _SYLLABLES
    length = int(rng.integers(2, 4))
    return "".join(parts[int(rng.integers(len(parts)))] for _ in range(length))

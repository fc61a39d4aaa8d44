"""Chinese words and sentence patterns for captions."""

from typing import Final

from engine.prompts import DEFAULT_NEGATIVE, POSITIVE_SUFFIX

COLOUR_WORDS: Final = {
    "red": ("红色的", "红色的", "红", "红色", "鲜红的", "大红色的"),
    "orange": ("橙色的", "橙色的", "橙色", "橘色的", "橘黄色的"),
    "yellow": ("黄色的", "黄色的", "黄", "黄色", "明黄色的"),
    "green": ("绿色的", "绿色的", "绿", "绿色", "翠绿的"),
    "blue": ("蓝色的", "蓝色的", "蓝", "蓝色", "天蓝色的"),
    "purple": ("紫色的", "紫色的", "紫", "紫色", "紫罗兰色的"),
    "pink": ("粉色的", "粉色的", "粉红色的", "粉红", "粉色"),
    "white": ("白色的", "白色的", "白", "白色", "雪白的", "纯白的"),
    "black": ("黑色的", "黑色的", "黑", "黑色", "漆黑的"),
}

THING_WORDS: Final = {
    "house": (("一座", "房子"), ("一栋", "房子"), ("一间", "小屋"), ("一座", "小房子"),
              ("一座", "木屋"), ("一幢", "房屋")),
    "boat": (("一艘", "船"), ("一条", "小船"), ("一艘", "帆船"), ("一只", "小船"), ("一叶", "扁舟"),
             ("一艘", "小船")),
    "tree": (("一棵", "树"), ("一棵", "大树"), ("一棵", "树木"), ("一株", "树")),
    "car": (("一辆", "汽车"), ("一辆", "车"), ("一辆", "小汽车"), ("一辆", "轿车"),
            ("一辆", "小车")),
    "tower": (("一座", "灯塔"), ("一座", "塔"), ("一座", "高塔"), ("一座", "塔楼")),
    "balloon": (("一个", "热气球"), ("一只", "热气球"), ("一个", "气球"), ("一只", "气球")),
    "bird": (("一只", "鸟"), ("一只", "小鸟"), ("一只", "飞鸟"), ("一只", "鸟儿")),
    "person": (("一个", "人"), ("一个", "行人"), ("一位", "旅人"), ("一个", "孩子"),
               ("一个", "人影")),
    "flower": (("一朵", "花"), ("一朵", "大花"), ("一朵", "鲜花"), ("一朵", "花朵"),
               ("一枝", "花")),
}  # fmt: skip

PLACE_NOUNS: Final = {
    "lake": ("山间湖泊", "高山湖泊", "山中的湖", "湖泊", "群山和湖水", "山湖"),
    "forest": ("森林", "树林", "松林", "宁静的森林", "林间空地"),
    "desert": ("沙漠", "沙丘", "大漠", "茫茫沙漠", "荒漠"),
    "sea": ("大海", "海边", "海滩", "海洋", "海岸", "沙滩"),
    "city": ("城市", "都市", "城市街道", "城镇", "大城市", "城市天际线"),
}

PLACE_PHRASES: Final = {
    "lake": ("山间湖泊旁", "湖边", "高山湖泊边", "湖畔", "山湖旁", "湖面上", "山中湖边", "山里"),
    "forest": ("森林里", "树林里", "森林中", "林中", "松林里", "森林边", "林间"),
    "desert": ("沙漠里", "沙漠中", "沙丘间", "大漠中", "沙漠上", "荒漠里"),
    "sea": ("海边", "海上", "大海边", "沙滩上", "海滩上", "海面上", "海岸边", "大海上"),
    "city": ("城市里", "城里", "城市中", "街道上", "都市里", "城市街头", "城镇里"),
}

TIME_PHRASES: Final = {
    "dawn": ("黎明", "清晨", "日出时", "破晓时分", "早晨", "黎明时分", "早上", "拂晓", "日出"),
    "noon": ("正午", "中午", "白天", "正午时分", "大白天", "晌午", "中午时分"),
    "sunset": ("日落时", "黄昏", "傍晚", "夕阳下", "日落", "黄昏时分", "傍晚时分", "日落时分"),
    "night": ("夜晚", "夜里", "午夜", "星空下", "月光下", "深夜", "晚上", "夜间", "半夜"),
}

WEATHER_PHRASES: Final = {
    "clear": ("", "", "", "", "", "晴天", "天气晴朗", "晴空下"),
    "rain": ("雨中", "下雨", "下着雨", "雨天", "大雨中", "细雨中", "下雨时"),
    "snow": ("雪中", "下雪", "下着雪", "雪天", "大雪中", "雪地里", "冬天"),
    "mist": ("雾中", "有雾", "薄雾中", "大雾中", "雾天", "雾气弥漫", "浓雾中"),
}

OPENINGS: Final = ("一幅画：", "一张图片：", "画一幅", "画", "请画", "一张照片：", "插画：")

PATTERNS: Final = (
    "{time}{place}的{thing}，{weather}",
    "{time}，{place}有{thing}，{weather}",
    "{time}{place}{weather}有{thing}",
    "{weather}{time}{place}的{thing}",
    "{weather}{place}的{thing}，{time}",
    "{place}的{thing}，{time}，{weather}",
    "{thing}，{place}，{time}，{weather}",
    "{thing}，{noun}，{time}，{weather}",
    "{noun}，{time}，{weather}，{thing}",
    "{time}的{noun}，{thing}，{weather}",
    "{time}的{noun}和{thing}，{weather}",
    "{weather}的{noun}，{time}，{thing}",
    "{opening}{time}{place}的{thing}，{weather}",
    "{opening}{thing}，在{place}，{time}，{weather}",
    "{thing}在{place}，{time}，{weather}",
    "{time}{weather}，{place}有{thing}",
    "{place}有{thing}，{weather}，{time}",
    "{weather}{time}，{noun}，{bare}",
    "{bare}，{place}，{time}，{weather}",
    "{weather}的{thing}，{time}，{place}",
    "{time}，{weather}，{thing}在{place}",
)
"""Sentence patterns for a whole scene; omitted parts leave no gap."""

HELD_OUT_PATTERNS: Final = (
    "{noun}，{weather}，{thing}，{time}",
    "{place}{time}{weather}的{thing}",
    "{weather}，{time}，{thing}，{noun}",
    "{thing}{time}在{place}，{weather}",
)
"""Patterns that training never uses: only the evaluation does."""

QUALITY: Final = (
    POSITIVE_SUFFIX["zh"],
    "高清，细节丰富。",
    "画面精美，构图均衡。",
    "色彩鲜明，线条干净。",
    "光线自然，层次分明。",
    "杰作，最佳质量",
    "高分辨率，边缘清晰，质感细腻。",
    "画质清晰，色彩饱满。",
    "构图考究，光影柔和。",
    "专业水准，精致细节。",
    "清晰锐利，细腻",
)

LIGHT_HINTS: Final = {
    "dawn": ("柔和的金色光线，长长的影子", "柔和的晨光", "淡粉色的光", "光线轻柔，气氛宁静"),
    "noon": ("明亮均匀的光线，色彩鲜艳", "明亮的日光", "光线充足，影子很短", "强烈的顶光"),
    "sunset": ("温暖的余晖，长长的影子", "温暖的橙色光线", "晚霞绚丽", "暖色调，天空壮丽"),
    "night": ("清冷的月光，深沉的阴影", "柔和的月光", "深蓝色调，窗灯明亮", "光线幽暗，高光明亮"),
}

NEGATIVES: Final = (
    DEFAULT_NEGATIVE["zh"],
    "模糊，低质量，水印，文字",
    "低分辨率，压缩痕迹，变形",
)

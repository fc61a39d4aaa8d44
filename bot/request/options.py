"""The options of a request, in one table that /imagine, flags and the command line read.

To add an option: a row here, its field in GenerationParams, its effect in resolve(), and its
parameter in the callback of /imagine. Everything else follows from the row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bot.i18n import translatable
from bot.request.bounds import MAX_REFINE
from bot.request.input_sources import MIN_STRENGTH
from bot.request.outcomes import FlagError, FlagErrorKind, FlagProblem, Refused
from bot.request.params import GenerationParams
from bot.request.values import flag_values as read
from bot.request.values.flag_values import ValueReader
from bot.request.values.ids import plain_digits
from bot.request.values.loras import EXAMPLES, read_flag, read_loras
from bot.request.values.names import read_name
from bot.request.values.regions import Region
from engine.diffusion.families import MAX_GUIDANCE, MAX_STEPS, Speed
from engine.prompts import EnhancementLevel, PictureStyle
from engine.types import MAX_SEED

MAX_REPEAT: Final = 40
"""Pictures that one prompt may ask for on the command line, as Midjourney's --repeat has it."""
DEFAULT_REFINE: Final = 0.25
"""The value of --refine without a number. Chosen by hand."""


class Section(StrEnum):
    """The headings under which `zimagine imagine --help` lists options."""

    CONTENT = "What to paint"
    METHOD = "How"
    SOURCE = "From a picture"
    NUMBER = "Many pictures"


@dataclass(frozen=True, slots=True)
class FlagSpec:
    """A flag that is understood in a prompt.

    names: its spellings, in English and in simplified and traditional Chinese; the first is the
    usual one.
    """

    names: tuple[str, ...]
    read: ValueReader


def _flag(names: str, reader: ValueReader) -> FlagSpec:
    return FlagSpec(tuple(names.split()), reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a request.

    name: of the field in GenerationParams, of the option of its command and, after two hyphens, of
    the command line option. kind: the type of its value there: str, int, float, bool or an enum.
    convert: converts that value to the field's; raises ValueError with a sentence. flags: its flags
    in a prompt. command: the slash command that has it. description: of the option there, "" if
    there is none. section, help, metavar,
    default: of the command line option, which exists if there is a section. bare: its value there
    if the number is left out. quantity: the subject of the sentence about its bounds. decides:
    another option that sets the same thing; only one of them may be given. grid: the rule for
    values of `--grid`, as a sentence, "" if it cannot be a grid. grid_value: parses one of them.
    """

    name: str
    kind: type
    flags: tuple[FlagSpec, ...] = ()
    command: str = "imagine"
    description: str = ""
    section: Section | None = None
    help: str = ""
    metavar: str | None = None
    default: object = None
    bare: float | None = None
    quantity: str = ""
    decides: str = ""
    grid: str = ""
    convert: Callable[[Any], object] = lambda value: value
    grid_value: Callable[[str], object] = float

    @property
    def choices(self) -> type[StrEnum] | None:
        """The closed list that its values are from."""
        return self.kind if issubclass(self.kind, StrEnum) else None


def _whole(text: str) -> int:
    plain = plain_digits(text)
    if not plain.isascii():  # int() reads digits of every script
        raise ValueError(text)
    return int(plain)


OPTIONS: Final = (
    Option(
        name="seed",
        kind=int,
        flags=(_flag("seed 种子 種子 随机种子 隨機種子", read.seed(0, MAX_SEED)),),
        description=translatable("The same seed paints the same picture again"),
        section=Section.METHOD,
        help="0 to 4294967295 (default: random).",
        quantity=translatable("The seed"),
        grid="seed is a whole number",
        grid_value=_whole,
    ),
    Option(
        name="size",
        kind=str,
        flags=(_flag("size resolution 尺寸 大小 分辨率 解析度", read.size),),
        section=Section.METHOD,
        help="Width x height in pixels, e.g. 1024x768 (default: the model's own square).",
        decides="aspect",
        convert=read.plain_size,
    ),
    Option(
        name="aspect",
        kind=str,
        flags=(
            _flag(
                "ar aspect aspect-ratio ratio 比例 画面比例 畫面比例 宽高比 寬高比 长宽比 長寬比 "
                "纵横比 縱橫比 画幅 畫幅",
                read.aspect,
            ),
            *(_flag(names, read.always(ratio)) for ratio, names in read.SHAPES.items()),
        ),
        description=translatable("Aspect ratio of the picture (width:height)"),
        section=Section.METHOD,
        help="Aspect ratio instead of a size, e.g. 16:9 or portrait.",
        convert=read.plain_aspect,
    ),
    Option(
        name="steps",
        kind=int,
        flags=(_flag("steps 步数 步數 采样步数 採樣步數", read.integer(1, MAX_STEPS)),),
        section=Section.METHOD,
        help="Denoising steps (default: the model's own; 8 for Z-Image-Turbo).",
        quantity=translatable("The number of steps"),
        decides="speed",
        grid="steps is a whole number",
        grid_value=_whole,
    ),
    Option(
        name="speed",
        kind=Speed,
        flags=(
            _flag("speed quality q 速度 质量 質量 品质 品質 画质 畫質", read.quality),
            _flag("draft 草稿 快速", read.always(Speed.FAST)),
        ),
        description=translatable("How much time to spend on the picture (default: standard)"),
        section=Section.METHOD,
        help="Number of steps by name: 4, 8 or 10 for Z-Image-Turbo.",
        convert=Speed,
        grid=f"speed is one of {', '.join(Speed)}",
        grid_value=Speed,
    ),
    Option(
        name="guidance",
        kind=float,
        flags=(
            _flag(
                "guidance cfg cfg-scale guidance-scale 引导 引導 引导强度 引導強度",
                read.number(1.0, MAX_GUIDANCE),
            ),
        ),
        description=translatable("How strictly to follow the prompt, from 1 (off) upwards"),
        section=Section.METHOD,
        help="Classic guidance, 1 = off (default: the model's own; 1 for Z-Image-Turbo).",
        quantity=translatable("The guidance"),
        grid="guidance is a number",
    ),
    Option(
        name="strict",
        kind=bool,
        flags=(_flag("strict 严格 嚴格", read.always(True, False)),),
        section=Section.METHOD,
        help="More guidance (1.8 for Z-Image-Turbo), which follows the prompt more strictly.",
        default=False,
        decides="guidance",
    ),
    Option(
        name="negative",
        kind=str,
        flags=(
            _flag(
                "no negative negative-prompt 不要 排除 负面 負面 负面提示词 負面提示詞 反向提示词 "
                "负向提示词",
                read.words,
            ),
        ),
        description=translatable(
            "What should not be in the picture (guidance is raised for it where it is off)"
        ),
        section=Section.CONTENT,
        help="What should not be in the picture; raises guidance (to 1.8 for Z-Image-Turbo) where "
        "it is off.",
    ),
    Option(
        name="enhance",
        kind=EnhancementLevel,
        flags=(
            _flag("enhance 增强 增強 润色 潤色", read.one_of(EnhancementLevel)),
            _flag("raw no-enhance 原样 原樣 不增强 不增強", read.always(EnhancementLevel.OFF)),
        ),
        description=translatable(
            "How much to add to your prompt for quality (default: what suits the model)"
        ),
        section=Section.CONTENT,
        help="How much to add for quality; smart: rewritten by the model (default: what suits "
        "the model).",
        convert=EnhancementLevel,
        grid=f"enhance is one of {', '.join(EnhancementLevel)}",
        grid_value=EnhancementLevel,
    ),
    Option(
        name="variety",
        kind=float,
        flags=(
            _flag("chaos c 混乱 混亂", read.number(0, 100, lambda share: share / 100)),
            _flag("variety 多样性 多樣性 变化 變化", read.number(0, 1)),
        ),
        section=Section.METHOD,
        help="How different the pictures of a prompt are, 0 to 1 (default: 0).",
        default=0.0,
        quantity=translatable("The variety"),
        grid="variety is a number",
    ),
    Option(
        name="refine",
        kind=float,
        flags=(_flag("refine 精修", read.optional(DEFAULT_REFINE, read.number(0, MAX_REFINE))),),
        section=Section.METHOD,
        help="A second pass over fine detail, up to 0.35 (default: off; "
        f"{DEFAULT_REFINE:g} without a number).",
        metavar="[NOISE]",
        default=0.0,
        bare=DEFAULT_REFINE,
        quantity=translatable("The refinement"),
    ),
    Option(
        name="style",
        kind=PictureStyle,
        flags=(_flag("style 风格 風格 画风 畫風", read.style),),
        description=translatable("Style of the picture, unless your prompt names another one"),
        section=Section.CONTENT,
        help=f"Style of the picture, unless the prompt names another one: "
        f"{', '.join(PictureStyle)}.",
        metavar="NAME",
        convert=PictureStyle,
        grid=f"style is one of {', '.join(PictureStyle)}",
        grid_value=PictureStyle,
    ),
    # Set by `--style random`.
    Option(name="random_style", kind=bool, default=False, decides="style"),
    Option(
        name="lora",
        kind=str,
        flags=(_flag("lora loras lyco 微调 微調", read_flag),),
        description=translatable("LoRAs by name, with weights: ink:0.8, film:0.5"),
        section=Section.CONTENT,
        help="LoRAs of the owner's folder by name, with weights if not their own; none: no LoRA.",
        metavar="NAME[:WEIGHT],…",
        quantity=translatable("The weight of a LoRA"),
        convert=read_loras,
    ),
    # Described where it is offered, which is only where there are several models. Without a
    # description, other bots' commands may be pasted with theirs.
    Option(
        name="model",
        kind=str,
        flags=(_flag("model checkpoint ckpt 模型", read_name),),
    ),
    Option(
        name="preset",
        kind=str,
        flags=(_flag("preset 预设 預設", read_name),),
        description=translatable("Settings that you saved by a name, used where you choose none"),
    ),
    # Of the job or its source image, not of GenerationParams itself.
    Option(
        name="strength",
        kind=float,
        flags=(
            _flag("strength 强度 強度 重绘强度 重繪強度", read.number(MIN_STRENGTH, 1)),
            # The more an image weighs, the less noise is laid over it: 0 leaves nothing of it, 1 is
            # the default of image to image (0.75), 3 keeps the most.
            _flag("iw 图片权重 圖片權重", read.number(0, 3, lambda weight: 1 - weight / 4)),
        ),
        description=translatable("How much to change that picture, from 0.01 to 1 (default: 0.75)"),
        section=Section.SOURCE,
        help="How much to change the picture, up to 1 (default: what suits the mode).",
        quantity=translatable("The strength"),
        grid="strength is a number",
    ),
    Option(
        name="region",
        kind=Region,
        flags=(_flag("region 区域 區域 部位 范围 範圍", read.region),),
        command="inpaint",
        description=translatable("The part to repaint, in place of a mask"),
        section=Section.SOURCE,
        help="The part of --image to repaint, in place of a mask; background: all but an oval in "
        "the middle.",
        convert=Region,
    ),
    Option(
        name="count",
        kind=int,
        flags=(_flag("repeat r count 数量 數量 张数 張數 重复 重複", read.times(1, MAX_REPEAT)),),
        description=translatable("How many pictures, from 1 to 4; each counts towards your quota"),
        section=Section.NUMBER,
        help="Pictures per prompt (default: 1).",
        default=1,
        quantity=translatable("The count"),
    ),
    Option(
        name="private",
        kind=bool,
        flags=(
            _flag("private stealth 私密 私人 隐私 隱私", read.always(True, False)),
            _flag("public 公开 公開", read.always(False, True)),
        ),
        description=translatable("Whether only you can see the picture (default: no)"),
    ),
)
BY_NAME: Final[Mapping[str, Option]] = {each.name: each for each in OPTIONS}
PARAMS: Final = tuple(
    each.name
    for each in OPTIONS
    if each.name in {field.name for field in dataclasses.fields(GenerationParams)}
)
"""The options that are fields of GenerationParams."""
CONFLICTS: Final[Mapping[str, str]] = {each.name: each.decides for each in OPTIONS if each.decides}
"""Pairs of options that set the same thing; only one of each pair may be given."""
SAME_SETTING: Final = tuple(
    tuple(each.name for each in OPTIONS if each.name in pair) for pair in CONFLICTS.items()
)
"""The same pairs, each in the order of the table."""
PRESETS: Final = frozenset({frozenset({"steps", "speed"}), frozenset({"guidance", "strict"})})
"""Those pairs of which one option is a name for a value of the other: whether they agree depends on
the model, so that resolving decides it."""


def with_options(params: GenerationParams, **values: object | None) -> GenerationParams | Refused:
    """Return the parameters with these options by name; None = not given.

    A value that is not in its option's closed list, perhaps from another version's command, is
    refused.
    """
    given: dict[str, Any] = {}
    for name, value in values.items():
        converted = chosen(name, value)
        if isinstance(converted, Refused):
            return converted
        if converted is not None:
            given[name] = converted
    return dataclasses.replace(params, **given)


def chosen(name: str, value: object | None) -> Any:
    """Return the value of the option of this name as its field has it; None if not given.

    Refused if it is not in the option's closed list, or not of its form.
    """
    if value is None:
        return None
    choices = BY_NAME[name].choices
    if choices is not None and value not in set(choices):
        error = FlagError(FlagErrorKind.BAD_VALUE, f"--{name}", str(value), tuple(choices))
        return Refused(FlagProblem((error,)))
    try:
        return BY_NAME[name].convert(value)
    except ValueError:
        error = FlagError(FlagErrorKind.BAD_VALUE, f"--{name}", str(value), EXAMPLES)
        return Refused(FlagProblem((error,)))

"""Negative prompts name defects that fit, and nothing that was asked for."""

import pytest

from engine.prompts import DEFAULT_NEGATIVE, EnhancementLevel, Style, enhance, is_ours


def negative(prompt: str) -> str:
    """The negative prompt of full enhancement."""
    return enhance(
        prompt, negative="", level=EnhancementLevel.FULL, style=Style.SENTENCES, negative_works=True
    ).negative_prompt


@pytest.mark.parametrize(
    ("prompt", "there"),
    [
        ("portrait of a woman", ["extra fingers", "crossed eyes", "waxy skin"]),
        ("a gothic cathedral", ["warped lines", "leaning walls"]),
        ('a poster with "hello"', ["misspelled words"]),
        ("a poster without watermark", ["watermark"]),
        ("a bowl of ramen", ["plastic texture"]),
        ("女人的肖像", ["多余的手指", "斗鸡眼"]),
        ("古建筑", ["弯曲的线条"]),
        ("海报上写着“你好”", ["错别字"]),
        ("不要水印，小船", ["水印"]),
    ],
)
def test_defects_fit_the_subject(prompt: str, there: list[str]) -> None:
    """Each subject has its typical defects."""
    assert [defect for defect in there if defect not in negative(prompt)] == []


@pytest.mark.parametrize(
    ("prompt", "never"),
    [
        ("a dog, blurry background", "blurry"),
        ("a blurred street", "blurry"),
        ("a dog out of focus", "focus"),
        ("a stock photo with a watermark", "watermark"),
        ("a painting with the artist's signature", "signature"),
        ("a page of text", "text"),
        ("a wall saying “hello”", "text"),
        ("a deformed monster", "anatomy"),
        ("a man with six fingers", "fingers"),
        ("a woman with crossed eyes", "crossed eyes"),
        ("oil painting of a woman", "waxy"),
        ("a tower with leaning walls", "leaning walls"),
        ("a low resolution cctv picture", "low resolution"),
        ("a tilted photo of a beach, dutch angle", "tilted"),
        ("背景模糊的狗", "模糊"),
        ("带水印的图片", "水印"),
        ("写着文字的墙", "文字"),
        ("变形的怪物", "结构错误"),
        ("六指的男人", "手指"),
        ("有签名的油画", "签名"),
    ],
)
def test_what_is_asked_for_is_not_a_defect(prompt: str, never: str) -> None:
    """Nothing that the user wants in the picture is in its negative prompt."""
    assert never not in negative(prompt)


@pytest.mark.parametrize(
    "theirs",
    [
        "",
        "people",
        "people, cars",
        "blurry",
        "blurry, watermark",
        "blurry, watermark, my ex",
        "人，车",
    ],
)
def test_theirs_is_not_ours(theirs: str) -> None:
    """Negative prompts that users write are not taken for ours."""
    assert not is_ours(theirs)


@pytest.mark.parametrize(
    "ours",
    [*DEFAULT_NEGATIVE.values(), negative("a boat"), negative("portrait"), negative("猫")],
)
def test_ours_is_recognised(ours: str) -> None:
    """Negative prompts made here are recognised."""
    assert is_ours(ours)


@pytest.mark.parametrize("level", [EnhancementLevel.LIGHT, EnhancementLevel.FULL])
@pytest.mark.parametrize("prompt", ["a portrait of a woman", "一位女士的肖像"])
def test_ours_fits_into_what_the_model_reads(prompt: str, level: EnhancementLevel) -> None:
    """Where the model reads few tokens, the last defects are left out, and never all but a few:
    nobody is refused for words that he did not write."""

    def made(limit: int | None) -> str:
        return enhance(
            prompt,
            negative="",
            level=level,
            style=Style.TAGS,
            negative_works=True,
            count=len,
            max_tokens=limit,
        ).negative_prompt

    whole = made(None)
    for limit in range(len(whole) + 1):
        part = made(limit)
        assert len(part) <= limit and whole.startswith(part)
        assert not part or is_ours(part)
    assert made(len(whole)) == whole and 0 < len(made(len(whole) - 1)) < len(whole)

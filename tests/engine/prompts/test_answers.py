"""Usable answers of a language model are used, others rejected with a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prompts import Language, addition
from engine.prompts.answers import MAX_HAN, MAX_WORDS, Flaw, compose

CURLED = "The fox curls up on dry leaves under a tall birch. Its tail covers its nose."
CAT = "猫蜷缩在窗台的旧毛毯上，阳光照在它柔软的毛上。"
SURE = "Sure, here is a longer description of the white horse in a field."
BOAT = "The old boat rests on wet sand under a pale sky. Its paint is peeling in long strips."
FOX = "A red fox stands in deep snow beside a frozen stream. Its thick fur glows in the low light."


def put(
    prompt: str,
    raw: str,
    language: Language = "en",
    *,
    finished: bool = True,
    max_tokens: int = 500,
    count: Callable[[str], int | None] = len,
) -> str | Flaw:
    """Call `compose`, counting characters."""
    return compose(
        prompt, raw, finished=finished, language=language, count=count, max_tokens=max_tokens
    )


@pytest.mark.parametrize(
    ("prompt", "raw", "after"),
    [
        ("a red fox", CURLED, f". {CURLED}"),
        ("a red fox.", CURLED, f" {CURLED}"),
        ("a red fox,", CURLED, f" {CURLED}"),
        ("a red fox", f"  “{CURLED}”\n", f". {CURLED}"),
        ("a red fox", f"\n\n{CURLED}\n\nNote: changed.", f". {CURLED}"),
        ("a red fox", f"{CURLED[:-1]}\u200b\ufeff", f". {CURLED}"),
        ("a red fox", "A red fox, asleep on dry leaves.", ", asleep on dry leaves."),
        ("a red fox", "A RED FOX. It sleeps on dry leaves.", ". It sleeps on dry leaves."),
        ("a red fox!", "A red fox, asleep on dry leaves.", " Asleep on dry leaves."),
        ("a cat", "A catfish swims past the cat.", ". A catfish swims past the cat."),
        ("foxes", "Two young foxes play in tall grass.", ". Two young foxes play in tall grass."),
        ("🦊", "It sleeps on dry leaves.", ". It sleeps on dry leaves."),
        ('a sign "OPEN"', 'The sign "OPEN" hangs there.', '. The sign "OPEN" hangs there.'),
        ("a red fox, no people", f"{CURLED} People walk by.", f". {CURLED}"),
        ("a fox at dusk", "The fox sits still. The noon sun is high.", ". The fox sits still."),
        ("a fox at dusk", "The fox sits in the night.", ". The fox sits in the night."),
    ],
)
def test_good_answers_follow_the_prompt(prompt: str, raw: str, after: str) -> None:
    """Answers are cleaned, without repetition or contradiction, and follow the user's words."""
    assert put(prompt, raw) == prompt + after
    assert addition(prompt, prompt + after)


@pytest.mark.parametrize(
    ("prompt", "raw", "after"),
    [
        ("一只猫", CAT, f"。{CAT}"),
        ("一只猫，", CAT, CAT),
        ("一只猫", "一只猫坐在窗台上，尾巴垂下来", "坐在窗台上，尾巴垂下来。"),
        ("雪中的狐狸，没有人", "狐狸站在雪里。远处有几个人。", "。狐狸站在雪里。"),
        ("NASA 的宇航员", "宇航员的胸前有NASA标志。", "。宇航员的胸前有NASA标志。"),
    ],
)
def test_good_answers_in_chinese(prompt: str, raw: str, after: str) -> None:
    """Chinese is joined without spaces, and cut at its own full stops."""
    assert put(prompt, raw, "zh") == prompt + after


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        ("", Flaw.EMPTY),
        (" \n\u200b", Flaw.EMPTY),
        ("...", Flaw.EMPTY),
        ("A red fox.", Flaw.EMPTY),
        ("The fox sleeps.", Flaw.EMPTY),
        (SURE, Flaw.CHAT),
        (f"Sure! {CURLED}", Flaw.CHAT),
        (f"Here's the expanded prompt: {CURLED}", Flaw.CHAT),
        (f"Expanded prompt: {CURLED}", Flaw.CHAT),
        ("I'm sorry, but I cannot describe the fox.", Flaw.CHAT),
        ("Okay, the user wants a fox in the snow.", Flaw.CHAT),
        (f"<think>{CURLED}", Flaw.CHAT),
        (f"{CURLED}<|im_end|>", Flaw.CHAT),
        (f"{CURLED} user: more", Flaw.CHAT),
        (f"**Fox**: {CURLED}", Flaw.MARKUP),
        (f"# Fox {CURLED}", Flaw.MARKUP),
        (f"- {CURLED}\n- {BOAT}", Flaw.MARKUP),
        (f"1. {CURLED}", Flaw.MARKUP),
        ("The fox has 1) thick fur, 2) a long tail and 3) bright eyes.", Flaw.MARKUP),
        (f"{CURLED} --ar 16:9", Flaw.MARKUP),
        ("The (red:1.3) fox sleeps on a bed of leaves.", Flaw.MARKUP),
        ("The fox\ufffds tail lies on a bed of leaves.", Flaw.MARKUP),
        ("The fox sits under a sign that says “OPEN” in the snow.", Flaw.LETTERING),
        (CAT, Flaw.LANGUAGE),
        ("Лиса fox лежит на сухих листьях под берёзой.", Flaw.LANGUAGE),
        ("Der rote fox schläft unter einer Birke und träumt leise vor sich hin.", Flaw.LANGUAGE),
        ("The fox and the fox and the fox and the fox and the fox.", Flaw.LOOP),
        ("The fox is very very very happy in the snow.", Flaw.LOOP),
        (f"{CURLED} {CURLED} {CURLED}", Flaw.LOOP),
        (f"The fox says {'a' * 40} in the deep snow.", Flaw.LOOP),
        (BOAT, Flaw.SUBJECT),
        ("A red barn stands in the deep snow.", Flaw.SUBJECT),
    ],
)
def test_useless_answers_are_rejected(raw: str, flaw: Flaw) -> None:
    """An answer that does not describe this subject in this language is rejected by its flaw."""
    assert put("a red fox", raw) is flaw


@pytest.mark.parametrize(
    ("prompt", "raw", "flaw"),
    [
        ("一只猫", "The cat sleeps on the window sill in the sun.", Flaw.LANGUAGE),
        ("一只猫", f"好的，{CAT}", Flaw.CHAT),
        ("一只猫", f"以下是扩展后的描述：{CAT}", Flaw.CHAT),
        ("一只猫", "猫猫猫猫猫猫猫猫猫猫猫。", Flaw.LOOP),
        ("一只猫", "猫趴在窗台上，猫趴在窗台上，猫趴在窗台上。", Flaw.LOOP),
        ("一只猫", "老船停在湿润的沙滩上，油漆剥落。", Flaw.SUBJECT),
        ("一只猫", "猫坐在写着「营业」的招牌下面。", Flaw.LETTERING),
        ("夜晚的狐狸", "狐狸站在正午的阳光下。", Flaw.CONTRADICTION),
        ("森林，没有人", "森林里有很多人在散步。", Flaw.CONTRADICTION),
    ],
)
def test_useless_answers_in_chinese_are_rejected(prompt: str, raw: str, flaw: Flaw) -> None:
    """The same flaws are found in Chinese."""
    assert put(prompt, raw, "zh") is flaw


@pytest.mark.parametrize(
    ("prompt", "raw"),
    [
        ("a fox at night", "The fox sits in the bright noon sun."),
        ("a fox, no snow", "The fox sits in deep snow by a stream."),
        ("black and white photo of a fox", "The fox sits by an orange barn in a field."),
        ("oil painting of a fox", "A photograph of a fox in a wide field."),
    ],
)
def test_contradictions_are_rejected(prompt: str, raw: str) -> None:
    """Another time, style or colour than requested, or anything denied, is rejected."""
    assert put(prompt, raw) is Flaw.CONTRADICTION


def test_sentences_are_left_out_until_it_fits() -> None:
    """The last sentences are dropped first until the rest fits; without a count all stay."""
    whole, first = f"a red fox. {CURLED}", f"a red fox. {CURLED[:50]}"
    assert put("a red fox", CURLED, max_tokens=len(whole)) == whole
    assert put("a red fox", CURLED, max_tokens=len(whole) - 1) == first
    assert put("a red fox", CURLED, max_tokens=len(first) - 1) is Flaw.TOO_LONG
    assert put("a red fox", CURLED, max_tokens=1, count=lambda _: None) == whole


def test_endless_sentences_are_left_out() -> None:
    """A sentence far longer than requested is dropped."""
    names = (f"by a w{first}{second}" for first in "abcd" for second in "abcdefghij")
    endless = f"The fox sits {' '.join(names)}."
    assert put("a red fox", endless, max_tokens=9999) is Flaw.TOO_LONG
    assert put("a red fox", f"{CURLED} {endless}", max_tokens=9999) == f"a red fox. {CURLED}"


def test_an_unfinished_sentence_is_left_out() -> None:
    """Last words without a full stop count as a sentence only if the model ended by itself."""
    assert put("a red fox", f"{CURLED} It dr", finished=False) == f"a red fox. {CURLED}"
    assert put("一只猫", f"{CAT}它\ufffd", "zh", finished=False) == f"一只猫。{CAT}"
    assert put("a red fox", "The fox curls up on dry", finished=False) is Flaw.EMPTY


@given(
    st.text(max_size=40),
    st.text(max_size=200) | st.sampled_from([FOX, CURLED, BOAT, CAT, SURE]),
    st.sampled_from(["en", "zh"]),
    st.booleans(),
    st.integers(0, 300),
)
def test_whatever_comes_is_taken_or_rejected(
    prompt: str, raw: str, language: Language, finished: bool, max_tokens: int
) -> None:
    """Nothing raises, the user's words stay in front, and the limits hold."""
    found = put(prompt, raw, language, finished=finished, max_tokens=max_tokens)
    if isinstance(found, Flaw):
        return
    added = found.removeprefix(prompt)
    assert found.startswith(prompt) and added.strip() and len(found) <= max_tokens
    assert len(added.split()) <= 2 * MAX_WORDS and len(added) <= 6 * MAX_HAN

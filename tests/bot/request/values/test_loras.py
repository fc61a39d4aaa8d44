"""LoRAs are read as people write them, and written so that they are read back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.request.values.flag_values import InvalidValue, ParsedValue
from bot.request.values.loras import (
    LoraChoice,
    agreed,
    read_flag,
    read_loras,
    split_last,
    take_tags,
    written,
)

INK, FOX = LoraChoice("ink", 0.8), LoraChoice("red fox")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ink:0.8", (INK,)),
        (" ink : 0.8 ， red fox ", (INK, FOX)),
        ("ink：0.8、red fox;", (INK, FOX)),
        ("ink.safetensors:.8", (INK,)),
        ("<lora:ink:0.8>, 'red fox'", (INK, FOX)),
        ("ink:-0.5, ink2:−1", (LoraChoice("ink", -0.5), LoraChoice("ink2", -1.0))),
        ("ink:０.８", (INK,)),
        ("水墨:1", (LoraChoice("水墨", 1.0),)),
        ("", ()),
    ],
)
def test_an_option_names_loras_with_weights(text: str, wanted: tuple[LoraChoice, ...]) -> None:
    """Names, weights, several with commas, in the punctuation of either language."""
    assert read_loras(text) == wanted


@pytest.mark.parametrize("text", ["ink:strong", "ink:0.8:1", "ink:", "ink:nan", "ink:1e3"])
def test_what_is_no_weight_is_refused(text: str) -> None:
    """What stands behind a colon is a number, or refused with the text."""
    with pytest.raises(ValueError, match="ink"):
        read_loras(text)


@pytest.mark.parametrize(
    ("text", "wanted", "rest"),
    [
        (" ink:0.8 in snow", (INK,), " in snow"),
        (" ink:0.8, in snow", (INK,), ", in snow"),
        (" ink:0.8,film:0.5 in snow", (INK, LoraChoice("film", 0.5)), " in snow"),
        (" ink:0.8, film:0.5", (INK, LoraChoice("film", 0.5)), ""),
        (" ink:0.8,film, in snow", (INK, LoraChoice("film")), ", in snow"),
        (' "red fox":0.8, "ink"', (LoraChoice("red fox", 0.8), LoraChoice("ink")), ""),
        (" ink)", (LoraChoice("ink"),), ")"),
        (" ink(2)", (LoraChoice("ink(2)"),), ""),
        (" ink.", (LoraChoice("ink"),), "."),
        ("水墨:0.8，下雪", (LoraChoice("水墨", 0.8),), "，下雪"),
    ],
)
def test_a_flag_takes_names_and_leaves_the_prompt(
    text: str, wanted: tuple[LoraChoice, ...], rest: str
) -> None:
    """A flag takes one word, or several with commas; other words belong to the prompt."""
    found = read_flag(text)
    assert isinstance(found, ParsedValue)
    assert (found.value, text[found.end :]) == (wanted, rest)


@pytest.mark.parametrize("text", [" ink:strong", " ink:9", "", " ink:0.8,ink:0.5", " :0.8"])
def test_a_flag_with_a_bad_value_is_named(text: str) -> None:
    """A missing name, a weight that is none or too strong, and two weights of one LoRA."""
    assert isinstance(read_flag(text), InvalidValue)


@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            LoraChoice,
            st.from_regex(
                r"[a-zA-Z0-9_()水墨][a-zA-Z0-9_ ().水墨-]{0,8}[a-z0-9]", fullmatch=True
            ).map(lambda name: " ".join(name.split())),
            st.none() | st.sampled_from([1.0, 0.0, -0.5, 0.85, 4.0, -4.0]),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda each: each.name,
    ).map(tuple)
)
def test_what_is_written_reads_back(choices: tuple[LoraChoice, ...]) -> None:
    """A written value gives the same choices in an option and behind a flag."""
    text = written(choices)
    assert read_loras(text) == choices
    found = read_flag(f" {text}")
    assert isinstance(found, ParsedValue) and found.value == choices
    assert found.end == len(text) + 1


@pytest.mark.parametrize(
    ("prompt", "plain", "wanted"),
    [
        ("a fox, <lora:ink:0.8>, snow", "a fox, snow", (INK,)),
        ("a fox <lora:ink:0.8>", "a fox", (INK,)),
        ("<lora:ink:0.8>a fox", "a fox", (INK,)),
        ("a fox <LoRA: ink : 0.8 > in snow", "a fox in snow", (INK,)),
        ("狐狸，<lyco:ink:0.8>，雪", "狐狸，雪", (INK,)),
        ("<lora:red fox><lora:ink:0.8>, a lake", "a lake", (FOX, INK)),
        ("a sign “<lora:ink:0.8>”", "a sign “<lora:ink:0.8>”", ()),
        ("<hypernet:ink:1> a fox", "<hypernet:ink:1> a fox", ()),
    ],
)
def test_tags_are_taken_out_of_a_prompt(
    prompt: str, plain: str, wanted: tuple[LoraChoice, ...]
) -> None:
    """A tag goes with one of the commas around it; lettering in quotation marks is no tag."""
    assert take_tags(prompt) == (plain, wanted)
    assert take_tags(prompt, lambda _: False) == (prompt, ())


@pytest.mark.parametrize("tag", ["<lora:ink:0.8:0.5>", "<lora:ink:strong>", "<lora::1>"])
def test_a_tag_with_more_than_a_weight_is_named(tag: str) -> None:
    """What a tag means beyond name and weight is not guessed."""
    with pytest.raises(ValueError, match=tag):
        take_tags(f"a fox {tag}")


def test_one_weight_for_each() -> None:
    """A name without a weight takes that of the other; two weights do not agree."""
    bare = LoraChoice("ink")
    assert agreed((bare,), (INK, FOX)) == (INK, FOX) == agreed((INK,), (bare, FOX))
    assert agreed((INK,), (LoraChoice("ink", 0.5),)) is None


def test_the_last_of_several_is_completed() -> None:
    """What stands before the last comma stays as it is typed."""
    assert split_last("ink:0.8, fo") == ("ink:0.8,", "fo")
    assert split_last("fo") == ("", "fo")
    assert split_last("") == ("", "")

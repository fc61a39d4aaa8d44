"""Short texts that stand for long prompts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.request.prompt.prompt_keys import KEY_CHARS, fits, is_key, key_of
from tests.bot.request.strange_texts import TEXTS


@given(st.text(max_size=300) | TEXTS)
def test_a_key_is_what_discord_takes_as_a_value(text: str):
    """Every key is one line of valid text, short enough, and known as a key."""
    key = key_of(text)
    assert 1 <= len(key) <= KEY_CHARS and fits(key) and is_key(key)
    key.encode()


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=3))
def test_texts_that_begin_alike_have_different_keys(text: str, more: str):
    """What is behind the part that a key shows decides too."""
    assert key_of(text) != key_of(text + more)


@given(TEXTS, st.integers(0, 15), st.sampled_from("0123456789abcdef"))
def test_a_changed_key_is_a_text(text: str, index: int, digit: str):
    """A key in which one digit was changed is what somebody typed, and so is any other text."""
    key, place = key_of(text), index - 21
    changed = key[:place] + digit + key[place + 1 :]
    assert is_key(changed) is (changed == key)
    assert not is_key(text) and not is_key(f"{key} ") and not is_key("a fox… ⟨12345678⟩")


def test_only_short_single_lines_fit():
    """A prompt of several lines would be changed as the value of a choice."""
    assert fits("a fox, 水彩") and fits("x" * KEY_CHARS)
    assert not fits("x" * (KEY_CHARS + 1)) and not fits("a fox\nin snow") and not fits("\ud800")

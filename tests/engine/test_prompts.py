"""What people type becomes safe text, and what we add to it can be told apart from it."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.prompts import DEFAULT_NEGATIVE, POSITIVE_SUFFIX, addition, clean, enhance, language

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))
TRICKY = st.text(
    alphabet="a e\u0301\u200b\u200d\ufe0f\t\n\x00\ud83d,.。，!山湖ÅÅ\u3000", max_size=12
)
PROMPTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ab ,.!?;…山湖日出，。！；、 ", max_size=20),
).map(clean)
LANGUAGES = ("en", "zh")


@given(st.one_of(ANY_TEXT, TRICKY))
@example("a\u200b\u0301")
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """clean is idempotent: what was cleaned once is stored and compared as it is."""
    assert clean(clean(text)) == clean(text)


@given(st.one_of(ANY_TEXT, TRICKY))
@example("a\u200b\u0301")
def test_cleaned_text_is_safe(text: str) -> None:
    """No control characters, half surrogates, line breaks or double spaces survive, and every
    store takes the result."""
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    categories = {unicodedata.category(each) for each in cleaned if each != "\u200d"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S"))))
def test_visible_text_is_kept(text: str) -> None:
    """Letters, digits, punctuation and symbols of every script stay as they are, composed."""
    assert clean(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "emoji",
    ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏽‍🚀", "❤️", "🇫🇷"],
    ids=["family", "flag", "tone", "heart", "letters"],
)
def test_emoji_stay_whole(emoji: str) -> None:
    """Emoji made of several characters are not taken apart."""
    assert clean(f" a {emoji}  b ") == f"a {emoji} b"


@pytest.mark.parametrize("nothing", ["", " \n\t ", "\x00\x1b", "\u200b\u200d\ufeff", "\ud800"])
def test_invisible_prompts_are_empty(nothing: str) -> None:
    """Text that shows nothing cleans to nothing, so that it is refused as empty."""
    assert clean(nothing) == ""


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("a mountain lake", "en"),
        ("晨曦中的山湖", "zh"),
        ("山湖 with a boat and a house", "en"),
        ("山湖 boat", "zh"),
        ("12345 !!!", "en"),
        ("", "en"),
        ("㐀", "zh"),
    ],
)
def test_language(text: str, spoken: str) -> None:
    """A third of Han letters makes a text Chinese; digits and signs have no say."""
    assert language(text) == spoken


@given(PROMPTS)
def test_enhancement_never_repeats(prompt: str) -> None:
    """Enhancing what was enhanced adds nothing more."""
    once = enhance(prompt, negative="", guidance=1.0, enabled=True)
    again = enhance(once.effective_prompt, negative="", guidance=1.0, enabled=True)
    suffix = POSITIVE_SUFFIX[language(prompt)]
    assert once.added == ("" if suffix.rstrip(".。") in prompt else suffix)
    assert again.added == ""
    assert again.effective_prompt == once.effective_prompt


@given(PROMPTS, st.booleans())
def test_the_addition_reads_back(prompt: str, enabled: bool) -> None:
    """addition() tells from both prompts exactly what enhance() added."""
    made = enhance(prompt, negative="", guidance=1.0, enabled=enabled)
    assert addition(prompt, made.effective_prompt) == made.added
    assert made.effective_prompt.startswith(prompt.rstrip(" ,，、;；"))
    assert enabled or made.effective_prompt == prompt


@given(PROMPTS, st.sampled_from(LANGUAGES))
def test_words_that_are_there_are_not_added(prompt: str, spoken: str) -> None:
    """A person who wrote our words gets them once."""
    theirs = clean(f"{prompt} {POSITIVE_SUFFIX[language(prompt)]}")
    if language(theirs) == language(prompt):
        assert enhance(theirs, negative="", guidance=1.0, enabled=True).added == ""


@pytest.mark.parametrize(
    ("prompt", "effective"),
    [
        ("a red boat", "a red boat. Crisp"),
        ("a red boat.", "a red boat. Crisp"),
        ("a red boat,", "a red boat. Crisp"),
        ("a red boat!", "a red boat! Crisp"),
        ("一条红船", "一条红船。焦点"),
        ("一条红船。", "一条红船。焦点"),
        ("一条红船，", "一条红船。焦点"),
    ],
)
def test_the_joint_reads_well(prompt: str, effective: str) -> None:
    """The suffix is a sentence of its own, in the prompt's own punctuation."""
    made = enhance(prompt, negative="", guidance=1.0, enabled=True)
    assert made.effective_prompt.startswith(effective)


@given(PROMPTS, PROMPTS, st.sampled_from([1.0, 1.5, 5.0]), st.booleans())
def test_the_negative_prompt_is_ours_only_where_it_acts(
    prompt: str, negative: str, guidance: float, enabled: bool
) -> None:
    """A person's negative prompt is never touched; ours steps in only with guidance and consent."""
    made = enhance(prompt, negative=negative, guidance=guidance, enabled=enabled)
    ours = DEFAULT_NEGATIVE[language(prompt)]
    acts = enabled and guidance > 1.0 and not negative
    assert made.negative_prompt == (ours if acts else negative)


def test_what_is_newer_than_this_python_is_kept() -> None:
    """An emoji of a later Unicode and the joiners of Persian survive; noncharacters do not."""
    assert clean("\U0001fae8") == "\U0001fae8"
    assert clean("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645") == (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    )
    assert clean("a\ufdd0\uffffb") == "ab"

"""The promises of enhancement that hold for every prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prompts import (
    DEFAULT_NEGATIVE,
    POSITIVE_SUFFIX,
    Enhancement,
    EnhancementLevel,
    Style,
    addition,
    analyse,
    clean,
    enhance,
    is_ours,
    language,
    lighting,
    quality,
    subjects,
)
from tests.engine.prompts.samples import PROMPTS, STYLES

LEVELS = st.sampled_from(EnhancementLevel)
SEEDS = st.integers(0, 2**32)
VARIETIES = st.sampled_from([0.0, 0.3, 1.0])


def full(prompt: str, seed: int = 0, variety: float = 0.0) -> Enhancement:
    """Full enhancement in sentences."""
    return enhance(
        prompt,
        negative="",
        level=EnhancementLevel.FULL,
        style=Style.SENTENCES,
        negative_works=True,
        seed=seed,
        variety=variety,
    )


@given(PROMPTS, LEVELS, STYLES, SEEDS, VARIETIES)
def test_enhancing_twice_adds_nothing(
    prompt: str, level: EnhancementLevel, style: Style, seed: int, variety: float
) -> None:
    """An enhanced prompt is left as it is by the same enhancement."""

    def again(text: str) -> Enhancement:
        return enhance(
            text,
            negative="",
            level=level,
            style=style,
            negative_works=False,
            seed=seed,
            variety=variety,
        )

    once = again(prompt)
    assert again(once.effective_prompt) == Enhancement(once.effective_prompt, "", "")


@given(PROMPTS, LEVELS, LEVELS, SEEDS, VARIETIES)
def test_levels_do_not_pile_up(
    prompt: str, first: EnhancementLevel, second: EnhancementLevel, seed: int, variety: float
) -> None:
    """In sentences, no level adds to the result of another one, whatever the seed."""
    once = enhance(
        prompt, negative="", level=first, style=Style.SENTENCES, negative_works=False, seed=seed
    )
    twice = enhance(
        once.effective_prompt,
        negative="",
        level=second,
        style=Style.SENTENCES,
        negative_works=False,
        seed=seed + 1,
        variety=variety,
    )
    assert not once.added or not twice.added


@given(PROMPTS, LEVELS, STYLES, SEEDS, VARIETIES)
def test_the_addition_reads_back(
    prompt: str, level: EnhancementLevel, style: Style, seed: int, variety: float
) -> None:
    """The effective prompt begins with the user's words; addition() separates ours from them."""
    made = enhance(
        prompt,
        negative="",
        level=level,
        style=style,
        negative_works=False,
        seed=seed,
        variety=variety,
    )
    assert made.effective_prompt.startswith(prompt.rstrip(" ,，、;；"))
    assert addition(prompt, made.effective_prompt) == made.added
    assert level is not EnhancementLevel.OFF or made.effective_prompt == prompt


@given(PROMPTS, LEVELS, STYLES, st.integers(0, 300), SEEDS, VARIETIES)
def test_the_limit_holds(
    prompt: str, level: EnhancementLevel, style: Style, limit: int, seed: int, variety: float
) -> None:
    """A prompt that fits still fits when enhanced; the addition loses whole last sentences."""

    def made(count: bool) -> Enhancement:
        return enhance(
            prompt,
            negative="",
            level=level,
            style=style,
            negative_works=False,
            seed=seed,
            variety=variety,
            count=(lambda text: len(text) + 5) if count else None,
            max_tokens=limit,
        )

    within, whole = made(True), made(False)
    fits = len(prompt) + 5 <= limit
    assert len(within.effective_prompt) + 5 <= limit or (not fits and not within.added)
    assert whole.added.startswith(within.added)
    if style is Style.SENTENCES:
        assert within.added == "" or within.added.endswith((".", "。"))


def test_an_unknown_count_leaves_out_nothing() -> None:
    """Without a token count, nothing is left out."""
    unknown = enhance(
        "a lake at dawn",
        negative="",
        level=EnhancementLevel.FULL,
        style=Style.SENTENCES,
        negative_works=False,
        count=lambda _: None,
        max_tokens=1,
    )
    assert unknown.added == full("a lake at dawn").added != ""


@given(PROMPTS, SEEDS, SEEDS)
def test_without_variety_the_seed_has_no_say(prompt: str, seed: int, other: int) -> None:
    """At variety 0 every seed gives the same."""
    assert full(prompt, seed) == full(prompt, other)


@given(PROMPTS, SEEDS, VARIETIES)
def test_the_same_seed_gives_the_same(prompt: str, seed: int, variety: float) -> None:
    """Prompt, seed and variety determine the result."""
    assert full(prompt, seed, variety) == full(prompt, seed, variety)


@pytest.mark.parametrize("prompt", ["a lake at dawn", "黎明的湖"])
def test_variety_varies(prompt: str) -> None:
    """Twenty seeds give at least five wordings."""
    assert len({full(prompt, seed, 1.0).added for seed in range(20)}) >= 5


@given(PROMPTS, STYLES)
def test_smart_falls_back_to_full(prompt: str, style: Style) -> None:
    """Without its language model, smart is full."""
    smart, plain = (
        enhance(prompt, negative="", level=level, style=style, negative_works=True)
        for level in (EnhancementLevel.SMART, EnhancementLevel.FULL)
    )
    assert smart == plain


@given(PROMPTS)
def test_chinese_gets_chinese(prompt: str) -> None:
    """Additions are in the prompt's own language only."""
    added = full(prompt).added
    assert not added or language(added) == language(prompt)
    if language(prompt) == "zh":
        assert not any(character.isascii() and character.isalpha() for character in added)


@pytest.mark.parametrize(
    "prompt", ["кот на рассвете", "قطة عند الفجر", "夜明けの湖のほとり", "🐈🌅"]
)
def test_other_scripts_get_the_plain_sentence(prompt: str) -> None:
    """In a script that no lexicon covers, only the plain sentence is added."""
    assert full(prompt).added in POSITIVE_SUFFIX.values()


@pytest.mark.parametrize("spoken", ["en", "zh"])
def test_the_plain_sentence_and_its_parts_are_one(spoken: str) -> None:
    """POSITIVE_SUFFIX, which a model was trained with, is what light enhancement adds."""
    prompt = {"en": "a red boat", "zh": "一条红船"}[spoken]
    made = enhance(
        prompt,
        negative="",
        level=EnhancementLevel.LIGHT,
        style=Style.SENTENCES,
        negative_works=True,
    )
    assert made.added == POSITIVE_SUFFIX[language(prompt)]
    assert made.negative_prompt == DEFAULT_NEGATIVE[language(prompt)]


@given(PROMPTS)
def test_words_that_are_there_are_not_added(prompt: str) -> None:
    """A prompt that already has our sentence gets it only once."""
    theirs = clean(f"{prompt} {POSITIVE_SUFFIX[language(prompt)]}")
    if language(theirs) == language(prompt):
        made = enhance(
            theirs,
            negative="",
            level=EnhancementLevel.LIGHT,
            style=Style.SENTENCES,
            negative_works=False,
        )
        assert made.added == ""


@pytest.mark.parametrize(
    ("prompt", "style", "effective"),
    [
        ("a red boat", Style.SENTENCES, "a red boat. Crisp"),
        ("a red boat.", Style.SENTENCES, "a red boat. Crisp"),
        ("a red boat,", Style.SENTENCES, "a red boat. Crisp"),
        ("a red boat!", Style.SENTENCES, "a red boat! Crisp"),
        ("一条红船", Style.SENTENCES, "一条红船。焦点"),
        ("一条红船。", Style.SENTENCES, "一条红船。焦点"),
        ("一条红船，", Style.SENTENCES, "一条红船。焦点"),
        ("a red boat", Style.TAGS, "a red boat, crisp focus, rich detail, "),
        ("a red boat,", Style.TAGS, "a red boat, crisp focus, rich detail, "),
        ("a red boat.", Style.TAGS, "a red boat. crisp focus, rich detail, "),
        ("一条红船", Style.TAGS, "一条红船，焦点清晰，"),
        (",", Style.SENTENCES, ", Crisp"),
    ],
)
def test_the_joint_reads_well(prompt: str, style: Style, effective: str) -> None:
    """Additions follow the prompt in the prompt's own punctuation."""
    made = enhance(
        prompt, negative="", level=EnhancementLevel.LIGHT, style=style, negative_works=False
    )
    assert made.effective_prompt.startswith(effective)


@given(PROMPTS, PROMPTS, LEVELS, st.booleans())
def test_the_negative_prompt_is_ours_only_where_it_works(
    prompt: str, negative: str, level: EnhancementLevel, works: bool
) -> None:
    """A user's negative prompt is never changed; ours is used only where it has an effect."""
    made = enhance(
        prompt, negative=negative, level=level, style=Style.SENTENCES, negative_works=works
    )
    if negative or not works or level is EnhancementLevel.OFF:
        assert made.negative_prompt == negative
    else:
        assert made.negative_prompt == "" or is_ours(made.negative_prompt)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_is_raised(text: str) -> None:
    """Any text, cleaned or not, can be analysed and enhanced."""
    analyse(text)
    assert full(text).effective_prompt.startswith(text.rstrip(" ,，、;；"))


def test_every_phrase_belongs_to_one_group() -> None:
    """No wording is in two tables, because its group could not be determined."""
    groups = [
        [lighting.LIGHT_OUTDOORS, lighting.LIGHT_INDOORS, lighting.LIGHT_OF_WEATHER],
        [subjects.IMPLIED],
        [quality.QUALITY],
    ]
    wordings = [
        {
            wording
            for table in group
            for slots in table.values()
            for slot in slots
            for phrase in slot
            for wording in (*phrase.en, *phrase.zh)
        }
        for group in groups
    ]
    plain = {each for slot in quality.PLAIN_QUALITY for each in (*slot[0].en, *slot[0].zh)}
    extras = {each for phrase in quality.EXTRAS for each in (*phrase.en, *phrase.zh)}
    wordings[2] |= plain
    wordings.append(extras)
    assert sum(map(len, wordings)) == len(set().union(*wordings))
    assert all(
        wording and "," not in wording and "，" not in wording for wording in set().union(*wordings)
    )

"""Discord's codes in a prompt become words that a model can read."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.request.mentions.codes import as_words
from bot.request.mentions.names import Mentioned, Names, mentioned, readable, with_names
from bot.request.outcomes import ResolvedRequest
from bot.request.params import GenerationParams
from bot.request.prompt.flags import ParsedPrompt, parse, permutations
from bot.request.resolve import resolve
from engine.diffusion.families import SKETCH_FAMILY
from tests.bot.request.strange_texts import TEXTS
from tests.fakes import KNOWS_ALL

ID, OTHER, OLD = 123456789012345678, 1234567890123456789, 80351110224678912
NAMES = Names({ID: "Alice"}, {ID: "Art_Mods"}, {ID: "💬・general-chat"})
NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
LONG_NUMBER = re.compile(r"\d{17}")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"<:red_house:{ID}>", "red house"),
        (f"a <a:red_house:{ID}> in the snow", "a red house in the snow"),
        (f"<:red_house:{ID}><:red_house:{OLD}>", "red house red house"),
        (f"the<:red_house:{ID}>there", "the red house there"),
        (f"<:red_house:{ID}>, <a:Snow:{OTHER}>!", "red house, Snow!"),
        (f"\\<:red_house:{ID}>", "red house"),
        (f"<:red_house:{ID}", "red house"),
        (f":red_house:{ID}>", "red house"),
        (f"a:red_house:{ID}", "red house"),
        (f"<:__:{ID}>", "an emoji"),
        (f"<:{ID}:{ID}>", "an emoji"),
        (":red_house: and :red_house~2:", "red house and red house"),
        (f"https://cdn.discordapp.com/emojis/{ID}.webp?size=48&name=red_house", "red house"),
        (f"[red_house](https://cdn.discordapp.com/emojis/{ID}.gif?size=48) x", "red house x"),
        (f"https://cdn.discordapp.com/emojis/{ID}.png", "an emoji"),
        (f"一个<:red_house:{ID}>，雪", "一个 red house，雪"),
        (f"a portrait of <@{ID}>", "a portrait of somebody"),
        (f"<@!{ID}>'s cat", "somebody's cat"),
        (f"<@{ID}><@{OLD}>", "somebody somebody"),
        (f":<@{ID}>:", "somebody"),
        (f"{ID}.{ID}", "somebody.somebody"),
        (f"<@&{ID}> in <#{ID}>", "a role in a channel"),
        (f"https://discord.com/users/{ID}", "somebody"),
        (f"as in https://discord.com/channels/{ID}/{OLD}/{OTHER}", "as in a channel"),
        (f"<https://ptb.discord.com/channels/@me/{OLD}>", "a channel"),
        (f"</imagine:{ID}> a cat", "/imagine a cat"),
        (f"</block list all:{ID}>", "/block list all"),
        (
            "<id:customize>, <id:browse>, <id:guide>",
            "Channels and Roles, Browse Channels, Server Guide",
        ),
        (f"<id:linked-roles> <id:linked-roles:{ID}>", "Linked Roles Linked Roles"),
        (f"<sound:0:{ID}>", "sound"),
        (f"a portrait of {ID} as a knight", "a portrait of somebody as a knight"),
        (f"@{ID} and #{ID} and @&{ID}", "somebody and a channel and a role"),
        (f"<@{ID} <@ {ID}", "somebody <@ somebody"),
        (f"{ID},{OLD}", "somebody,somebody"),
        (f"user{ID}x", "user somebody x"),
        (f"https://example.org/status/{OTHER}?s=20", "a link"),
    ],
)
def test_codes_become_words(text: str, read: str):
    """The model reads names in place of codes, and no id; reading it again changes nothing."""
    assert readable(text) == read
    assert readable(read) == read
    assert not LONG_NUMBER.search(read)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"画<@{ID}>在雪地里", "画某人在雪地里"),
        (f"<@{ID}>的肖像，<@!{OLD}>", "某人的肖像，某人"),
        (f"<@&{ID}>在<#{ID}>里", "某个身份组在某个频道里"),
        (f"一张{ID}的画像", "一张某人的画像"),
        (f"#{ID}里的猫", "某个频道里的猫"),
        (f"画<@{ID}> --ar 16:9 --style oil", "画某人 --ar 16:9 --style oil"),
        (f"/imagine prompt:画<@{ID}> aspect:16:9", "/imagine prompt:画某人 aspect:16:9"),
        (f"一只<:__:{ID}>猫", "一只一个表情猫"),
        (f"像https://example.org/status/{OTHER}一样的猫", "像一个链接"),
        (f"一只猫在<id:browse>看</a:{ID}>", "一只猫在浏览频道看/a"),
        ("时钟：<t:1618953630>", "时钟：2021年4月20日 21:20 UTC"),
        ("时钟：<t:1618953630:F>", "时钟：2021年4月20日星期二 21:20 UTC"),
        ("时钟：<t:1618953630:D>", "时钟：2021年4月20日"),
        ("时钟：<t:1618953630:S>", "时钟：2021年4月20日 21:20:30 UTC"),
        ("时钟：<t:12345678901234567>", "时钟：某个时间"),
        (f"<@{ID}>が雪の中にいる", "somebody が雪の中にいる"),
        (f"눈 속의 <@{ID}>", "눈 속의 somebody"),
        (f"<@{ID}> in front of the 故宫", "somebody in front of the 故宫"),
    ],
)
def test_a_chinese_prompt_gets_chinese_words(text: str, read: str):
    """What stands for an unknown name is in the language of what the prompt says."""
    assert readable(text).startswith(read) and readable(readable(text)) == readable(text)


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("<t:1618953630:R>", "5年前"),
        (f"<t:{int(NOW.timestamp()) + 90}:R>", "1分钟后"),
        (f"<t:{int(NOW.timestamp()) + 40 * 86400}:R>", "1个月后"),
        (f"<t:{int(NOW.timestamp()) - 5}:R>", "现在"),
        (f"<@{ID}>", "Alice"),
        (f"<@{OLD}>", "某人"),
    ],
)
def test_names_and_relative_times_within_chinese(code: str, read: str):
    """Known names stay, and a relative time is said in Chinese."""
    assert with_names(f"时钟：{code}", NAMES, NOW) == f"时钟：{read}"


def test_a_negative_prompt_has_the_language_of_its_prompt():
    """A mention that stands alone is read in the language of the whole."""
    assert readable(f"<@{ID}>") == "somebody" and readable(f"<@{ID}>", "一只猫") == "某人"
    assert with_names(f"<@{OLD}>", NAMES, NOW, "一只猫") == "某人"
    params = GenerationParams("一只猫", negative=f"<@{ID}>", guidance=2.0)
    resolved = resolve(params, KNOWS_ALL, lambda: 1)
    assert isinstance(resolved, ResolvedRequest)
    assert resolved.request.negative_prompt == "某人"


def test_the_demo_model_knows_somebody_in_chinese():
    """“某人” is a person to the built-in model, as “一个人” is."""
    assert SKETCH_FAMILY.vocabulary is not None
    assert SKETCH_FAMILY.vocabulary().knows(readable(f"<@{ID}>的肖像"))


@pytest.mark.parametrize(
    "text",
    [
        "a red house in the snow",
        "a clock at 12:30:45, 16:9",
        "(red:1.3) house::2 <lora:snow:0.8>",
        "a <b> c :) :D <3 <:",
        "pi is 3.14159265358979323846",
        "a number of 21 digits: 123456789012345678901",
        "1234567890123456 pixels",
        "{red, blue} house --ar 16:9 --seed 5",
        '{"subject": "a red house", "place": "snow"}',
        "https://example.org/cat.png",
        "me@example.org",
        "@everyone looks up",
        "一只猫：在雪地里",
        "scale 1:100:5",
        "std::vector::size",
        f"<@{'9' * 5000}>",
    ],
)
def test_other_text_stays(text: str):
    """What is no code of Discord's stays as it was written."""
    assert readable(text) == with_names(text, NAMES, NOW) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"<@{ID}> and <@!{ID}>", "Alice and Alice"),
        (f"<@{OLD}>", "somebody"),
        (f"<@&{ID}>", "Art Mods"),
        (f"<#{ID}>", "general chat"),
        (f"https://discord.com/users/{ID}/", "Alice"),
        (f"https://discord.com/channels/{OLD}/{ID}/{OTHER}", "general chat"),
        (f"a portrait of {ID}, a knight", "a portrait of Alice, a knight"),
        (f"@{ID}", "Alice"),
        (f"a portrait of {OLD}", f"a portrait of {OLD}"),
        (f"a cat --seed {OLD}", f"a cat --seed {OLD}"),
        (
            f"https://cdn.discordapp.com/attachments/{ID}/{ID}/a.png?ex=1 a cat",
            f"https://cdn.discordapp.com/attachments/{ID}/{ID}/a.png?ex=1 a cat",
        ),
    ],
)
def test_known_names_are_put_in(text: str, read: str):
    """Names that are known are put in; bare ids and links that may be something else stay."""
    assert with_names(text, NAMES, NOW) == read


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("<t:1618953630>", "20 April 2021 at 21:20 UTC"),
        ("<t:1618953630:t>", "21:20 UTC"),
        ("<t:1618953630:T>", "21:20:30 UTC"),
        ("<t:1618953630:d>", "20 April 2021"),
        ("<t:1618953630:D>", "20 April 2021"),
        ("<t:1618953630:f>", "20 April 2021 at 21:20 UTC"),
        ("<t:1618953630:F>", "Tuesday 20 April 2021 at 21:20 UTC"),
        ("<t:1618953630:s>", "20 April 2021 at 21:20 UTC"),
        ("<t:1618953630:S>", "20 April 2021 at 21:20:30 UTC"),
        ("<t:1618953630:x>", "20 April 2021 at 21:20 UTC"),
        ("<t:1618953630:R>", "5 years ago"),
        (f"<t:{int(NOW.timestamp()) + 90}:R>", "in 1 minute"),
        (f"<t:{int(NOW.timestamp()) + 7300}:R>", "in 2 hours"),
        (f"<t:{int(NOW.timestamp()) - 86400}:R>", "1 day ago"),
        (f"<t:{int(NOW.timestamp()) + 40 * 86400}:R>", "in 1 month"),
        (f"<t:{int(NOW.timestamp()) - 5}:R>", "now"),
        ("<t:0:D>", "1 January 1970"),
        ("<t:-86400:D>", "31 December 1969"),
        ("<t:12345678901234567>", "a time"),
        ("<t:-99999999999999999999:R>", "a time"),
        ("\\<t:0:t>", "00:00 UTC"),
    ],
)
def test_times_are_words_in_utc(code: str, read: str):
    """Every style of a timestamp becomes plain words in UTC."""
    assert with_names(f"a clock: {code}", NAMES, NOW) == f"a clock: {read}"


def test_a_relative_time_is_a_date_where_nobody_knows_the_time():
    """Without a clock, a relative time is the date that it means."""
    assert readable("<t:1618953630:R>") == "20 April 2021 at 21:20 UTC"


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("Alice", "Alice"),
        ("alice_the-great", "alice the great"),
        ("𝓐𝓵𝓲𝓬𝓮", "Alice"),
        ("ＡＬＩＣＥ", "ALICE"),
        ("✨ Alice ✨", "Alice"),
        ("O'Brien", "O'Brien"),
        ("O’Brien", "O’Brien"),
        ("小明", "小明"),
        ("Nguyễn", "Nguyễn"),
        ("हिन्दी", "हिन्दी"),
        ("A\u0335\u0322\u031b\u032e\u0317lice", "A\u0335\u0322lice"),
        ("--private", "private"),
        ("a, {b | c} --ar 16:9", "a b c ar 16 9"),
        ("—ar 16:9", "ar 16 9"),
        ('"quoted" `code` **bold**', "quoted code bold"),
        ("@everyone", "everyone"),
        (str(ID), ""),
        (f"<@{ID}>", ""),
        ("✨", ""),
        ("\u200b", ""),
        ("", ""),
    ],
)
def test_names_are_only_words(name: str, read: str):
    """A name keeps its letters and digits, and nothing of it can be taken for syntax."""
    assert as_words(name) == read
    assert with_names(f"<@{ID}>", Names({ID: name})) == (read or "somebody")


NAME_TEXTS = st.text(max_size=40) | TEXTS


@given(NAME_TEXTS)
def test_a_name_neither_sets_flags_nor_makes_choices(name: str):
    """Whatever somebody calls themselves, a mention of them is one prompt without flags."""
    text = with_names(f"a cat and <@{ID}> in snow", Names({ID: name}))
    found = permutations(text)
    assert not hasattr(found, "kind") and found.total == 1  # pyright: ignore[reportAttributeAccessIssue]
    assert parse(text) == ParsedPrompt(text)
    inside = permutations(f"{{<@{ID}>, x}}".replace(f"<@{ID}>", text))
    assert inside.total == 2  # pyright: ignore[reportAttributeAccessIssue]


CODE_TEXTS = st.lists(
    st.sampled_from(
        [f"<@{ID}>", f"<:red_house:{ID}>", f"<a:x:{OLD}>", f"<#{ID}>", f"</a b:{ID}>", "<t:5:R>"]
    )
    | st.sampled_from([str(ID), str(OTHER), "<", ">", ":", "\\", "@", "#", ".", "9", " ", "a"])
    | st.text(max_size=5),
    max_size=12,
).map("".join)


@given(CODE_TEXTS | TEXTS)
def test_reading_is_settled_at_once(text: str):
    """What was read once reads the same again, so that recipes and lines to copy stay the same."""
    once = readable(text)
    assert readable(once) == once


@given(CODE_TEXTS)
def test_no_id_stays(text: str):
    """No number of 17 to 20 digits stays, except behind a decimal point."""
    assert not re.search(r"(?<![0-9])(?<![0-9]\.)[0-9]{17,20}(?![0-9])", readable(text))


def test_the_ids_that_need_a_name_are_found():
    """Each id is found once, with its kind; ids in addresses of pictures are not looked up."""
    text = (
        f"<@{ID}> <@!{ID}> <@{OLD}> <@&3> <#4> {OTHER} https://discord.com/users/5 "
        f"https://discord.com/channels/6/7/8 <:a:9> "
        f"https://cdn.discordapp.com/attachments/{OTHER}1/{OTHER}2/a.png"
    )
    assert mentioned(text) == Mentioned((ID, OLD, 5), (3,), (4, 7), (OTHER,))
    assert mentioned("a red house in the snow") == Mentioned()


@pytest.mark.parametrize(
    "piece",
    ["<@", "<:", ":a", "http://", "https://discord.com/", "1234567890", "[a](", "<t:", "</a", "a:"],
)
def test_a_long_text_is_read_quickly(piece: str):
    """The longest prompt, made of beginnings of codes, takes no noticeable time."""
    text = (piece * 2000)[:4000]
    before = time.process_time()
    readable(text)
    mentioned(text)
    assert time.process_time() - before < 0.25

"""Search: finds every word, takes any input literally, and only in the user's own pictures."""

import asyncio
import dataclasses
import itertools
import sqlite3
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage import search
from storage.search import PictureQuery
from storage.types import Place
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job

ALICES = (ALICE.user_id, ALICE.guild_id)
LETTERS = "abAB山水日落éÉ é́Ａßİ１1,'\"*-(:^\0🎨\u3000"
PROMPTS = st.text(LETTERS, max_size=12) | st.text(max_size=8)
LOOKED_FOR = st.text(LETTERS + "\ud800", max_size=5) | st.text(max_size=3)


def plainly_found(prompt: str, text: str) -> bool:
    """Search without an index, as a reference."""

    def plain(written: str) -> str:
        return unicodedata.normalize("NFKC", written).casefold()

    return all(word in plain(prompt) for word in plain(text).split())


async def painted(stores: OpenStores, prompt: str, place: Place = ALICE) -> int:
    (picture,) = await stores.painted(new_job(place, prompt=prompt))
    return picture.id


async def found(stores: OpenStores, text: str, place: Place = ALICE, limit: int = 50) -> list[str]:
    pictures = await stores.history.search(place.user_id, place.guild_id, text, None, limit)
    return [picture.prompt for picture in pictures]


async def indexed(stores: OpenStores) -> set[int]:
    """Return the ids of all pictures that the index has any entry for."""
    rows = await stores.db.fetch_all("SELECT id FROM pictures_search_docsize")
    return {row["id"] for row in rows}


async def tokens_left(stores: OpenStores, place: Place, word: str) -> list[int]:
    """Return the ids that the index has for a word, whatever became of the pictures."""
    match = search.match(place.guild_id, place.user_id, PictureQuery(word))
    rows = await stores.db.fetch_all(
        "SELECT rowid FROM pictures_search WHERE pictures_search MATCH ?", (match,)
    )
    return [row["rowid"] for row in rows]


async def test_every_word_in_any_order(stores: OpenStores) -> None:
    """A picture is found by all of its words in any order, and not if one is missing."""
    await painted(stores, "A mountain lake at dawn")
    await painted(stores, "a lake in the city")
    assert await found(stores, "lake mountain") == ["A mountain lake at dawn"]
    assert await found(stores, "lake") == ["a lake in the city", "A mountain lake at dawn"]
    assert await found(stores, "lake desert") == []


@pytest.mark.parametrize("text", ["落", "日落", "山间日", "山间日落", "日落 lake", "LAKE 湖"])
async def test_chinese_words_of_any_length(stores: OpenStores, text: str) -> None:
    """Chinese words of one to four characters are found, also next to English ones."""
    await painted(stores, "山间日落 over a lake, 湖")
    await painted(stores, "山间")
    assert await found(stores, text) == ["山间日落 over a lake, 湖"]


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Straße", "STRASSE"),
        ("CAFÉ", "cafe\u0301"),
        ("ＡＢＣ１", "abc1"),
        ("fireflies", "rEfL"),
        ("3d", "D"),
        ("a\u3000b", "a b"),
    ],
)
async def test_what_a_search_passes_over(stores: OpenStores, prompt: str, text: str) -> None:
    """Case, width, the encoding of accents and positions within words make no difference."""
    await painted(stores, prompt)
    assert await found(stores, text) == [prompt]


@pytest.mark.parametrize(
    "text",
    [
        *('"', '"lake', "lake*", "lake AND", "OR", "NOT lake", "tokens:lake", "^lake", "lake+dawn"),
        *("NEAR(lake dawn)", "(", "{tokens}: lake", "-lake", "'; DROP TABLE jobs", "%", "l_ke"),
        *("lake\0", "\0", "🎨", "\ud800", "lake \udc00", "0g0u61", "x" * 4000, "山" * 4000),
        "".join(map(chr, range(0x4E00, 0x4E00 + 4000))),
        " ".join(f"w{number}" for number in range(800)),
    ],
)
async def test_nothing_typed_is_syntax(stores: OpenStores, text: str) -> None:
    """Quotes, operators, NUL, emoji and half characters are searched for as text."""
    await painted(stores, "a lake at dawn")
    assert await found(stores, text) == []
    if not any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        await painted(stores, f"so: {text}!")
        assert await found(stores, text) == [f"so: {text}!"]


@pytest.mark.parametrize("text", ["", " ", "\u3000\t\n "])
async def test_no_words_find_everything(stores: OpenStores, text: str) -> None:
    """A text without words returns the ordinary page."""
    await painted(stores, "one")
    await painted(stores, "two")
    assert await found(stores, text) == ["two", "one"]


async def test_pages_are_newest_first_and_complete(stores: OpenStores) -> None:
    """Paging shows every picture with the word once, newest first."""
    mine = [await painted(stores, f"lake {number}") for number in range(7)]
    for number in range(7):
        await painted(stores, f"forest {number}")
    seen: list[int] = []
    before_id = None
    while page := await stores.history.search(*ALICES, "lake", before_id, 3):
        assert len(page) <= 3
        seen += [picture.id for picture in page]
        before_id = page[-1].id
    assert seen == mine[::-1]
    with pytest.raises(ValueError, match="at least one"):
        await stores.history.search(*ALICES, "lake", None, 0)


async def test_letters_without_the_word_are_passed_over(stores: OpenStores) -> None:
    """A page is filled even if many prompts contain the letters but not the word."""
    await painted(stores, "abcde the first")
    for _ in range(40):
        await painted(stores, "abc cde bcd")
    await painted(stores, "abcde the last")
    assert await found(stores, "abcde", limit=2) == ["abcde the last", "abcde the first"]
    assert await found(stores, "abcde", limit=1) == ["abcde the last"]


async def test_only_ones_own_on_this_server(stores: OpenStores) -> None:
    """Other users' pictures are not found, nor the user's own in another server."""
    await painted(stores, "lake of Bob", BOB)
    await painted(stores, "lake elsewhere", dataclasses.replace(ALICE, guild_id=11))
    assert await found(stores, "lake") == []
    assert await found(stores, "lake", BOB) == ["lake of Bob"]


async def test_a_private_picture_is_found_by_its_person(stores: OpenStores) -> None:
    """A private picture is found by its owner."""
    await stores.painted(new_job(prompt="a secret lake", private=True))
    (picture,) = await stores.history.search(*ALICES, "secret", None, 5)
    assert picture.private
    assert await found(stores, "secret", BOB) == []


async def test_all_pictures_of_a_job_are_found(stores: OpenStores) -> None:
    """Each picture of a job is found by its prompt, except erased ones."""
    first, second = await stores.painted(new_job(prompt="two lakes", pictures=2))
    await stores.history.erase(second.id)
    assert await stores.history.search(*ALICES, "lakes", None, 5) == [first]


async def test_the_erased_leave_the_index(stores: OpenStores) -> None:
    """Erased pictures leave the index, and their words do not bring them back."""
    gone, kept = await painted(stores, "a lake"), await painted(stores, "a lake")
    await stores.history.erase(gone)
    assert await tokens_left(stores, ALICE, "lake") == [kept]
    assert await indexed(stores) == {kept}
    async with stores.db.transaction() as transaction:
        await transaction.execute("DELETE FROM pictures WHERE id IN (?, ?)", (gone, kept))
    assert await tokens_left(stores, ALICE, "lake") == []
    assert await indexed(stores) == set()


async def test_a_changed_prompt_is_found_by_its_new_words(stores: OpenStores) -> None:
    """When a job's prompt is overwritten, its old words no longer match."""
    picture_id = await painted(stores, "a secret lake")
    async with stores.db.transaction() as transaction:
        await transaction.execute("UPDATE jobs SET prompt = 'gone'")
    assert await tokens_left(stores, ALICE, "lake") == []
    assert await tokens_left(stores, ALICE, "gone") == [picture_id]
    assert await found(stores, "gone") == ["gone"]


async def test_a_rolled_back_picture_is_not_found(stores: OpenStores) -> None:
    """The index and the pictures are written together or not at all."""
    kept = await painted(stores, "a lake")
    with pytest.raises(sqlite3.IntegrityError):
        async with stores.db.transaction() as transaction:
            await transaction.execute("UPDATE pictures SET deleted_at = 1")
            await transaction.execute("DELETE FROM jobs")
    assert await tokens_left(stores, ALICE, "lake") == [kept]


class SearchDatabase:
    """One database for many examples: each example is a new user."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.stores = self.runner.run(OpenStores.open(folder / "zimagine.db"))
        self.people = itertools.count(1)

    def close(self) -> None:
        self.runner.run(self.stores.db.close())
        self.runner.close()

    async def painted_by_new_user(self, prompts: list[str]) -> Place:
        place = dataclasses.replace(ALICE, user_id=next(self.people))
        for prompt in prompts:
            await painted(self.stores, prompt, place)
        return place


@pytest.fixture(scope="module")
def database() -> Iterator[SearchDatabase]:
    with tempfile.TemporaryDirectory() as folder:
        opened = SearchDatabase(Path(folder))
        yield opened
        opened.close()


@settings(max_examples=80, deadline=None)
@given(st.lists(PROMPTS, min_size=1, max_size=4), st.lists(LOOKED_FOR, max_size=5))
@example(["é", "e\u0301", "CAFÉ au lait"], ["é", "e", "\u0301", "café"])
@example(["山水 日落", "a\0b"], ["水日", "水 日", "\0", "A\0B", "b\0"])
def test_the_index_agrees_with_a_plain_look(
    database: SearchDatabase, prompts: list[str], looked_for: list[str]
) -> None:
    """For any prompts and words, the index finds exactly what a plain search does."""

    async def compare() -> None:
        place = await database.painted_by_new_user(prompts)
        for text in looked_for:
            expected = [prompt for prompt in reversed(prompts) if plainly_found(prompt, text)]
            assert await found(database.stores, text, place) == expected, text

    database.runner.run(compare())


@settings(max_examples=40, deadline=None)
@given(PROMPTS, st.data())
def test_every_piece_of_a_prompt_finds_it(
    database: SearchDatabase, prompt: str, data: st.DataObject
) -> None:
    """Any piece of a prompt finds it, if the piece alone folds as it does within."""
    start = data.draw(st.integers(0, len(prompt)))
    piece = prompt[start : data.draw(st.integers(start, len(prompt)))]

    async def compare() -> None:
        place = await database.painted_by_new_user([prompt])
        # half of a composed letter is a different one
        if search.fold(piece) in search.fold(prompt):
            assert await found(database.stores, piece, place) == [prompt]

    database.runner.run(compare())


@given(st.integers(), st.integers(), st.text())
def test_tokens_never_raise_and_never_need_quotes(guild_id: int, user_id: int, prompt: str) -> None:
    """Every prompt has tokens of plain letters and digits, for any user."""
    assert set(search.tokens(guild_id, user_id, prompt)) <= set("0123456789abcdefgu ")


@given(PROMPTS, LOOKED_FOR)
def test_a_query_asks_only_for_tokens_of_what_holds(prompt: str, text: str) -> None:
    """A prompt that contains the words has every token of the query."""
    words = search.words_of(text)
    if words and search.holds(prompt, words):
        asked = set(search.match(1, 2, PictureQuery(text)).split(" AND "))
        assert len(asked) <= 24
        assert asked <= set(search.tokens(1, 2, prompt).split())

"""Finding pictures by seed, day, model, LoRA, favourites and notes, alone and together."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage import search
from storage.database import Database
from storage.migrate import load_migrations
from storage.search import FIRST_DAY, LAST_DAY, PictureQuery
from storage.types import Place, StoredPicture
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job, new_picture
from tests.storage.query_plans import BY_WORDS_NEWEST_FIRST, plans_of, reads_all

ALICES = (ALICE.user_id, ALICE.guild_id)
DAYS = st.dates(FIRST_DAY, LAST_DAY)


def recipe(model: str = "", loras: Sequence[str] = ()) -> str:
    """Return a recipe as painting writes it, as far as its names go."""
    request = {"prompt": "a lake", "loras": [{"name": each} for each in loras], "model": model}
    return json.dumps({"model": "sketch", "request": request})


async def painted(stores: OpenStores, place: Place = ALICE, **fields: Any) -> StoredPicture:
    """Return a new picture; `fields` are the prompt of its job and its own."""
    job = await stores.painting(new_job(place, prompt=fields.pop("prompt", "a lake")))
    (picture,) = await stores.jobs.painted(job.id, [new_picture(**fields)])
    return picture


async def found(stores: OpenStores, wanted: PictureQuery, place: Place = ALICE) -> list[int]:
    """Return the ids of what a user finds."""
    pictures = await stores.history.find(place.user_id, place.guild_id, wanted, None, 50)
    return [each.id for each in pictures]


async def test_every_kind_of_question(stores: OpenStores) -> None:
    """Each kind of question finds the pictures that it means, of their own person alone."""
    await painted(stores, BOB, seed=5, recipe=recipe("base", ["ink"]))
    plain = await painted(stores, seed=0)
    stores.clock.advance(days=40)
    other = await painted(stores, prompt="日落 boat", seed=5, recipe=recipe("Base", ["Ink", "oil"]))
    await stores.history.favour(other.id, ALICE.user_id)
    day = stores.clock().date()
    for wanted, ids in (
        (PictureQuery(seed=5), [other.id]),
        (PictureQuery(seed=0), [plain.id]),
        (PictureQuery(model="bAsE"), [other.id]),
        (PictureQuery(model="sketch"), []),
        (PictureQuery(lora="ink"), [other.id]),
        (PictureQuery(lora="oi"), []),
        (PictureQuery(since=day), [other.id]),
        (PictureQuery(until=day - timedelta(days=1)), [plain.id]),
        (PictureQuery(since=day - timedelta(days=40), until=day), [other.id, plain.id]),
        (PictureQuery(since=day + timedelta(days=1)), []),
        (PictureQuery(since=day, until=day - timedelta(days=1)), []),
        (PictureQuery("lake", since=day, until=day - timedelta(days=1)), []),
        (PictureQuery(favourites=True), [other.id]),
        (PictureQuery("日落", 5, day, day, "base", "oil", favourites=True), [other.id]),
        (PictureQuery("lake", 5), []),
        (PictureQuery(), [other.id, plain.id]),
    ):
        assert await found(stores, wanted) == ids, wanted


async def test_notes_are_found_and_change(stores: OpenStores) -> None:
    """A note is found by its words beside those of the prompt, until it is changed or removed; no
    word spans both; and only the picture's own person writes it."""
    picture = await painted(stores, prompt="a lake")
    noted = await stores.history.write_note(picture.id, ALICE.user_id, "给妈妈 for Mum")
    assert noted == dataclasses.replace(picture, note="给妈妈 for Mum")
    for text, ids in (
        ("妈妈", [picture.id]),
        ("mum LAKE", [picture.id]),
        ("lake给", []),
        ("dad", []),
    ):
        assert await found(stores, PictureQuery(text)) == ids, text
    assert await stores.history.write_note(picture.id, BOB.user_id, "mine") is None
    await stores.history.write_note(picture.id, ALICE.user_id, "dad")
    assert await found(stores, PictureQuery("mum")) == []
    assert await found(stores, PictureQuery("dad")) == [picture.id]
    assert await stores.history.write_note(picture.id, ALICE.user_id, None) == picture
    assert await found(stores, PictureQuery("dad")) == []
    assert await found(stores, PictureQuery("lake")) == [picture.id]


async def test_what_is_erased_keeps_neither_note_nor_star(stores: OpenStores) -> None:
    """Erasing a picture removes its note and its mark, from the row and from the index."""
    picture = await painted(stores)
    await stores.history.favour(picture.id, ALICE.user_id)
    await stores.history.write_note(picture.id, ALICE.user_id, "a secret")
    await stores.history.erase(picture.id)
    (row,) = await stores.db.fetch_all("SELECT note, favourite_at FROM pictures")
    assert tuple(row) == (None, None)
    assert await stores.db.fetch_all("SELECT id FROM pictures_search_docsize") == []
    for wanted in (
        PictureQuery("secret"),
        PictureQuery(seed=7),
        PictureQuery("x", favourites=True),
    ):
        match = search.match(ALICE.guild_id, ALICE.user_id, wanted)
        sql = "SELECT rowid FROM pictures_search WHERE pictures_search MATCH ?"
        assert await stores.db.fetch_all(sql, (match,)) == []
    assert await stores.history.write_note(picture.id, ALICE.user_id, "again") is None


async def test_pages_turn_both_ways(stores: OpenStores) -> None:
    """What is found is paged to and fro, each picture once, also where letters mislead."""
    mine = [await painted(stores, prompt=f"abcde {number}") for number in range(7)]
    for _ in range(9):
        await painted(stores, prompt="abc cde bcd")
    wanted, seen, before_id = PictureQuery("abcde"), list[int](), None
    while page := await stores.history.find(*ALICES, wanted, before_id, 3):
        seen += [picture.id for picture in page]
        before_id = page[-1].id
    assert seen == [picture.id for picture in reversed(mine)]
    back = await stores.history.find_after(*ALICES, wanted, mine[2].id, 3)
    assert back == mine[2:5]
    assert await stores.history.find_after(*ALICES, wanted, mine[6].id, 3) == mine[6:]
    assert await stores.history.find_after(*ALICES, PictureQuery(), mine[6].id, 1) == mine[6:]


@pytest.mark.parametrize("before_id", [None, 500])
@pytest.mark.parametrize(
    "wanted",
    [
        PictureQuery(seed=7),
        PictureQuery(since=date(2026, 3, 2), until=date(2027, 2, 3)),
        PictureQuery(model="base", lora="ink"),
        PictureQuery("lake", 7, date(1970, 1, 1), None, "base", "ink", favourites=True),
    ],
    ids=["seed", "days", "names", "everything"],
)
async def test_questions_use_the_index(
    filled: OpenStores,
    monkeypatch: pytest.MonkeyPatch,
    wanted: PictureQuery,
    before_id: int | None,
) -> None:
    """Every kind of question is answered by the index of terms, in order, without sorting."""
    plans = await plans_of(filled, monkeypatch, filled.history.find(30, 10, wanted, before_id, 10))
    plans += await plans_of(
        filled, monkeypatch, filled.history.find_after(30, 10, wanted, before_id or 1, 10)
    )
    assert len(plans) == 2 and BY_WORDS_NEWEST_FIRST in plans[0]
    for plan in plans:
        assert "TEMP B-TREE" not in plan and not reads_all(plan), plan


async def test_pictures_of_earlier_versions_are_found(old_file: Path) -> None:
    """Pictures from before the index knew seeds and days are found by them after the upgrade."""
    await (await Database.open(old_file, migrations=load_migrations()[:13])).close()
    stores = await OpenStores.open(old_file)
    looked_for = 0
    for place in (ALICE, BOB):
        person = (place.user_id, place.guild_id)
        everything = await stores.history.page(*person, None, 100)
        for each in everything:
            day = each.painted_at.date()
            for wanted in (PictureQuery(seed=each.seed), PictureQuery(since=day, until=day)):
                same = await stores.history.find(*person, wanted, None, 100)
                looked_for += each in same
                assert all(other.seed == each.seed for other in same) or wanted.seed is None
        assert everything
    assert looked_for > 4
    await stores.db.close()


@given(DAYS, st.integers(0, 40_000), st.integers(-3, 40_003))
@example(date(2020, 1, 1), 3652, 3652)
@example(FIRST_DAY, 40_000, 5)
def test_a_period_has_each_of_its_days_once(since: date, days: int, offset: int) -> None:
    """Of the terms that stand for a period, a day within it has exactly one, and another none."""
    until = min(since + timedelta(days=days), LAST_DAY)
    day = min(max(since + timedelta(days=offset), FIRST_DAY), LAST_DAY)
    asked = search.match(1, 2, PictureQuery(since=since, until=until))
    marks = [mark.partition("u")[2] for mark in asked.strip("()").split(" OR ")]
    assert len(marks) == len(set(marks)) <= 31 * 2 + 11 * 2 + 9 * 2 + 9
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    own = search.terms(1, 2, "", None, 3, int(noon.timestamp()) * 10**6, None, "{}")
    own_marks = {mark.partition("u")[2] for mark in own.split()}
    assert len(own_marks & set(marks)) == (since <= day <= until)


@given(st.text(), st.one_of(st.none(), st.text()), st.integers(), st.text())
@example("", None, 2**62, '{"request": {"loras": [{}]}}')
@example("", None, 0, '{"request": []}')
@example("", None, 0, '{"request": {"model": 3}}')
@example("", None, 0, "[]")
def test_terms_never_raise(prompt: str, note: str | None, painted_us: int, recipe: str) -> None:
    """Whatever a row contains, it has terms of plain letters and digits."""
    made = search.terms(-1, 2, prompt, note, 3, painted_us, None, recipe)
    assert made.isascii() and set(made) <= set("0123456789abcdefgulnostyz ")


@given(
    st.builds(
        PictureQuery,
        st.text(max_size=5),
        st.one_of(st.none(), st.integers(0, 9)),
        st.one_of(st.none(), DAYS),
        st.one_of(st.none(), DAYS),
        st.text(max_size=5),
        st.text(max_size=5),
        st.booleans(),
    )
)
def test_a_query_comes_back_from_its_text(wanted: PictureQuery) -> None:
    """A stored query is the same when it is read, and has one text only."""
    text = wanted.to_json()
    assert PictureQuery.from_json(text) == wanted
    assert PictureQuery.from_json(text).to_json() == text


@pytest.mark.parametrize("name", ['"', "*", "NEAR(", "-", "a OR b", "ink)", "\ud800", "\0"])
async def test_names_are_no_syntax(stores: OpenStores, name: str) -> None:
    """What is typed as a model or a LoRA is looked for as it stands."""
    await painted(stores, recipe=recipe("base", ["ink"]))
    assert await found(stores, PictureQuery(model=name)) == []
    assert await found(stores, PictureQuery(lora=name)) == []
    if name.isprintable():
        odd = await painted(stores, recipe=recipe(name, [name]))
        assert await found(stores, PictureQuery(model=name, lora=name)) == [odd.id]


def test_nothing_is_no_question() -> None:
    """A match for a query that wants nothing raises, instead of matching all or none."""
    with pytest.raises(ValueError, match="nothing"):
        search.match(1, 2, PictureQuery())


def test_every_mark_has_its_own_letter() -> None:
    """No term of one kind can be one of another kind, or of a word."""
    made = search.terms(1, 2, "", None, 20260301, 0, 1, recipe("20260301", ["20260301"]))
    marks = [mark.partition("u")[2] for mark in made.split()]
    letters = [mark[0] for mark in marks]
    assert len(set(letters)) == len(letters) == 8
    assert not set(letters) & set("0123456789abcdef")

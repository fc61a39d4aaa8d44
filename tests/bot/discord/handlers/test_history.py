"""/history with searches, favourites and thumbnails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.accounts.permissions import Actor
from bot.discord.handlers import pictures
from bot.i18n import words
from bot.pictures.searches import MAX_SEARCH_CHARS, SearchTerms, parse_search
from bot.request.outcomes import ListGone, Refused, TextTooLong
from bot.wording.rejections import refusal
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.marks import marked
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import last_row_labels, paint, private_text, response_text


async def history(harness: BotHarness, who: Any, **options: Any) -> tuple[Any, str]:
    """Run /history; return the result and its text."""
    result = await who.slash(harness.channel, "history", **options)
    assert result.ephemeral
    return result, response_text(harness, result)


async def favour(harness: BotHarness, who: Any, *picture_ids: int) -> None:
    """Mark pictures as favourites."""
    for picture_id in picture_ids:
        assert await harness.app.services.gallery.set_favourite(
            as_actor(harness, who), picture_id, favourite=True
        )


def as_actor(harness: BotHarness, who: Any) -> Actor:
    """Return a member as the services see them."""
    return Actor(who.id, harness.guild.id, harness.channel.id)


async def test_searching_for_words(harness: BotHarness):
    """English and Chinese words in any order find the member's own pictures, and Show works."""
    for prompt in ("a Red boat on a lake", "a red house", "雪中的灯塔", "a lake"):
        await paint(harness, prompt=prompt)
    await harness.bob.slash(harness.channel, "imagine", prompt="bob's red boat")
    await harness.settled()
    answer, text = await history(harness, harness.alice, search="BOAT red")
    assert "1 picture matching “BOAT red”" in text and "#1" in text and "bob" not in text
    shown = await harness.alice.click(answer.response.message, label="Show #1")
    assert shown.ephemeral and "a Red boat" in harness.texts(shown.response.message)
    _, text = await history(harness, harness.alice, search="灯塔")
    assert "雪中的灯塔" in text and "red" not in text
    _, text = await history(harness, harness.alice, search="red")
    assert "2 pictures" in text and "more" not in text
    _, text = await history(harness, harness.alice, search="tiger")
    assert "None of your pictures here match “tiger”." in text


async def test_what_is_found_has_pages(harness: BotHarness):
    """More than fits is paged both ways, also after a restart and a year."""
    for prompt in ("a lake", "a lake at dusk"):
        await paint(harness, prompt=prompt, count=4)
    await paint(harness, prompt="a boat")
    answer, text = await history(harness, harness.alice, search="LAKE", **{"from": "2026"})
    assert "Your pictures matching “LAKE” · from 2026-01-01, newest first" in text
    assert text.count("**#") == 5 and "#8" in text and "boat" not in text
    await harness.stop()
    harness.clock.advance(days=366)
    await harness.start()
    await harness.alice.click(answer.response.message, label="Older")
    second = response_text(harness, answer)
    assert second.count("**#") == 3 and "#1" in second and "dusk" not in second
    await harness.alice.click(answer.response.message, label="Newer")
    assert "#8" in response_text(harness, answer)
    for picture_id in (1, 2, 3):
        await harness.app.services.deletion.erase(as_actor(harness, harness.alice), picture_id)
    await harness.alice.click(answer.response.message, label="Older")
    text = response_text(harness, answer)
    assert text.startswith("The pictures of that page have been deleted since. ")
    assert "5 pictures matching “LAKE”" in text and "#8" in text


async def test_a_list_that_is_gone_says_so(harness: BotHarness):
    """A page that was not used for years is not known any more, nor is anybody else's."""
    await paint(harness, prompt="a lake", count=4)
    await paint(harness, prompt="a lake", count=2)
    answer, _ = await history(harness, harness.alice)
    actor = as_actor(harness, harness.bob)
    assert await harness.app.services.gallery.list_page(actor, 1) == Refused(ListGone())
    harness.clock.advance(days=800)
    await harness.app.services.gallery._lists.sweep()
    gone = await harness.alice.click(answer.response.message, label="Older")
    assert "This list is too old" in private_text(gone)


async def test_finding_by_what_is_known(harness: BotHarness):
    """Seed, days and LoRAs narrow a search; what cannot be meant is explained in one sentence."""
    await paint(harness, prompt="a lake", seed=5)
    await paint(harness, prompt="a boat", seed=6)
    _, text = await history(harness, harness.alice, seed=6)
    assert "1 picture matching seed 6" in text and "a boat" in text
    for options, said in (
        ({"to": "2025年"}, "None of your pictures here match until 2025-12-31."),
        ({"from": "2026-01", "to": "2026/1/31", "seed": 5}, "1 picture matching seed 5 · from"),
        ({"lora": "ink:0.8"}, "None of your pictures here match LoRA ink."),
        ({"from": "soon"}, "“soon” is not a day that I know"),
        ({"from": "2026-02-30"}, "“2026-02-30” is not a day that I know"),
        ({"to": "1999"}, "between 2015-01-01 and 2099-12-31"),
        ({"from": "2026-02", "to": "2026-01"}, "There is no day from 2026-02-01 to 2026-01-31"),
    ):
        result = await harness.alice.slash(harness.channel, "history", **options)
        assert said in response_text(harness, result) + private_text(result), options


@pytest.mark.parametrize("search", ["  ", "\u200b", "\ud83d"])
async def test_nothing_to_look_for_is_no_search(harness: BotHarness, search: str):
    """A search without visible characters finds everything."""
    await paint(harness, prompt="a lake")
    _, text = await history(harness, harness.alice, search=search)
    assert "You have 1 picture here." in text


@pytest.mark.parametrize(
    "search", ["**@everyone**", '" OR prompt', "<@123456789012345678>", "%", "*", "`a", "NEAR("]
)
async def test_searching_for_syntax(harness: BotHarness, search: str):
    """Search terms are taken literally: they mention nobody and break nothing."""
    await paint(harness, prompt="a lake")
    _, text = await history(harness, harness.alice, search=search)
    assert "None of your pictures" in text
    assert "@everyone" not in text and "<@1" not in text


def test_too_long_a_search_is_refused():
    """A search beyond Discord's own limit is refused with the maximum length."""
    found = parse_search(SearchTerms("x" * 4000))
    assert isinstance(found, Refused)
    assert found.reason == TextTooLong("search", 4000, MAX_SEARCH_CHARS)
    assert refusal(found, words(), str).startswith("The search is too long: 4000 characters")


async def test_favourites_alone(harness: BotHarness):
    """Only favourites are listed and searched; without any, the reply says how to mark one."""
    _, text = await history(harness, harness.alice, favourites=True)
    assert "You have no favourites here yet" in text
    for prompt in ("a lake", "a boat", "a boat at dawn"):
        await paint(harness, prompt=prompt)
    await favour(harness, harness.alice, 1, 2)
    _, text = await history(harness, harness.alice, favourites=True)
    assert "You have 2 favourites here." in text and "dawn" not in text
    _, text = await history(harness, harness.alice, favourites=True, search="boat")
    assert "1 favourite matching “boat”" in text and "#2" in text and "#3" not in text
    _, text = await history(harness, harness.alice, favourites=True, search="dawn")
    assert "None of your favourites" in text
    _, text = await history(harness, harness.bob, favourites=True)
    assert "no favourites" in text


async def test_pages_of_favourites_turn_for_ever(harness: BotHarness):
    """Paging of favourites works both ways and after a restart; unmarked ones are skipped."""
    for number in range(6):
        await paint(harness, prompt=f"number {2 * number}", count=2)
    await favour(harness, harness.alice, *range(1, 13))
    answer, first = await history(harness, harness.alice, favourites=True)
    assert "You have 12 favourites" in first and "#12" in first and "#7" not in first
    await harness.stop()
    await harness.start()
    await harness.alice.click(answer.response.message, label="Older")
    second = response_text(harness, answer)
    assert "#7" in second and "#3" in second and "#8" not in second
    await harness.alice.click(answer.response.message, label="Older")
    assert "#2" in response_text(harness, answer) and "#3" not in response_text(harness, answer)
    await harness.alice.click(answer.response.message, label="Newer")
    assert response_text(harness, answer) == second
    gallery, alice = harness.app.services.gallery, as_actor(harness, harness.alice)
    for picture_id in range(1, 7):
        await gallery.set_favourite(alice, picture_id, favourite=False)
    await harness.alice.click(answer.response.message, label="Older")
    assert "You have 6 favourites" in response_text(harness, answer) and "#12" in response_text(
        harness, answer
    )


async def test_a_page_that_is_gone_is_the_first(harness: BotHarness):
    """A page that has become empty shows the first page instead."""
    for number in range(3):
        await paint(harness, prompt=f"number {2 * number}", count=2)
    answer, _ = await history(harness, harness.alice)
    await harness.app.services.deletion.erase(as_actor(harness, harness.alice), 1)
    await harness.alice.click(answer.response.message, label="Older")
    text = response_text(harness, answer)
    assert "You have 5 pictures here." in text and "#6" in text
    assert text.startswith("The pictures of that page have been deleted since. ")


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(harness: BotHarness):
    """Lists, search results and their pages are valid by Discord's description."""
    for number in range(3):
        await paint(harness, prompt=f"a lake {number}", count=2)
    await favour(harness, harness.alice, *range(1, 7))
    await history(harness, harness.alice, search="lake")
    await history(harness, harness.alice, search="no such word")
    answer, _ = await history(harness, harness.alice, favourites=True)
    await harness.alice.click(answer.response.message, label="Older")
    await harness.alice.click(answer.response.message, label="Newer")
    api, requests = ApiDescription(), harness.env.http_requests
    assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []


async def test_a_shown_picture_can_be_worked_with(harness: BotHarness):
    """A picture opened by Show has buttons for itself; none of them rerolls its whole series."""
    await paint(harness, prompt="a lake", count=2)
    answer, _ = await history(harness, harness.alice)
    shown = await harness.alice.click(answer.response.message, custom_id=marked("z1:show:1"))
    assert last_row_labels(shown.response.message) == [
        "Vary (subtle)",
        "Vary (strong)",
        "Upscale",
        "Details",
        "More ▾",
    ]
    await harness.alice.click(shown.response.message, label="Vary (strong)")
    await harness.settled()
    assert harness.charged() == 2 + 4
    panel = await harness.alice.click(shown.response.message, label="More ▾")
    assert panel.ephemeral and "Picture 1 (#1)" in harness.texts(panel.response.message)


async def test_favourites_are_told_from_others(harness: BotHarness):
    """Favourites are marked in the full list, but not in the list of favourites."""
    for prompt in ("a lake", "a hill"):
        await paint(harness, prompt=prompt)
    await favour(harness, harness.alice, 1)
    _, every = await history(harness, harness.alice)
    _, favourites = await history(harness, harness.alice, favourites=True)
    assert every.count("your favourite") == 1 and "your favourite" not in favourites


async def test_deleted_while_it_is_shown(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """A picture that is deleted in the moment it is read is no error of the bot."""
    await paint(harness, prompt="a lake")
    page = (await harness.alice.slash(harness.channel, "history")).response.message
    await harness.env.settle()

    def deleted(path: Path, *_: object) -> None:
        path.unlink()
        path.read_bytes()

    monkeypatch.setattr(pictures, "fit_file_to_limit", deleted)
    shown = await harness.alice.click(page, label="Show #1")
    assert "Something went wrong" not in private_text(shown)
    assert "was removed" in private_text(shown)

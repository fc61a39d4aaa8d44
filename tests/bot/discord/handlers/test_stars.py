"""Stars below pictures, and notes on one's own: kept, found, and gone with the picture."""

from __future__ import annotations

from typing import Any

from bot.accounts.permissions import Actor
from bot.request.outcomes import Refused, TextTooLong
from storage.types import NOTE_LIMIT_CHARS
from tests.bot.discord.forms import form_fields
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint, private_text, response_text


async def history(harness: BotHarness, **options: Any) -> str:
    """Return the text of Alice's /history."""
    return response_text(harness, await harness.alice.slash(harness.channel, "history", **options))


async def test_a_star_below_a_picture(harness: BotHarness):
    """Its owner's star makes it a favourite, others' are counted; pressed again it is taken back,
    also after a restart."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    marked = await harness.alice.click(message, label="Favourite")
    assert "#1 is one of your favourites now" in private_text(marked)
    assert "You have 1 favourite here." in await history(harness, favourites=True)
    starred = await harness.bob.click(message, label="Favourite")
    assert "You gave picture #1 a star. It has 2 stars now." in private_text(starred)
    await harness.stop()
    await harness.start()
    starred = await harness.bob.click(message, label="Favourite")
    assert "You took your star from picture #1. It has 1 star now." in private_text(starred)
    marked = await harness.alice.click(message, label="Favourite")
    assert "#1 is no longer one of your favourites" in private_text(marked)
    assert "no favourites here" in await history(harness, favourites=True)


async def test_a_star_of_each_of_several(harness: BotHarness):
    """Each picture of a message has a star of its own, in /history too."""
    await paint(harness, prompt="a lake", count=3)
    await harness.alice.click(harness.message_with_picture(), label="Favourite 2")
    assert "**#2**" in await history(harness, favourites=True)
    page = await harness.alice.slash(harness.channel, "history")
    shown = await harness.alice.click(page.response.message, label="Show #3")
    await harness.alice.click(shown.response.message, label="Favourite")
    assert "You have 2 favourites here." in await history(harness, favourites=True)


async def test_no_star_for_what_is_gone(harness: BotHarness):
    """A deleted picture is not starred; the answer says so."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    alice = Actor(harness.alice.id, harness.guild.id, harness.channel.id)
    await harness.bob.click(message, label="Favourite")
    await harness.app.services.deletion.erase(alice, 1)
    assert harness.rows("SELECT * FROM stars") == []
    assert isinstance(await harness.app.services.gallery.star(alice, 1), Refused)


async def test_a_note_is_kept_and_found(harness: BotHarness):
    """A note from the form is shown to its owner alone, found by its words, changed and removed."""
    await paint(harness, prompt="a lake")
    await paint(harness, prompt="a boat")
    page = await harness.alice.slash(harness.channel, "history")
    shown = (await harness.alice.click(page.response.message, label="Show #1")).response.message
    form = await harness.alice.click(shown, label="Note")
    assert form_fields(form) == {"note": None}
    kept = await harness.alice.submit_modal(form, {"note": "**给妈妈** @everyone\nbirthday"})
    assert "Your note on picture #1 is kept" in private_text(kept)
    text = await history(harness, search="妈妈 birthday")
    assert "#1" in text and "#2" not in text and "your note: “" in text
    assert "@everyone" not in text
    message = next(each for each in harness.channel.history() if "a lake" in harness.texts(each))
    assert "birthday" not in harness.texts(await harness.more(harness.bob, message))
    panel = await harness.more(harness.alice, message)
    assert "birthday" in harness.texts(panel)
    form = await harness.alice.click(panel, label="Note")
    assert form_fields(form) == {"note": "**给妈妈** @everyone birthday"}
    gone = await harness.alice.submit_modal(form, {"note": " "})
    assert "has no note of yours now" in private_text(gone)
    assert "None of your pictures" in await history(harness, search="birthday")


async def test_only_ones_own_pictures_have_notes(harness: BotHarness):
    """Nobody else has the button, and whoever presses it all the same is told why not."""
    await paint(harness, prompt="a lake")
    panel = await harness.more(harness.bob, harness.message_with_picture())
    assert "Note" not in [each.label for row in panel.components[1:] for each in row.children]
    gallery = harness.app.services.gallery
    bob = Actor(harness.bob.id, harness.guild.id, harness.channel.id)
    assert isinstance(await gallery.note_of(bob, 1), Refused)
    assert isinstance(await gallery.write_note(bob, 1, "mine"), Refused)
    alice = Actor(harness.alice.id, harness.guild.id, harness.channel.id)
    long = await gallery.write_note(alice, 1, "x" * 4000)
    assert long == Refused(TextTooLong("note", 4000, NOTE_LIMIT_CHARS))

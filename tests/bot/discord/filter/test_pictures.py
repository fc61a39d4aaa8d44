"""/admin filter picture: nothing is painted from a picture of the list, nor from copies of it."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from bot.accounts.permissions import Action, Actor
from bot.request.outcomes import NotAllowed, Refused
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint, picture_file, private_text
from tests.bot.moderation.filter.test_picture_hash import a_scene, saved

REFUSED = "Nothing may be painted from this picture on this server. Nothing was charged."
SCENE = a_scene(3)
COPY = ("copy.jpg", saved(SCENE.resize((300, 200)), "JPEG", quality=50))
OTHER = ("other.png", saved(a_scene(4)))


async def picture(harness: BotHarness, **options: Any) -> str:
    """Run the command; return the private answer."""
    result = await harness.admin.slash(harness.channel, "admin filter picture", **options)
    said = result.followups[-1] if result.followups else result.response
    return said.content


async def from_picture(harness: BotHarness, command: str = "imagine", **options: Any) -> str:
    """Paint from a picture; return the refusal, "" if there was none."""
    result = await harness.alice.slash(harness.channel, command, **options)
    await harness.settled()
    said = result.followups[-1] if result.followups else result.response
    return said.content if said is not None and said.ephemeral else ""


async def test_copies_of_a_listed_picture_are_refused(harness: BotHarness) -> None:
    """Painting from it, blending and inpainting are refused before anything is charged, with a copy
    that was made smaller and saved as JPEG too; another picture is painted from."""
    said = await picture(harness, file=("scene.png", saved(SCENE)))
    assert "From now on, nothing is painted" in said and "1 picture is on the list" in said
    assert "already" in await picture(harness, file=("again.png", saved(SCENE)))
    mask = ("mask.png", saved(Image.new("L", SCENE.size, 255)))
    for command, options in (
        ("imagine", {"prompt": "x", "picture": COPY}),
        ("imagine", {"prompt": "x --ar 1:1", "picture": COPY}),
        ("blend", {"first": OTHER, "second": COPY}),
        ("inpaint", {"prompt": "x", "picture": COPY, "mask": mask}),
    ):
        assert REFUSED in await from_picture(harness, command, **options), (command, options)
    assert harness.charged() == 0
    assert not await from_picture(harness, prompt="x", picture=OTHER)
    assert harness.charged() == 1


async def test_a_picture_of_the_bot_is_listed_by_its_number(harness: BotHarness) -> None:
    """Then it is neither upscaled, varied, rerolled nor remixed, until it is taken off the list;
    it cannot be taken off twice."""
    await paint(harness, prompt="a lake")
    message = harness.message_with_picture()
    assert "From now on" in await picture(harness, picture="1")
    for label in ("Reroll", "Vary (subtle)", "Upscale"):
        refused = await harness.bob.click(message, label=label)
        await harness.settled()
        assert REFUSED in private_text(refused), label
    assert harness.charged() == 1
    copy = ("copy.png", picture_file(harness).read_bytes())
    assert REFUSED in await from_picture(harness, prompt="x", picture=copy)
    assert "may be painted from again" in await picture(harness, picture="#1", remove=True)
    assert "not on the list" in await picture(harness, picture="1", remove=True)
    await harness.bob.click(message, label="Reroll")
    await harness.settled()
    assert harness.charged() == 2


async def test_the_list_is_kept_over_a_restart(harness: BotHarness) -> None:
    """The next process refuses the same pictures."""
    await picture(harness, file=("scene.png", saved(SCENE)))
    await harness.crash()
    await harness.start()
    assert REFUSED in await from_picture(harness, prompt="x", picture=COPY)


async def test_what_is_no_picture_changes_nothing(harness: BotHarness) -> None:
    """No option, an unknown number and a file that is no picture: one sentence each."""
    assert "Nothing was changed: give `picture` or `file`" in await picture(harness)
    assert "There is no picture" in await picture(harness, picture="77")
    assert "There is no picture" in await picture(harness, picture="a lake")
    out = io.BytesIO()
    SCENE.save(out, "GIF")
    assert "GIF" in await picture(harness, file=("x.gif", out.getvalue()))
    await picture(harness, file=("x.png", b"\x89PNG\r\n\x1a\n"))
    assert harness.rows("SELECT count(*) FROM filter_pictures") == [(0,)]


async def test_only_admins_change_the_list(harness: BotHarness) -> None:
    """Moderators and members are refused, whatever Discord let through."""
    filter_ = harness.app.services.picture_filter
    for moderates in (False, True):
        actor = Actor(1, harness.guild.id, harness.channel.id, manages_messages=moderates)
        refused = Refused(NotAllowed(Action.SET_FILTER))
        assert await filter_.change_by_id(actor, "1", remove=False) == refused
        assert await filter_.change_by_file(actor, saved(SCENE), remove=True) == refused

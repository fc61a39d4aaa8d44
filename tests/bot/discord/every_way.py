"""Every way in which a member can paint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.bot.discord.harness import BotHarness
from tests.bot.discord.images import MENU, PHOTO
from tests.bot.discord.painting import paint


async def ways_to_paint(harness: BotHarness) -> list[Callable[[], Awaitable[Any]]]:
    """Return every way in which Bob could paint, prepared before he is blocked."""
    bob, channel = harness.bob, harness.channel
    await paint(harness, bob, prompt="his own")
    own = harness.message_with_picture()
    await paint(harness, prompt="hers")
    hers = harness.message_with_picture()
    panel = await harness.more(bob, hers)
    form = await bob.click(panel, label="Remix")
    part = await bob.click(panel, label="Repaint part")
    blend = await bob.click(panel, label="Blend")
    details = (await bob.click(panel, label="Details")).response.message
    await paint(harness, prompt="several", count=2)
    several = harness.message_with_picture()
    many = await harness.more(bob, several)
    await bob.click(many, label="Picture 1")
    theirs = await harness.alice.send(channel, "look", attachments=[PHOTO])
    ask = await bob.slash(channel, "imagine", prompt="{a, b} lake")
    from_hers, from_theirs = [await bob.context_menu(channel, MENU, m) for m in (hers, theirs)]
    return [
        lambda: bob.slash(channel, "imagine", prompt="x"),
        lambda: bob.slash(channel, "imagine", prompt="x", private=True),
        *(lambda c=c: bob.slash(channel, c) for c in ("reroll", "vary", "upscale", "remix")),
        lambda: bob.slash(channel, "reroll", seed=5),
        lambda: bob.context_menu(channel, "Reroll", hers),
        *(
            lambda m=m, label=label: bob.click(m, label=label)
            for m in (own, hers)
            for label in ("Reroll", "Vary (subtle)", "Vary (strong)", "Upscale")
        ),
        lambda: bob.click(panel, label="Remix"),
        lambda: bob.click(details, label="Paint it again"),
        lambda: bob.submit_modal(form, {"prompt": "x"}),
        lambda: bob.click(panel, label="Repaint part"),
        lambda: bob.submit_modal(part, {"prompt": "x", "region": "left"}),
        lambda: bob.click(panel, label="Blend"),
        lambda: bob.submit_modal(blend, {"prompt": "x", "others": PHOTO}),
        lambda: bob.click(several, label="Reroll all"),
        lambda: bob.click(several, label="Upscale 1"),
        lambda: bob.click(several, label="Vary 1"),
        lambda: bob.click(many, label="Remix"),
        lambda: bob.slash(channel, "imagine", prompt="{a, b} hill"),
        lambda: bob.click(ask.response.message, label="Paint 2 pictures"),
        lambda: bob.slash(channel, "imagine", prompt="x", picture=PHOTO),
        lambda: bob.slash(channel, "blend", first=PHOTO, second=PHOTO),
        lambda: bob.slash(channel, "inpaint", prompt="x", picture=PHOTO, mask=PHOTO),
        lambda: bob.slash(channel, "inpaint", prompt="x", painting="1", mask=PHOTO),
        *(lambda m=m: bob.context_menu(channel, MENU, m) for m in (hers, several, theirs)),
        *(lambda f=f: bob.submit_modal(f, {"prompt": "x"}) for f in (from_hers, from_theirs)),
    ]

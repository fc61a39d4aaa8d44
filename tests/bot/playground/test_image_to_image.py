"""The real bot paints from pictures that users upload or refer to."""

from __future__ import annotations

from pathlib import Path

from bot.playground.initial_world import ADMIN_ID, PAINT_ID
from bot.playground.people import ActingUser
from tests.bot.playground.live import answer_text, open_live
from tests.bot.sample_pictures import a_huge_header, a_mask, a_picture


async def test_painting_from_pictures(tmp_path: Path) -> None:
    """Each command works with real files, and so does its modal after a kill; no rule is broken."""
    async with open_live(tmp_path) as live:
        people, registry = live.playground.people, live.playground.standin.registry
        photo = await people.upload("photo.jpg", a_picture(600, 400, form="JPEG"))
        other = await people.upload("other.png", a_picture(300, 300, "blue"))
        mask = await people.upload("mask.png", a_mask(300, 200))
        begun = [live.send("imagine", prompt="a lake", picture=str(photo.id), strength=0.5)]
        first = await live.picture()
        begun += [
            live.send("blend", first=str(photo.id), second=str(other.id)),
            live.send("inpaint", prompt="a tree", picture=str(photo.id), mask=str(mask.id)),
        ]
        await live.answered(*begun)
        await live.picture(3)
        menus = {each.name: each.id for each in registry.all(None) if each.type == 3}
        opened = people.context(ActingUser(ADMIN_ID), PAINT_ID, menus["Paint from this"], first.id)
        await live.until(lambda: opened.modal is not None)
        await live.restart()
        words = {"prompt": "a blue house", "strength": "0.6"}
        sent_in = people.modal(ActingUser(ADMIN_ID), opened.id, live.marked("z1:from:1"), words)
        await live.answered(sent_in)
        await live.picture(4)
        await live.settled()
        rows = live.rows(
            "SELECT json_extract(request, '$.mode'), json_extract(request, '$.strength'), "
            "parent_picture_id FROM jobs ORDER BY id"
        )
        # The job whose files were read first is first in the queue.
        assert [rows[0], *sorted(rows[1:3]), rows[3]] == [
            ("image", 0.5, None), ("blend", 0.8, None), ("inpaint", 1.0, None), ("image", 0.6, 1),
        ]  # fmt: skip
        size = live.rows("SELECT width_px, height_px FROM pictures WHERE id = 1")
        assert 1.3 < size[0][0] / size[0][1] < 1.7
        assert live.charged() == 4
        live.check()


async def test_bad_files_over_real_sockets(tmp_path: Path) -> None:
    """Unusable, oversized and missing files each cause a message that only the user sees."""
    async with open_live(tmp_path) as live:
        people, world = live.playground.people, live.playground.standin.world
        poem = await people.upload("x.png", b"a poem")
        huge = await people.upload("y.png", a_huge_header())
        gone = await people.upload("z.png", a_picture())
        world.files.path(gone.id).unlink()
        for file, words in (
            (poem, "cannot be read as a picture"),
            (huge, "megapixels"),
            (gone, "could not download"),
        ):
            sent = live.send("imagine", prompt="a lake", picture=str(file.id))
            assert words in await answer_text(live, sent)
        assert live.rows("SELECT 1 FROM jobs") == []
        live.check()

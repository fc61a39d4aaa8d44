"""/export: numbered zips of one's own pictures and recipes, or one sentence why not."""

from __future__ import annotations

import errno
import io
import json
import zipfile
from typing import Any

import pytest
from PIL import Image

from bot.delivery import exports
from bot.delivery.exports import Export
from bot.i18n import words
from bot.wording.exports import export_summary
from storage.search import PictureQuery
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import alice_as_actor, paint, picture_file, private_text


async def export(harness: BotHarness, **options: Any) -> Any:
    """Run /export as Alice; return the result."""
    return await harness.alice.slash(harness.channel, "export", **options)


async def zips(result: Any) -> list[tuple[str, zipfile.ZipFile]]:
    """Return the names and contents of the zips that were sent."""
    files = [each for message in result.followups for each in message.attachments]
    return [(each.filename, zipfile.ZipFile(io.BytesIO(await each.read()))) for each in files]


async def test_pictures_and_recipes(harness: BotHarness):
    """The zips hold every picture as it was painted and a JSON beside it with all that is known."""
    await paint(harness, prompt="a lake", seed=5)
    await paint(harness, prompt="日落", count=2)
    gallery = harness.app.services.gallery
    await gallery.write_note(alice_as_actor(harness), 1, "给妈妈")
    result = await export(harness)
    assert result.ephemeral
    assert "Here are 3 pictures with their recipes" in harness.texts(result.response.message)
    ((name, archive),) = await zips(result)
    assert name == "zimagine-export-1.zip" and archive.testzip() is None
    names = archive.namelist()
    assert names[-2:] == ["zimagine-1-5.png", "zimagine-1-5.json"] and len(names) == 6
    assert archive.read("zimagine-1-5.png") == picture_file(harness, 1).read_bytes()
    known = json.loads(archive.read("zimagine-1-5.json"))
    assert known["note"] == "给妈妈" and known["recipe"]["request"]["seed"] == 5
    assert not list(harness.settings.storage.data_dir.glob("*.zip"))


async def test_one_search(harness: BotHarness):
    """What /history finds is exported alone; nothing found and nonsense are one sentence each."""
    for prompt in ("a lake", "a boat"):
        await paint(harness, prompt=prompt)
    ((_, archive),) = await zips(await export(harness, search="boat"))
    assert len(archive.namelist()) == 2 and "zimagine-2-" in archive.namelist()[0]
    ((_, archive),) = await zips(await export(harness, before="2"))
    assert "zimagine-1-" in archive.namelist()[0]
    nothing = await export(harness, search="tiger")
    assert "There is nothing to export" in harness.texts(nothing.response.message)
    assert "is not a day that I know" in private_text(await export(harness, **{"from": "soon"}))
    assert "There is no picture" in private_text(await export(harness, before="x"))


async def test_a_full_disk_ends_it(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """When the disk is full, one sentence says so; nothing is left behind, and later it works."""
    await paint(harness, prompt="a lake")
    before = sorted(harness.settings.storage.data_dir.rglob("*"))

    class FullDisk(io.BytesIO):
        def write(self, *_: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(exports.tempfile, "TemporaryFile", lambda **_: FullDisk())
        full = await export(harness)
    assert "The disk is full" in harness.texts(full.response.message) and not full.followups
    assert sorted(harness.settings.storage.data_dir.rglob("*")) == before
    assert len(await zips(await export(harness))) == 1


async def test_what_is_gone_has_its_recipe(harness: BotHarness):
    """Of a picture whose file was removed the recipe is exported, and the answer says so."""
    await paint(harness, prompt="a lake", seed=5)
    picture_file(harness, 1).unlink()
    result = await export(harness)
    ((_, archive),) = await zips(result)
    assert archive.namelist() == ["zimagine-1-5.json"]
    assert "Of 1 only the recipe is there" in harness.texts(result.response.message)


async def test_one_at_a_time(harness: BotHarness):
    """A second export while the first is made is refused; after it there can be another."""
    await paint(harness, prompt="a lake")
    actor = alice_as_actor(harness)
    assert isinstance(harness.app.services.exports.begin(actor, PictureQuery(), None, 1000), Export)
    assert "Your last export is still being made" in private_text(await export(harness))
    harness.app.services.exports.end(actor)
    assert len(await zips(await export(harness))) == 1


async def test_every_zip_is_below_the_limit(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """Zips are at most as large as Discord takes, together they hold everything, newest first, and
    what does not fit into the last can be exported from there."""
    for number in range(3):
        await paint(harness, prompt=f"a lake {number}", count=2)
    monkeypatch.setattr(exports, "_RECIPE_ROOM_BYTES", 8 * 2**10)
    limit_bytes = 2 * picture_file(harness, 1).stat().st_size + exports._RECIPE_ROOM_BYTES
    parts, rest_id = await all_parts(harness, limit_bytes, None)
    assert len(parts) > 1 and rest_id is None
    assert [each for ids, _ in parts for each in ids] == [6, 5, 4, 3, 2, 1]
    assert all(data <= limit_bytes for _, data in parts)
    monkeypatch.setattr(exports, "MAX_PARTS", 1)
    first, rest_id = await all_parts(harness, limit_bytes, None)
    assert first == parts[:1] and rest_id == parts[0][0][-1]
    assert (await all_parts(harness, limit_bytes, rest_id))[0] == parts[1:2]


async def all_parts(
    harness: BotHarness, limit_bytes: int, before_id: int | None
) -> tuple[list[tuple[tuple[int, ...], int]], int | None]:
    """Return the ids and the size of each zip, and where the rest begins."""
    service, actor = harness.app.services.exports, alice_as_actor(harness)
    begun = service.begin(actor, PictureQuery(), before_id, limit_bytes)
    assert isinstance(begun, Export)
    made = [(part.ids, len(part.file.read())) async for part in begun.parts()]
    service.end(actor)
    return made, begun.rest_id


async def test_a_picture_too_large_alone(harness: BotHarness):
    """A picture that alone is above the limit is made smaller; the answer says so."""
    await paint(harness, prompt="a lake")
    path = picture_file(harness, 1)
    with Image.open(path) as image:
        noise = Image.effect_noise(image.size, 90).convert("RGB")
    noise.save(path)
    limit_bytes = exports._RECIPE_ROOM_BYTES + path.stat().st_size // 2
    service, actor = harness.app.services.exports, alice_as_actor(harness)
    begun = service.begin(actor, PictureQuery(), None, limit_bytes)
    assert isinstance(begun, Export)
    async for part in begun.parts():
        assert part.smaller == (1,) and len(part.file.read()) <= limit_bytes
        (name, _) = zipfile.ZipFile(part.file).namelist()
        assert name.endswith((".webp", ".jpg"))
        assert "1 was too large for Discord" in export_summary([part], None, words())

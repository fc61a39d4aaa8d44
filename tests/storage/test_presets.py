"""Presets are kept by member and name; defaults by member, channel and server."""

import pytest

from storage.presets import MAX_PRESETS, Presets, RequestDefaults, TooManyPresets
from tests.storage.fakes import MODERATOR, OpenStores
from tests.storage.query_plans import plans_of


async def test_a_preset_is_kept_by_member_and_name(stores: OpenStores) -> None:
    """Saving a name again replaces its line and keeps its code; others have their own."""
    presets = Presets(stores.db, stores.clock)
    saved, replaced = await presets.save(30, "Ink", "ink", "--ar 16:9", "AAAA")
    assert not replaced and (saved.name, saved.code, saved.line) == ("Ink", "AAAA", "--ar 16:9")
    again, replaced = await presets.save(30, "INK", "ink", "--ar 1:1", "BBBB")
    assert replaced and (again.name, again.code, again.line) == ("INK", "AAAA", "--ar 1:1")
    await presets.save(30, "水墨", "水墨", "--draft", "CCCC")
    await presets.save(31, "ink", "ink", "--draft", "DDDD")
    assert [each.name for each in await presets.of(30)] == ["INK", "水墨"]
    assert await presets.get(30, "ink") == again and await presets.get(32, "ink") is None
    assert await presets.by_code("AAAA") == again and await presets.by_code("BBBB") is None
    assert await presets.delete(30, "ink") and not await presets.delete(30, "ink")
    assert await presets.by_code("AAAA") is None and await presets.get(31, "ink") is not None


async def test_a_member_has_only_so_many_presets(stores: OpenStores) -> None:
    """One more is refused, and replacing one is not."""
    presets = Presets(stores.db, stores.clock)
    for number in range(MAX_PRESETS):
        await presets.save(30, f"p{number}", f"p{number}", "--draft", f"C{number}")
    with pytest.raises(TooManyPresets):
        await presets.save(30, "more", "more", "--draft", "M")
    await presets.save(30, "p7", "p7", "--ar 16:9", "N")
    await presets.save(31, "more", "more", "--draft", "M")
    assert len(await presets.of(30)) == MAX_PRESETS


async def test_defaults_of_a_member_come_before_those_of_the_channel(stores: OpenStores) -> None:
    """What applies is listed with the first to decide first; each is changed by itself."""
    defaults = RequestDefaults(stores.db, stores.clock)
    assert await defaults.of(1, 10, 30) == ()
    await defaults.set(1, "--server", by=MODERATOR)
    await defaults.set(1, "--channel", by=MODERATOR, channel_id=10)
    await defaults.set(1, "--member", by=30, user_id=30)
    assert await defaults.of(1, 10, 30) == ("--member", "--channel", "--server")
    assert await defaults.of(1, 11, 31) == ("--server",) and await defaults.of(2, 10, 30) == ()
    await defaults.set(1, "--other", by=30, user_id=30)
    await defaults.set(1, None, by=MODERATOR, channel_id=10)
    assert await defaults.of(1, 10, 30) == ("--other", "--server")
    assert await defaults.get(1, user_id=30) == "--other" and await defaults.get(1) == "--server"
    assert await defaults.get(1, channel_id=10) is None


async def test_each_lookup_uses_a_whole_key(
    stores: OpenStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server where every member has defaults is searched by the key, not read."""
    asked = RequestDefaults(stores.db, stores.clock).of(1, 10, 30)
    (plan,) = await plans_of(stores, monkeypatch, asked)
    assert plan.count("(guild_id=? AND channel_id=? AND user_id=?)") == 3

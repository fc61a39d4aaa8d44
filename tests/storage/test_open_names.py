"""What admins open is kept by server and channel, and forgotten again."""

import pytest

from storage.open_names import OpenLoras, OpenModels
from tests.storage.fakes import MODERATOR, OpenStores


@pytest.mark.parametrize("kind", [OpenLoras, OpenModels])
async def test_a_channel_decides_before_its_server(
    stores: OpenStores, kind: type[OpenLoras | OpenModels]
) -> None:
    """The first of the channels with a list decides, else the server's, else nothing was chosen; an
    empty list is one, and other servers have their own."""
    opened = kind(stores.db, stores.clock)
    assert await opened.of(1, (20, 10)) is None
    await opened.open(1, None, ["ink", "film", "ink"], MODERATOR)
    assert await opened.of(1, (20, 10)) == {"ink", "film"} == await opened.of(1)
    await opened.open(1, 10, [], MODERATOR)
    await opened.open(1, 20, ["水墨"], MODERATOR)
    assert await opened.of(1, (20, 10)) == {"水墨"}
    assert await opened.of(1, (30, 10)) == set()
    assert await opened.of(2, (20, 10)) is None
    await opened.open(1, 20, ["fox"], MODERATOR)
    assert await opened.of(1, (20,)) == {"fox"}
    assert await opened.has_own(1, 20) and not await opened.has_own(1, 30)
    assert await opened.clear(1, 20) and not await opened.clear(1, 20)
    assert await opened.of(1, (20,)) == {"ink", "film"}
    assert await opened.clear(1, None) and await opened.of(1, (20,)) is None

"""custom_ids: short enough, read as they were written, and only those of the open database."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.discord.views.custom_ids import (
    EXAMPLE_ACTIONS,
    ComponentAction,
    custom_id,
    ids_of,
    is_known,
    is_of_another_database,
    parse,
    parse_staged,
    staged_id,
)
from bot.request.input_sources import StagedSource
from engine.types import Ground, SourceChange, SourceChangeKind
from storage.marks import DatabaseMark

NEW = DatabaseMark("0a1b2c3d")
OTHER = DatabaseMark("ffffffff")
UPGRADED = DatabaseMark("12345678", {"jobs": 40, "pictures": 25, "proposals": 5})
STAGED = StagedSource("ab" * 32, "0123456789abcdef")
LONGEST_ID = 10**18 - 1
JOB_ACTIONS = (ComponentAction.CANCEL, ComponentAction.CANCEL_IN_QUEUE)
PROPOSAL_ACTIONS = (
    ComponentAction.IMPORT_RULES,
    ComponentAction.KEEP_RULES,
    ComponentAction.ACCEPT_PROPOSAL,
    ComponentAction.DECLINE_PROPOSAL,
    ComponentAction.EDIT_PROMPT,
    ComponentAction.PAINT_WITHOUT,
    ComponentAction.PAINT_ANYWAY,
    ComponentAction.ERASE_MEMBER,
    ComponentAction.ANNOUNCE,
    ComponentAction.CANCEL_WAITING,
    ComponentAction.PAINT_EXPLAINED,
    ComponentAction.REMIND,
    *EXAMPLE_ACTIONS,
)


@given(st.sampled_from(ComponentAction), st.integers(0, LONGEST_ID), st.sampled_from([NEW, OTHER]))
def test_what_is_written_is_read(action: ComponentAction, row_id: int, mark: DatabaseMark) -> None:
    """Each custom_id has at most 100 characters, its mark, and the meaning it was written with."""
    with ids_of(mark):
        text = custom_id(action, row_id)
        assert len(text) <= 100 and mark.text in text
        assert parse(text) == (action, row_id) and parse_staged(text) is None
        assert is_known(text) and not is_of_another_database(text)
        staged = staged_id(STAGED)
        assert len(staged) <= 100 and mark.text in staged
        assert parse_staged(staged) == STAGED and parse(staged) is None
        assert is_known(staged) and not is_of_another_database(staged)


GROUNDS = st.sampled_from([(), *((SourceChange(SourceChangeKind.GROUND, each),)
                                  for each in (Ground.BLACK, Ground.GREY))])  # fmt: skip
MOVED = st.sampled_from([(), (SourceChange(SourceChangeKind.FIRST_FRAME),)])
CUTS = st.sampled_from([(), *((SourceChange(SourceChangeKind.CUT, str(each)),)
                              for each in range(1, 100))])  # fmt: skip


@given(GROUNDS, MOVED, CUTS)
def test_what_became_of_a_picture_has_room(
    ground: tuple[SourceChange, ...], moved: tuple[SourceChange, ...], cut: tuple[SourceChange, ...]
) -> None:
    """All that can be said of a staged picture fits into its custom_id, and is read as written."""
    staged = dataclasses.replace(STAGED, changes=(*ground, *moved, *cut))
    with ids_of(NEW):
        text = staged_id(staged)
        assert len(text) <= 100 and parse_staged(text) == staged


def test_staged_ids_of_earlier_versions() -> None:
    """Without the two characters a picture was taken as it was given; others stand for nothing."""
    assert staged_id(STAGED) == f"z1:kept:{STAGED.sha256}:{STAGED.signature}"
    assert parse_staged(f"{staged_id(STAGED)}zz") == STAGED
    assert parse_staged(f"{staged_id(STAGED)}z") is None


@pytest.mark.parametrize("opened", [NEW, UPGRADED])
@pytest.mark.parametrize("action", ComponentAction)
def test_another_databases_ids_mean_nothing(action: ComponentAction, opened: DatabaseMark) -> None:
    """An id of another database is recognised as one, and never read."""
    with ids_of(OTHER):
        theirs = [custom_id(action, 1), staged_id(STAGED)]
    with ids_of(opened):
        for text in theirs:
            assert parse(text) is None and parse_staged(text) is None
            assert is_known(text) and is_of_another_database(text)


@pytest.mark.parametrize("action", ComponentAction)
def test_ids_without_a_mark(action: ComponentAction) -> None:
    """They count in an upgraded database up to what it had given, and never in a new one."""
    highest = 40 if action in JOB_ACTIONS else 5 if action in PROPOSAL_ACTIONS else 25
    if action is ComponentAction.LIST_PAGE:  # lists are newer than marks
        highest = 0
    for row_id in {0, min(1, highest), highest}:
        text = f"z1:{action}:{row_id}"
        with ids_of(UPGRADED):
            assert parse(text) == (action, row_id) and not is_of_another_database(text)
        with ids_of(NEW):
            assert parse(text) is None and is_of_another_database(text)
    with ids_of(UPGRADED):
        for row_id in (highest + 1, LONGEST_ID):
            assert parse(f"z1:{action}:{row_id}") is None
            assert is_of_another_database(f"z1:{action}:{row_id}")


def test_a_staged_picture_without_a_mark() -> None:
    """It counts in an upgraded database, and never in a new one."""
    text = f"z1:kept:{STAGED.sha256}:{STAGED.signature}"
    with ids_of(UPGRADED):
        assert parse_staged(text) == STAGED
    with ids_of(NEW):
        assert parse_staged(text) is None and is_of_another_database(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seed",
        "z1:reroll",
        "z1:reroll:1:",
        "z1:reroll:1:0a1b2c3",
        "z1:reroll:1:0a1b2c3d4",
        "z1:reroll:1:0A1B2C3D",
        "z1:reroll:1:0a1b2c3d\n",
        "z1:reroll:1:0a1b2c3d:0a1b2c3d",
        "z1:nothing:1:0a1b2c3d",
        "z2:reroll:1:0a1b2c3d",
        "0a1b2c3d:z1:reroll:1",
        f"z1:kept:{'ab' * 32}:0a1b2c3d",
        f"z1:kept:{'ab' * 32}:{'0' * 16}:0a1b",
    ],
)
def test_other_texts_are_not_ours(text: str) -> None:
    """Whatever the bot never wrote is unknown, and is not taken for another database's."""
    with ids_of(NEW):
        assert parse(text) is None and parse_staged(text) is None
        assert not is_known(text) and not is_of_another_database(text)


def test_one_database_after_the_other() -> None:
    """Once a database is closed, the ids are those of the one that is still open, or have none."""
    without = custom_id(ComponentAction.REROLL, 1)
    with ids_of(NEW):
        with ids_of(OTHER):
            assert OTHER.text in custom_id(ComponentAction.REROLL, 1)
        assert NEW.text in custom_id(ComponentAction.REROLL, 1)
    assert custom_id(ComponentAction.REROLL, 1) == without == "z1:reroll:1"
    assert parse(without) == (ComponentAction.REROLL, 1)

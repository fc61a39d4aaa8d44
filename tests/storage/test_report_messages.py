"""Messages between moderators and reporters: who may write, and what becomes of each."""

import pytest

from storage.errors import IllegalTransition, UnknownRow
from storage.report_messages import (
    REPLIES_LIMIT,
    MessageKind,
    MessageState,
    ReportMessages,
    TooManyReplies,
)
from storage.reports import Reports
from storage.types import FILTER_USER_ID, Verdict
from tests.storage.fakes import MODERATOR, OpenStores, filed

BOB, CAROL = 40, 41


@pytest.fixture
def messages(stores: OpenStores) -> ReportMessages:
    """Over an empty database."""
    return ReportMessages(stores.db, stores.clock)


@pytest.fixture
def reports(stores: OpenStores) -> Reports:
    """The reports of the same database."""
    return Reports(stores.db, stores.clock)


async def reported(stores: OpenStores, reports: Reports, *by: int) -> int:
    """Return a picture that these users reported."""
    (picture,) = await stores.painted()
    for each in by:
        await filed(reports, picture.id, each, "why")
    return picture.id


async def test_all_reporters_or_one_are_answered(
    stores: OpenStores, reports: Reports, messages: ReportMessages
) -> None:
    """Everybody who reported the picture gets a message, or one of them; a filter and who was
    erased get none."""
    picture_id = await reported(stores, reports, BOB, CAROL, FILTER_USER_ID, -3)
    ids = await messages.answer(picture_id, MODERATOR, "Which part?")
    assert await messages.waiting() == list(ids) and len(ids) == 2
    first, second = [await messages.get(each) for each in ids]
    assert first is not None and second is not None
    assert {first.reporter_id, second.reporter_id} == {BOB, CAROL}
    assert (first.moderator_id, first.text, first.kind) == (
        *(MODERATOR, "Which part?"),
        MessageKind.ANSWER,
    )
    (alone,) = await messages.answer(picture_id, MODERATOR, "You?", second.report_id)
    found = await messages.get(alone)
    assert found is not None and found.reporter_id == second.reporter_id
    assert await messages.answer(picture_id, MODERATOR, "Who?", 999) == ()


async def test_a_reply_needs_a_message(
    stores: OpenStores, reports: Reports, messages: ReportMessages
) -> None:
    """Only whom the moderators wrote to can reply; nobody else, and not before."""
    picture_id = await reported(stores, reports, BOB, CAROL)
    report_id = (await reports.last_for(picture_id)).reports[0].id  # pyright: ignore[reportOptionalMemberAccess]
    with pytest.raises(UnknownRow):
        await messages.reply(picture_id, BOB, "Hello?")
    await messages.answer(picture_id, MODERATOR, "Which part?", report_id)
    await messages.check_reply(picture_id, BOB)
    await messages.reply(picture_id, BOB, "The left one.")
    for other in (CAROL, MODERATOR):
        with pytest.raises(UnknownRow):
            await messages.check_reply(picture_id, other)
    case = await reports.last_for(picture_id)
    assert case is not None
    answer, reply = await messages.of_case(case.id)
    assert (reply.kind, reply.moderator_id, reply.state) == (
        *(MessageKind.REPLY, None),
        MessageState.DELIVERED,
    )
    assert answer.kind is MessageKind.ANSWER


async def test_replies_are_limited(
    stores: OpenStores, reports: Reports, messages: ReportMessages
) -> None:
    """After some replies in a row the reporter has to wait for the moderators."""
    picture_id = await reported(stores, reports, BOB)
    for _ in range(2):
        await messages.answer(picture_id, MODERATOR, "Which part?")
        for _ in range(REPLIES_LIMIT):
            await messages.reply(picture_id, BOB, "This one.")
        with pytest.raises(TooManyReplies):
            await messages.reply(picture_id, BOB, "This one.")


async def test_nobody_writes_about_a_closed_case(
    stores: OpenStores, reports: Reports, messages: ReportMessages
) -> None:
    """After the verdict both sides are refused, and a new report is another conversation."""
    picture_id = await reported(stores, reports, BOB)
    await messages.answer(picture_id, MODERATOR, "Which part?")
    await reports.resolve(picture_id, MODERATOR, Verdict.DISMISSED)
    with pytest.raises(IllegalTransition):
        await messages.answer(picture_id, MODERATOR, "One more thing")
    with pytest.raises(IllegalTransition):
        await messages.reply(picture_id, BOB, "And this")
    await filed(reports, picture_id, BOB)
    with pytest.raises(UnknownRow):
        await messages.reply(picture_id, BOB, "And this")
    with pytest.raises(UnknownRow):
        await messages.answer(picture_id + 1, MODERATOR, "Nothing")


async def test_a_verdict_is_sent_with_its_reason(
    stores: OpenStores, reports: Reports, messages: ReportMessages
) -> None:
    """In the same transaction every reporter gets a message; without a reason nobody does."""
    picture_id = await reported(stores, reports, BOB, CAROL)
    await reports.resolve(picture_id, MODERATOR, Verdict.DISMISSED, "It is a boat.")
    found = [await messages.get(each) for each in await messages.waiting()]
    assert [(each.kind, each.text, each.verdict) for each in found if each] == [
        (MessageKind.VERDICT, "It is a boat.", Verdict.DISMISSED)
    ] * 2
    other = await reported(stores, reports, BOB)
    await reports.resolve(other, MODERATOR, Verdict.DISMISSED)
    assert len(await messages.waiting()) == 2
    with pytest.raises(IllegalTransition):
        await reports.resolve(other, MODERATOR, Verdict.DELETED, "twice")
    assert len(await messages.waiting()) == 2


async def test_each_is_settled_once(
    stores: OpenStores, reports: Reports, messages: ReportMessages
) -> None:
    """The first attempt's time is kept; what is settled is neither sent nor settled again."""
    picture_id = await reported(stores, reports, BOB)
    (message_id,) = await messages.answer(picture_id, MODERATOR, "Which part?")
    began = stores.clock()
    for _ in range(2):
        assert await messages.attempt(message_id)
        stores.clock.advance(minutes=1)
    await messages.settle(message_id, MessageState.DELIVERED, 77)
    await messages.settle(message_id, MessageState.LEFT)
    found = await messages.get(message_id)
    assert found is not None
    assert (found.state, found.attempted_at) == (MessageState.DELIVERED, began)
    assert not await messages.attempt(message_id) and await messages.waiting() == []


async def test_its_card_is_shown_again_after_a_crash(
    stores: OpenStores, reports: Reports, messages: ReportMessages
) -> None:
    """The picture of a message that was written or settled lately is one whose card changed."""
    picture_id = await reported(stores, reports, BOB)
    case = await reports.last_for(picture_id)
    assert case is not None
    await reports.posted(case.reports[0].id, 1, 2)
    (message_id,) = await messages.answer(picture_id, MODERATOR, "Which part?")
    stores.clock.advance(days=3)
    since = stores.clock()
    stores.clock.advance(minutes=1)
    assert await reports.changed_since(since) == []
    await messages.settle(message_id, MessageState.REFUSED)
    assert await reports.changed_since(since) == [picture_id]


async def test_the_language_of_a_reporter_is_kept(
    stores: OpenStores, reports: Reports, messages: ReportMessages
) -> None:
    """They are answered in the language in which they reported."""
    (picture,) = await stores.painted()
    await reports.file(picture.id, BOB, None, "zh-CN")
    await reports.file(picture.id, CAROL, None, "")
    ids = await messages.answer(picture.id, MODERATOR, "Which part?")
    found = [await messages.get(each) for each in ids]
    assert {each.locale for each in found if each} == {"zh-CN", None}

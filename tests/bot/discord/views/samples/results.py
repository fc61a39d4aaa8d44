"""Samples of status and result messages, from waiting to the pictures or a failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.delivery.alerts import (
    AnnouncementSent,
    AnotherCopy,
    BackupFailed,
    Drained,
    ErasureUnfinished,
    LittleSpace,
    RestartNeeded,
    SettingsRefused,
)
from bot.delivery.cards import (
    AlertCard,
    AnnouncementCard,
    Card,
    FailureCard,
    FallbackNote,
    KeptCard,
    ModelLoading,
    MovedCard,
    PaintingCard,
    PictureCard,
    Preview,
    ReminderCard,
    SentCard,
    ShownPicture,
    WaitingCard,
)
from bot.delivery.messenger import Obstacle
from bot.discord.views.jobs import card_layout
from bot.pictures.filenames import attachment_name
from bot.pictures.origins import Origin, OriginKind
from bot.pictures.possible_actions import PossibleActions
from bot.request.notes import SomeFailed
from bot.request.resolve import STRONG, SUBTLE
from bot.request.summary import RequestSummary
from engine.diffusion.families import Speed
from engine.prompts import PictureStyle
from storage.errors import DatabaseCorrupt, DataFolderUnusable, DiskFull
from storage.types import DeliveryMode
from tests.bot.discord.views.samples.data import (
    ALICE,
    CHANNEL,
    GUILD,
    NOTES,
    READY_AT,
    Sample,
    card_sample,
)
from tests.fakes import EPOCH, a_request

ERRORS = (
    *("prompt_too_long", "non_finite", "blank", "input_unfit", "input_missing", "out_of_memory"),
    *("disk", "crashed", "render_failed"),
)
CHOSEN = RequestSummary(4, "16:9", PictureStyle.WATERCOLOUR, 4, Speed.FAST, 2.5)
UPLOADED = (OriginKind.IMAGE, OriginKind.INPAINT, OriginKind.BLEND, OriginKind.UPSCALE)
"""What can be made without a picture that the bot painted."""
DATABASE = Path("/srv/zimagine/zimagine.db")
UNNAMED = RequestSummary(shape="832×1216", steps=12)
"""A summary whose shape and steps match no named choice."""


def _waiting(**changes: Any) -> Sample:
    plain: dict[str, Any] = {"ahead": 2, "ready_at": None}
    return card_sample(lambda words: WaitingCard(12, a_request(words), ALICE, **plain | changes))


def _painting(**changes: Any) -> Sample:
    plain: dict[str, Any] = {"step": 3, "steps": 8}
    return card_sample(lambda words: PaintingCard(12, a_request(words), ALICE, **plain | changes))


def _added(make: Callable[..., Card]) -> Sample:
    """Return the sample of a card with every kind of note."""
    return lambda say, words: card_layout(make(notes=NOTES, words=words), say)


def _result(words: str, ids: tuple[int, ...] = (31,), **changes: Any) -> PictureCard:
    asked = changes.pop("asked", {})
    possible = changes.pop("possible", PossibleActions())
    shown = tuple(ShownPicture(each, 5 + n, Path("x.png"), possible) for n, each in enumerate(ids))
    name = "zimagine-12-5.png" if len(ids) == 1 else "zimagine-12-sheet.png"
    name = attachment_name(name, spoiler=changes.get("spoiler", False))
    request = a_request(words, seed=5, **asked)
    return PictureCard(shown, request, ALICE, name, 3.25, **changes)


def _picture(ids: tuple[int, ...] = (31,), **changes: Any) -> Sample:
    return card_sample(lambda words: _result(words, ids, **changes))


def _failure(state: str, code: str = "", *, mention: bool = False) -> Sample:
    return card_sample(
        lambda words: FailureCard(
            12, a_request(words), ALICE, state, code, "600 tokens, 512 are read", mention
        )
    )


def _fallback_reason(wanted: DeliveryMode, why: str) -> Sample:
    return _picture(fallback=FallbackNote(wanted, why))


def _kept(reason: str) -> Sample:
    return card_sample(lambda words: KeptCard(a_request(words), ALICE, painted=True, reason=reason))


def _moved(fallback: FallbackNote | None) -> Sample:
    return card_sample(
        lambda words: MovedCard(a_request(words), GUILD, CHANNEL, 7 * 10**17, fallback)
    )


def _sent(reason: str | None) -> Sample:
    return card_sample(lambda words: SentCard(a_request(words), ALICE, reason))


RESULTS: dict[str, Sample] = {
    "waiting": _waiting(),
    "waiting-one-before": _waiting(ahead=1),
    "waiting-next": _waiting(ahead=0),
    "waiting-with-time": _waiting(ready_at=READY_AT),
    "waiting-loading": _waiting(loading=True),
    "waiting-for-a-model": _waiting(model_loading=ModelLoading("base", 41.6)),
    "waiting-paused": _waiting(paused=True),
    "waiting-chosen": _waiting(asked=CHOSEN, spoiler=True),
    "waiting-unnamed": _waiting(asked=UNNAMED),
    "waiting-notes": _added(
        lambda words, **more: WaitingCard(12, a_request(words), ALICE, 0, None, **more)
    ),
    "painting": _painting(),
    "painting-several": _painting(step=17, steps=24, pictures=3),
    "painting-begun": _painting(step=0),
    "painting-done": _painting(step=32, steps=32, pictures=4),
    "painting-chosen": _painting(asked=CHOSEN, steps=16, pictures=4),
    "painting-preview": _painting(preview=Preview(b"", 2)),
    "painting-preview-several": _painting(
        step=17, steps=24, pictures=3, preview=Preview(b"", 17), asked=RequestSummary(3)
    ),
    "painting-preview-spoiler": _painting(preview=Preview(b"", 2), spoiler=True),
    "painting-notes": _added(
        lambda words, **more: PaintingCard(
            12, a_request(words), ALICE, 3, 8, preview=Preview(b"", 2), asked=CHOSEN, **more
        )
    ),
    "picture": _picture(),
    "picture-guidance": _picture(asked={"guidance": 2.5, "steps": 1}),
    "picture-mention": _picture(mention=True),
    "picture-direct": _picture(direct=True, origin_id=CHANNEL),
    "picture-direct-here": _picture(direct=True),
    "picture-copy": _picture(direct=True, origin_id=CHANNEL, alone=True),
    "picture-spoiler": _picture(spoiler=True),
    "picture-large": _picture(
        possible=PossibleActions(upscale=False), origin=Origin(OriginKind.UPSCALE, 30)
    ),
    "picture-alone": _picture(possible=PossibleActions(repaint=False, upscale=False)),
    **{f"picture-{kind}": _picture(origin=Origin(kind, 30, STRONG, 3)) for kind in OriginKind},
    "picture-variation-subtle": _picture(origin=Origin(OriginKind.VARIATION, 30, SUBTLE)),
    "picture-variation-other": _picture(origin=Origin(OriginKind.VARIATION, 30, 0.4)),
    **{f"picture-upload-{kind}": _picture(origin=Origin(kind, sources=2)) for kind in UPLOADED},
    "picture-notes": _added(lambda words, **more: _result(words, **more)),
    "picture-no-direct": _fallback_reason(DeliveryMode.DIRECT, Obstacle.FORBIDDEN),
    "picture-not-sent": _fallback_reason(DeliveryMode.DIRECT, Obstacle.TOO_LARGE),
    "picture-no-thread": _fallback_reason(DeliveryMode.THREAD, Obstacle.FORBIDDEN),
    "picture-threads-full": _fallback_reason(DeliveryMode.THREAD, Obstacle.FULL),
    "picture-thread-locked": _fallback_reason(DeliveryMode.THREAD, Obstacle.ARCHIVED),
    "picture-thread-lost": _fallback_reason(DeliveryMode.THREAD, Obstacle.REJECTED),
    "pictures": _picture((31, 32, 33, 34)),
    "pictures-two": _picture((31, 40)),
    "pictures-variations": _picture(
        (31, 32, 33, 34), origin=Origin(OriginKind.VARIATION, 30, STRONG)
    ),
    "pictures-large": _picture((31, 32, 33), possible=PossibleActions(upscale=False)),
    "pictures-alone": _picture((31, 32), possible=PossibleActions(repaint=False)),
    "pictures-mention": _picture((31, 32, 33), mention=True, notes=(SomeFailed(1, 4),)),
    "pictures-direct": _picture((31, 32), direct=True, origin_id=CHANNEL, spoiler=True),
    "failure-cancelled": _failure("cancelled"),
    "failure-expired": _failure("expired"),
    "failure-mention": _failure("failed", "blank", mention=True),
    **{f"failure-{code.replace('_', '-')}": _failure("failed", code) for code in ERRORS},
    "kept": _kept(Obstacle.FORBIDDEN),
    "kept-large": _kept(Obstacle.TOO_LARGE),
    "kept-unknown": _kept(""),
    "kept-old": card_sample(
        lambda words: KeptCard(a_request(words), ALICE, painted=True, old=True)
    ),
    "kept-direct": card_sample(
        lambda words: KeptCard(a_request(words), ALICE, painted=True, direct=True)
    ),
    "kept-unpainted": card_sample(lambda words: KeptCard(a_request(words), ALICE, painted=False)),
    "moved": _moved(None),
    "moved-no-direct": _moved(FallbackNote(DeliveryMode.DIRECT, Obstacle.FORBIDDEN)),
    "moved-direct": card_sample(lambda words: MovedCard(a_request(words), 0, CHANNEL, 7 * 10**17)),
    "sent": _sent(None),
    "sent-forbidden": _sent(Obstacle.FORBIDDEN),
    "sent-unknown": _sent(""),
    "reminder": card_sample(lambda words: ReminderCard(ALICE, words, EPOCH)),
    "reminder-unnamed": card_sample(lambda _: ReminderCard(ALICE, "", EPOCH)),
    "reminder-channel": card_sample(lambda words: ReminderCard(ALICE, words, EPOCH, direct=False)),
    "alert-disk-full": card_sample(lambda _: AlertCard(DiskFull(DATABASE, "errno 28"))),
    "alert-folder": card_sample(lambda _: AlertCard(DataFolderUnusable(DATABASE.parent, "gone"))),
    "alert-database": card_sample(lambda _: AlertCard(DatabaseCorrupt(DATABASE, "page 7"))),
    "alert-space": card_sample(lambda _: AlertCard(LittleSpace(DATABASE.parent, 2**29))),
    "alert-backup": card_sample(lambda _: AlertCard(BackupFailed("errno 5"))),
    "alert-erasure": card_sample(lambda _: AlertCard(ErasureUnfinished("errno 5"))),
    "alert-restart": card_sample(
        lambda _: AlertCard(RestartNeeded(("engine.device", "storage.data_dir")))
    ),
    "alert-settings": card_sample(
        lambda _: AlertCard(SettingsRefused("There is no setting quota.picture."))
    ),
    "alert-drained": card_sample(lambda _: AlertCard(Drained())),
    "alert-announced": card_sample(lambda _: AlertCard(AnnouncementSent(1, 0, 0))),
    "announcement": card_sample(AnnouncementCard),
    "alert-copies": card_sample(lambda _: AlertCard(AnotherCopy())),
}

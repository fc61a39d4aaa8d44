"""Samples of what the bot's owners see."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.delivery.alerts import AnnouncementSent
from bot.discord.views.owner import (
    announcement_question_layout,
    diagnosis_layout,
    drain_question_layout,
    overview_layout,
    unload_question_layout,
)
from bot.jobs.status import BotStatus
from bot.operation.announcements import AnnouncementQuestion
from bot.operation.control import Backlog, ModelMove
from bot.operation.member_diagnosis import MemberDiagnosis, ServerFacts
from bot.operation.overview import OwnerOverview
from bot.wording import operation
from bot.wording.alerts import announcement_outcome
from engine.compilation import Compilation, CompilationState
from engine.engine_states import EngineState
from engine.errors import QueueFull, Scope
from engine.renderer import DeviceMemory
from storage.recent_work import FailedWork, PaintedWork
from storage.types import Block, PolicySource, QuotaExceeded, QuotaPolicy, QuotaStatus
from tests.bot.discord.views.samples.data import ALICE, BOB, Sample

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_BUSY, _IDLE = Backlog(True, 12345, 98765.0), Backlog(False, 0)
_GIB = 2**30
_STATUS = BotStatus(
    *(EngineState.PAINTING, "Tongyi-MAI/Z-Image-Turbo", "cuda", 1024, 1024, 8, 3.5, 12, 100),
    dtype="bfloat16",
    memory=DeviceMemory(19 * _GIB, 24 * _GIB),
    compilation=Compilation(CompilationState.READY, speedup=1.19),
)
_MOVE = ModelMove("z-image_turbo.v1", "sketch", _BUSY, seconds=83.0)
_POLICY = QuotaPolicy(20, 24, PolicySource.SERVER)
_QUOTA = QuotaStatus(_POLICY, 20, 0, _NOW)


def _overview(**changes: object) -> OwnerOverview:
    plain = {
        "status": _STATUS,
        "backlog": _BUSY,
        "curve": (None,) * 4 + tuple(each / 19 for each in range(20)),
        "painted": PaintedWork(321, 4.25),
        "failed": tuple(FailedWork(code, 3, "why", _NOW) for code in ("out_of_memory", "disk")),
        "version": "1.2.3",
        "uptime_s": 123456.0,
    }
    return OwnerOverview(**(plain | changes))  # pyright: ignore[reportArgumentType]


def _diagnosis(words: str, *, fine: bool) -> MemberDiagnosis:
    server = ServerFacts(
        10, words, fine, True, channels=7, usable=7 if fine else 0, closed=() if fine else (words,)
    )
    return MemberDiagnosis(
        user_id=BOB,
        server=server,
        state=EngineState.READY if fine else EngineState.DEFUNCT,
        loading=fine,
        paused=fine,
        accepting=fine,
        server_paused=not fine,
        block=None if fine else Block(10, BOB, ALICE, words, _NOW),
        ruled_out=not fine,
        quota=_QUOTA,
        over_quota=None if fine else QuotaExceeded(_QUOTA, 1, _NOW),
        queue=None if fine else QueueFull(Scope.USER, 10, 10),
        refusing_rules=2 if fine else 0,
        last=None,
    )


OWNER: dict[str, Sample] = {
    "owner-status": lambda say, _: overview_layout(_overview(), say),
    "owner-status-new": lambda say, _: overview_layout(
        OwnerOverview(
            BotStatus(EngineState.STARTING, None, None, 256, 256, 8, None, 0, 100, accepting=False),
            *(_IDLE, (None,) * 24, PaintedWork(0, None), (), "1.2.3", 7.0),
        ),
        say,
    ),
    "owner-paused": lambda say, _: operation.paused(_BUSY, say),
    "owner-resumed": lambda say, _: operation.resumed(_IDLE, say),
    "owner-drain-question": lambda say, _: drain_question_layout(_BUSY, say),
    "owner-draining": lambda say, _: operation.draining(_BUSY, say),
    "owner-drained": lambda say, _: operation.draining(_IDLE, say),
    "owner-unload-question": lambda say, _: unload_question_layout(_BUSY, say),
    "owner-unloaded": lambda say, _: operation.unloaded(_BUSY, say),
    "owner-moving": lambda say, _: operation.moving(_MOVE, say),
    "owner-moved": lambda say, _: operation.moved(_MOVE, say),
    "owner-announcement-question": lambda say, words: announcement_question_layout(
        AnnouncementQuestion(7, words, 123), say
    ),
    "owner-announced": lambda say, _: announcement_outcome(AnnouncementSent(120, 2, 1), say),
    "owner-diagnosis": lambda say, words: diagnosis_layout(_diagnosis(words, fine=True), say),
    "owner-diagnosis-bad": lambda say, words: diagnosis_layout(_diagnosis(words, fine=False), say),
}

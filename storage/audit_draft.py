"""The audit entry of the action that a task is in, written with the first change that it makes."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage import log_entries
from storage.log_entries import Value, Writes


@dataclass(slots=True)
class AuditDraft:
    """An entry that is not written yet.

    target_id: the member that the action is about, None if nobody is known. data: what was chosen.
    others_only: nothing is written unless the action turns out to be about another member. Only the
    task that made the draft writes it: work that an action merely sets off is no part of it.
    """

    guild_id: int
    actor_id: int
    action: str
    done_at: datetime
    target_id: int | None = None
    data: Mapping[str, Value] = field(default_factory=dict[str, Value])
    others_only: bool = False
    done: bool = field(default=False, init=False)
    _task: asyncio.Task[Any] | None = field(default_factory=asyncio.current_task, init=False)

    @property
    def due(self) -> bool:
        """Whether the next change is the one that the entry is written with."""
        if self.done or self._task is not asyncio.current_task():
            return False
        return not self.others_only or self.target_id not in (None, self.actor_id)

    async def write(self, transaction: Writes) -> None:
        """Write the entry."""
        await log_entries.add(
            transaction,
            self.guild_id,
            self.actor_id,
            self.action,
            self.done_at,
            self.target_id,
            self.data,
        )

    def committed(self) -> None:
        """Write nothing more: the entry is on disk."""
        self.done = True


_current: ContextVar[AuditDraft | None] = ContextVar("audit draft", default=None)


def begin(draft: AuditDraft | None) -> None:
    """Make this the entry of what the running task does from now on; None for no entry."""
    _current.set(draft)


def due_draft() -> AuditDraft | None:
    """Return the draft that the next change of this task is to be written with, if any."""
    draft = _current.get()
    return draft if draft is not None and draft.due else None


def concerns(user_id: int) -> None:
    """Tell the entry of the running task which member it is about."""
    draft = _current.get()
    if draft is not None and not draft.done:
        draft.target_id = user_id


def says(**values: Value) -> None:
    """Add to what the entry of the running task says, such as how many jobs were cancelled."""
    draft = _current.get()
    if draft is not None and not draft.done:
        draft.data = {**draft.data, **values}


@contextmanager
def no_entry() -> Iterator[None]:
    """Let changes inside the block be none that an admin makes."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)

"""Several processes of one thread each that train one model together.

Two such processes are faster than one of two threads, and much faster where the cores have other
work: threads wait for each other hundreds of times a step, processes once.
"""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

import torch
from torch import multiprocessing, nn
from torch.multiprocessing.spawn import spawn


@dataclass(frozen=True, slots=True)
class Ranks:
    """The index of a process among `size`; alone by default.

    `gradients` (size × parameters) is shared memory, `meeting` the barrier between steps.
    """

    rank: int = 0
    size: int = 1
    gradients: torch.Tensor | None = None
    meeting: Barrier | None = None

    @property
    def leads(self) -> bool:
        """Whether this process writes checkpoints and the log."""
        return self.rank == 0

    def rows(self, count: int) -> slice:
        """This process's share of a batch of `count` rows; all of one too small to share."""
        return slice(self.rank, None, self.size) if count >= self.size else slice(None)

    def average(self, parameters: Sequence[nn.Parameter]) -> None:
        """Give every process the mean of all processes' gradients."""
        self._average([p.grad for p in parameters if p.grad is not None])

    def average_weights(self, parameters: Sequence[nn.Parameter]) -> None:
        """Give every process the mean of all processes' weights."""
        self._average([p.data for p in parameters])

    def _average(self, own: Sequence[torch.Tensor]) -> None:
        if self.gradients is None or self.meeting is None:
            return
        flat = torch.cat([tensor.flatten() for tensor in own])
        self.gradients[self.rank, : len(flat)] = flat
        self.meeting.wait()
        mean = self.gradients[:, : len(flat)].mean(dim=0)
        self.meeting.wait()  # nothing new is written before all have read
        for tensor, part in zip(own, mean.split([t.numel() for t in own]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def shared(
        self, stacks: Sequence[torch.Tensor], work: Callable[[torch.Tensor], torch.Tensor]
    ) -> list[torch.Tensor]:
        """Return `work` of every stack, of which each process does its own rows.

        work: turns n × … numbers into as many of the same shape, each row by itself.
        """
        if self.gradients is None or self.meeting is None:
            return [work(stack) for stack in stacks]
        offset, places = 0, []
        for stack in stacks:
            place = self.gradients[0, offset : offset + stack.numel()].view(stack.shape)
            own = range(self.rank, len(stack), self.size)
            if own:
                place[own.start :: self.size] = work(stack[own.start :: self.size])
            places.append(place)
            offset += stack.numel()
        self.meeting.wait()
        found = [place.clone() for place in places]
        self.meeting.wait()  # nothing new is written before all have read
        return found


ALONE = Ranks()


def together(size: int, numbers: int, work: Callable[..., None], *arguments: Any) -> None:
    """Run `work(ranks, *arguments)` in `size` processes and wait for all of them.

    `numbers` is how many parameters the model has, 0 where nothing is averaged. Raises what any
    process raised.
    """
    if size == 1:
        work(ALONE, *arguments)
        return
    context = multiprocessing.get_context("spawn")
    gradients = torch.zeros(size, max(1, numbers)).share_memory_()
    meeting = context.Barrier(size)
    # OpenMP reads these when a process starts, before they could be set within it.
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        spawn(_rank, (size, gradients, meeting, work, arguments), nprocs=size, join=True)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _rank(
    rank: int,
    size: int,
    gradients: torch.Tensor,
    meeting: Barrier,
    work: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(Ranks(rank, size, gradients, meeting), *arguments)


def _end_with_parent() -> None:
    """End with the parent: stopping the training kills only its first process."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

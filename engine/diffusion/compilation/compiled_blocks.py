"""The compiled blocks of one loaded model: made in the background, used for whole pictures.

The painting thread never waits for a compiler. What is not ready when a picture begins is not used
for it, and where anything goes wrong the plain blocks paint.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import diffusers
import torch

from engine.compilation import Compilation, CompilationState, Obstacle
from engine.diffusion.arithmetic import ARITHMETIC
from engine.diffusion.compilation.background import CompileFailed, CompileStopped, carry_out
from engine.diffusion.compilation.calls import Call
from engine.diffusion.compilation.choice import has_room, obstacle
from engine.diffusion.compilation.libraries import Library, distance, speedup
from engine.diffusion.compilation.process import Order
from engine.diffusion.compilation.store import FOLDER, CompiledStore, Stored
from engine.diffusion.compilation.structure import skeleton, structure_of, weights_of
from engine.diffusion.families import Family
from engine.diffusion.faults import is_memory, is_sticky
from engine.diffusion.sampling import Step
from engine.settings import AUTO

LEAST_SPEEDUP: Final = 1.03
"""What a compiled block has to gain to be used by default. Chosen by hand: less may be noise."""
MOST_KINDS: Final = 4
"""For how many kinds of calls blocks of one structure are compiled. Chosen by hand: pictures with
and without guidance are two, unequal prompts a third."""

_log = logging.getLogger(__name__)


class CompiledBlockFailed(Exception):
    """A compiled block failed within a picture. It is not used again: paint from the beginning."""


class CompiledBlocks:
    """Compiles what a model is painted with, and lends it to one picture at a time.

    All calls come from the painting thread, but for `report`. wanted: the setting `compile`.
    """

    def __init__(
        self, wanted: str, family: Family, device: torch.device, cache_dir: Path | None
    ) -> None:
        self._wanted = wanted
        self._family = family
        self._device = device
        self._store = None if cache_dir is None else CompiledStore(cache_dir / FOLDER)
        self._cache_dir = cache_dir
        self._report = Compilation(CompilationState.WAITING)
        # By the key of a structure; replaced as a whole under the lock, so that reading needs none.
        self._libraries: dict[str, tuple[Library, ...]] = {}
        self._lock = threading.Lock()
        self._read_already: set[str] = set()
        self._asked: set[tuple[str, str]] = set()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def report(self) -> Compilation:
        """How far it is; from any thread."""
        return self._report

    def prepare(self, transformer: Any, threads: int | None = None) -> str | None:
        """Read in the background what the cache has for a transformer; return the key of its
        blocks, None if they are not compiled.

        threads: of the processor; None for as many as now.
        """
        blocks = self._family.blocks(transformer)
        found = obstacle(self._wanted, self._device, blocks, self._cache_dir)
        if found is not None:
            self._report = found
            return None
        key = self._key(structure_of(blocks[0]), threads or torch.get_num_threads())
        if self._report.state is CompilationState.UNSUITED:  # under another memory plan
            ready = CompilationState.READY if self.libraries(key) else CompilationState.WAITING
            self._report = Compilation(ready)
        if key not in self._read_already:
            self._read_already.add(key)
            self._later(functools.partial(self._read, key))
        return key

    @contextlib.contextmanager
    def painting(
        self, transformer: Any, *, allowed: bool = True, compiling: bool = True
    ) -> Iterator[BlockRun]:
        """Let the transformer compute with compiled blocks, if there are any, within a block.

        Enter it when weights are where a plan wants them. allowed: False paints with the plain
        blocks. compiling: whether what is missing is compiled for later pictures.
        """
        key = self.prepare(transformer) if allowed else None
        run = BlockRun(self, key, compiling=compiling)
        blocks = [] if key is None else self._family.blocks(transformer)
        try:
            for block in blocks:
                # On the module itself, in front of its class' own.
                block.forward = functools.partial(run.call, block, block.forward)
            yield run
        finally:
            for block in blocks:
                vars(block).pop("forward", None)

    def close(self) -> None:
        """Stop compiling, and drop what was loaded."""
        self._stop.set()
        self._work.put(None)
        with self._lock:
            self._libraries = {}

    def libraries(self, key: str) -> tuple[Library, ...]:
        """Return what may be used now for blocks of a structure."""
        return self._libraries.get(key, ())

    def request(self, key: str, block: Any, call: Call) -> None:
        """Compile for calls like this one, unless that was asked for before."""
        asked = (key, call.kind)
        if asked in self._asked or len(self._asked) >= MOST_KINDS or self._store is None:
            return
        if not has_room(self._device):
            self._report = Compilation(CompilationState.WAITING, Obstacle.NO_ROOM)
            return
        self._asked.add(asked)
        try:
            order = self._order(self._store, key, block, call)
        except Exception as error:  # blocks may hold anything; a picture is being painted
            self._failed(f"{type(error).__name__}: {error}".partition("\n")[0])
            return
        self._later(functools.partial(self._compile, key, order))

    def _order(self, store: CompiledStore, key: str, block: Any, call: Call) -> Order:
        return Order(
            block=skeleton(block),
            tensors=tuple((tuple(each.shape), each.dtype) for each in call.tensors),
            constants=call.constants,
            structure=call.structure,
            kind=call.kind,
            device=str(self._device),
            threads=torch.get_num_threads() if self._device.type == "cpu" else None,
            folder=store.folder,
            library=store.library(key, call.kind),
        )

    def proves(
        self, library: Library, plain: Callable[[], torch.Tensor], other: Any, call: Call
    ) -> bool:
        """Compare a library with the plain block at a call; whether it may be used for it.

        Raises what running out of memory or losing the device raises.
        """
        assert self._store is not None
        theirs = plain()
        try:
            with self._store.trial(library.path):
                ours = other()
                if self._device.type == "cuda":
                    torch.cuda.synchronize(self._device)
        except Exception as error:
            if is_memory(error) or is_sticky(error):
                raise
            self.drop(library, f"{type(error).__name__}: {error}".partition("\n")[0])
            return False
        apart = distance(theirs, ours, call)
        if apart is None:
            return False
        if not apart.fits:
            self.drop(library, f"it is {apart.found:.3g} off, and {apart.allowed:.3g} are allowed")
            return False
        if library.speedup is None and not self._pays(library, plain, other):
            return False
        library.proven.add(call.sizes)
        self._report = Compilation(CompilationState.READY, speedup=library.speedup)
        return True

    def drop(self, library: Library, reason: str) -> None:
        """Use a library no more, and say why."""
        self._without(library)
        self._failed(reason)

    def _pays(self, library: Library, plain: Any, other: Any) -> bool:
        found = speedup(plain, other, self._device)
        if self._wanted == AUTO and found < LEAST_SPEEDUP:
            self._without(library)
            self._report = Compilation(CompilationState.SLOWER, speedup=found)
            _log.info("compiled blocks are not used: they were %.2f times as fast", found)
            return False
        library.speedup = found
        store = self._store
        assert store is not None
        self._later(functools.partial(store.measured, library.path, found))
        _log.info("pictures are painted with compiled blocks, %.2f times as fast", found)
        return True

    def _without(self, library: Library) -> None:
        # What is compiled again would be the same.
        having = [key for key, kept in self._libraries.items() if library in kept]
        self._asked.update((key, library.accepted.kind) for key in having)
        with self._lock:
            self._libraries = {
                key: tuple(each for each in kept if each is not library)
                for key, kept in self._libraries.items()
            }

    def _failed(self, reason: str) -> None:
        self._report = Compilation(CompilationState.FAILED, failure=reason)
        if self._store is not None:
            self._later(functools.partial(self._store.failed, reason))
        _log.warning("pictures are painted without compiled blocks: %s", reason)

    def _key(self, structure: str, threads: int) -> str:
        device = self._device
        if device.type == "cuda":
            place: tuple[Any, ...] = (torch.cuda.get_device_name(device),)
        else:
            place = (torch.backends.cpu.get_cpu_capability(), threads)
        versions = (str(torch.__version__), diffusers.__version__, ARITHMETIC)
        text = repr((structure, device.type, place, versions))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # In the background

    def _later(self, work: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="compiling", daemon=True)
            self._thread.start()
        self._work.put(work)

    def _run(self) -> None:
        while (work := self._work.get()) is not None and not self._stop.is_set():
            try:
                work()
            except CompileStopped:
                return
            except Exception as error:  # nothing here may disturb painting
                self._failed(f"{type(error).__name__}: {error}".partition("\n")[0])

    def _read(self, key: str) -> None:
        assert self._store is not None
        for stored in self._store.read(key):
            # With a measure that was too small it would have been written by another setting.
            if self._wanted == AUTO and (stored.speedup or LEAST_SPEEDUP) < LEAST_SPEEDUP:
                continue
            self._load(key, stored)

    def _compile(self, key: str, order: Order) -> None:
        store = self._store
        assert store is not None
        if any(each.path == order.library for each in self.libraries(key)):
            return
        if store.tried(key, order.kind):
            self._failed("a process ended while it used them for the first time")
            return
        self._report = Compilation(CompilationState.WORKING)
        try:
            carry_out(order, self._stop)
        except CompileFailed as error:
            self._failed(str(error))
            return
        made = next((each for each in store.read(key) if each.library == order.library), None)
        if made is None:
            self._failed("what was compiled is damaged")
        else:
            store.failed("")
            self._load(key, made)

    def _load(self, key: str, stored: Stored) -> None:
        loaded = Library.load(stored, self._device)
        with self._lock:
            if not self._stop.is_set():
                kept = self._libraries.get(key, ())
                self._libraries = {**self._libraries, key: (*kept, loaded)}
        self._report = Compilation(CompilationState.READY, speedup=stored.speedup)


class BlockRun:
    """The blocks of one picture. used: whether any was computed by a compiled one."""

    def __init__(self, owner: CompiledBlocks, key: str | None, *, compiling: bool) -> None:
        self._owner = owner
        self._key = key
        self._compiling = compiling
        self._libraries: Sequence[Library] | None = None
        self._decided: dict[object, Library | None] = {}
        self._weights: dict[int, list[torch.Tensor]] = {}
        self._failed = False
        self.used = False

    def call(self, block: Any, plain: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Compute a block, by whatever computes it in this picture."""
        if torch._C._len_torch_function_stack():
            return plain(*args, **kwargs)  # which computes in another way: `guard.InFloat32`
        call = Call.of(args, kwargs)
        if call is None:
            return plain(*args, **kwargs)
        weights = self._weights_of(block)
        sort = (call.sizes, call.constants)
        if sort not in self._decided:
            plainly = functools.partial(plain, *args, **kwargs)
            self._decided[sort] = self._decide(block, plainly, weights, call)
        library = self._decided[sort]
        if library is None:
            return plain(*args, **kwargs)
        try:
            answer = library.run(weights, call)
        except Exception as error:
            if is_memory(error) or is_sticky(error):
                raise
            self._owner.drop(library, f"{type(error).__name__}: {error}".partition("\n")[0])
            self._failed, self._decided[sort] = self.used, None
            return plain(*args, **kwargs)
        self.used = True
        return answer

    def check(self) -> None:
        """Raise CompiledBlockFailed if a part of the picture was painted with blocks that failed
        then: nobody could paint it again. Not within the transformer, which may mend what fails."""
        if self._failed:
            raise CompiledBlockFailed

    def watched(self, watch: Callable[[Step], None]) -> Callable[[Step], None]:
        """Return a watch of steps that checks this first."""

        def step(taken: Step) -> None:
            self.check()
            watch(taken)

        return step

    def _decide(
        self, block: Any, plain: Callable[[], Any], weights: list[torch.Tensor], call: Call
    ) -> Library | None:
        """Return what computes calls like this one for the rest of the picture; None: the plain
        block."""
        assert self._key is not None
        if self._libraries is None:
            # What becomes ready from now on is for the next picture.
            self._libraries = self._owner.libraries(self._key)
        library = next((each for each in self._libraries if each.accepted.takes(call)), None)
        if library is None:
            if self._compiling:
                self._owner.request(self._key, block, call)
            return None
        if call.sizes in library.proven:
            return library
        other = functools.partial(library.run, weights, call)
        if self._owner.proves(library, plain, other, call):
            return library
        self._failed = self.used
        return None

    def _weights_of(self, block: Any) -> list[torch.Tensor]:
        known = self._weights.get(id(block))
        if known is None:
            known = self._weights[id(block)] = list(weights_of(block).values())
        return known

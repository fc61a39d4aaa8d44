"""The process that compiles: it fails in one line, stops when asked, and dies with its parent."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from engine.compilation import CompilationState
from engine.diffusion.compilation.background import CompileFailed, CompileStopped, carry_out
from engine.diffusion.compilation.calls import Call
from engine.diffusion.compilation.process import Order
from engine.diffusion.compilation.store import FOLDER, CompiledStore
from engine.diffusion.compilation.structure import skeleton
from engine.diffusion.renderer import DiffusionRenderer
from tests.engine.diffusion.compilation.conftest import LIMIT_S, Load, settled
from tests.engine.diffusion.rendering import painted


def order(folder: Path) -> Order:
    """Compile a single layer."""
    call = Call.of((torch.zeros(1, 8, 4),), {})
    assert call is not None
    return Order(
        block=skeleton(nn.Linear(4, 4)),
        tensors=tuple((tuple(each.shape), each.dtype) for each in call.tensors),
        constants=call.constants,
        structure=call.structure,
        kind=call.kind,
        device="cpu",
        threads=1,
        folder=folder,
        library=CompiledStore(folder).library("key", call.kind),
    )


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_a_failing_compiler_costs_no_picture(
    load: Load,
    plain: DiffusionRenderer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Pictures are painted as ever; one line says why they are not compiled, and so does the
    cache to other processes. It is not tried again and again."""
    monkeypatch.setenv("CXX", "/bin/false")
    painter, expected = load(tmp_path), painted(plain).raster
    assert painted(painter).raster == expected
    assert settled(painter).state is CompilationState.FAILED
    assert painted(painter).raster == expected
    assert len([each for each in caplog.messages if "without compiled blocks" in each]) == 1
    until(lambda: CompiledStore(tmp_path / FOLDER).failure == painter.compilation.failure != "")
    assert not list((tmp_path / FOLDER).glob("*.so"))


def test_a_kill_in_the_middle_leaves_nothing_that_is_used(tmp_path: Path) -> None:
    """What was written so far is no library, and is removed by the next process."""
    store = CompiledStore(tmp_path / FOLDER)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(carry_out, order(store.folder), threading.Event())
        until(lambda: any(store.folder.glob("work-*/*")))
        (process,) = [each for each in children() if "compilation.process" in str(each.cmdline())]
        assert process.nice() == 19
        process.kill()
        with pytest.raises(CompileFailed, match="ended with -9"):
            done.result()
    assert store.read("key") == [] and list(store.folder.glob("work-*"))
    store.tidy()
    assert list(store.folder.iterdir()) == []


def test_it_stops_when_asked(tmp_path: Path) -> None:
    """At once, and the process is gone."""
    stop, before = threading.Event(), children()
    threading.Timer(0.5, stop.set).start()
    began_s = time.monotonic()
    with pytest.raises(CompileStopped):
        carry_out(order(tmp_path), stop)
    assert time.monotonic() - began_s < 5
    assert children() == before


def test_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A compiler that hangs is ended."""
    with pytest.raises(CompileFailed, match=r"not done after 0\.3 s"):
        carry_out(order(tmp_path), threading.Event(), limit_s=0.3)


def test_it_ends_with_whoever_ordered(tmp_path: Path) -> None:
    """Also when that is killed, and can tell nobody."""
    script = (
        "import sys, threading; from pathlib import Path;"
        "from tests.engine.diffusion.compilation.test_compiling import order;"
        "from engine.diffusion.compilation.background import carry_out;"
        "carry_out(order(Path(sys.argv[1])), threading.Event())"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    process = psutil.Process(parent.pid)
    until(lambda: any(tmp_path.glob("work-*/*")))
    (child,) = process.children()
    parent.kill()
    parent.wait()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert CompiledStore(tmp_path).read("key") == []

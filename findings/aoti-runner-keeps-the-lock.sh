#!/usr/bin/env bash
# Whether other threads of Python run while a package of AOTInductor computes.
#
# Package: torch 2.13.0, on the CPU; a C++ compiler (g++) has to be there.
# The guess: the runner that torch._inductor.aoti_load_package returns gives up the interpreter's lock
# while it computes, as every eager operation and a function of torch.compile do. A server could then
# compute with it on one thread and answer on another.
# What is there (seen on 2026-11-30):
# - It keeps the lock for the whole call. A thread that only sleeps for a millisecond at a time gets
#   about one turn for each call, hundreds of times fewer than while the same layers compute eagerly.
# So an event loop beside it stands still for as long as a call takes: seconds for a large model.
set -euo pipefail

command -v g++ >/dev/null || { echo "this needs g++"; exit 1; }
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy setuptools 2>/dev/null

cd "$folder"
TORCHINDUCTOR_CACHE_DIR="$folder/cache" "$folder/venv/bin/python" - <<'PYTHON'
import threading
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)
model = nn.Sequential(*(nn.Linear(1024, 1024) for _ in range(12))).eval()
x = torch.randn(1024, 1024)
with torch.no_grad():
    path = torch._inductor.aoti_compile_and_package(torch.export.export(model, (x,)))
    packaged = torch._inductor.aoti_load_package(path)
    assert torch.allclose(packaged(x), model(x), atol=1e-4)


def turns_a_second(call):
    """How often another thread got its turn in a second in which this one computes."""
    turns, done = 0, threading.Event()

    def other():
        nonlocal turns
        while not done.is_set():
            time.sleep(0.001)
            turns += 1

    thread = threading.Thread(target=other)
    with torch.no_grad():
        call(x)
        began = time.perf_counter()
        thread.start()
        while time.perf_counter() - began < 3:
            call(x)
        took = time.perf_counter() - began
    done.set()
    thread.join()
    return turns / took


eager, runner = turns_a_second(model), turns_a_second(packaged)
print(f"turns of the other thread a second: {eager:.0f} beside eager layers, {runner:.0f} beside the package")
if runner > eager / 10:
    raise SystemExit("this has changed: the package gives up the lock")
PYTHON

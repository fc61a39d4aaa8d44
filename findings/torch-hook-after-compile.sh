#!/usr/bin/env bash
# Whether a hook that is added to a layer after torch.compile takes effect.
#
# Package: torch 2.13.0, on the CPU.
# The guess: torch.compile guards on what it has traced, so a forward hook that is registered on a
# layer later (as a LoRA that is switched on for one request would be) makes it compile anew.
# What is there (seen on 2026-11-29):
# - The hook is ignored: the compiled model gives the old output, without an exception or a warning,
#   while the same model called without compiling gives the new one.
# - `torch._dynamo.config.skip_nnmodule_hook_guards` is True by default; with False it is noticed.
# - Giving the layer another class (a subclass with its own forward) is noticed in either case.
# So whatever adapts layers of a compiled model per request must not be a hook.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy 2>/dev/null

"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch import nn


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def fresh():
    """Return a model of two layers, what it gives for an input, and its compiled form after a call."""
    torch._dynamo.reset()
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    x = torch.ones(1, 4)
    compiled = torch.compile(model, backend="eager")
    before = compiled(x).detach()
    return model, compiled, x, before


def changed_by_hook():
    """Whether a hook on the first layer changes the output, compiled and not."""
    model, compiled, x, before = fresh()
    model[0].register_forward_hook(lambda layer, inputs, output: 2 * output)
    return tuple(not torch.equal(call(x).detach(), before) for call in (compiled, model))


def changed_by_class():
    """The same for another class of the layer."""
    model, compiled, x, before = fresh()
    model[0].__class__ = Doubled
    return tuple(not torch.equal(call(x).detach(), before) for call in (compiled, model))


seen = {"hook, as it is": changed_by_hook(), "class": changed_by_class()}
torch._dynamo.config.skip_nnmodule_hook_guards = False
seen["hook, with guards on hooks"] = changed_by_hook()
expected = {
    "hook, as it is": (False, True),
    "class": (True, True),
    "hook, with guards on hooks": (True, True),
}
for what, (compiled, plain) in seen.items():
    print(f"{what}: the compiled model's output changed: {compiled}, the plain model's: {plain}")
if seen != expected:
    raise SystemExit(f"this has changed: expected {expected}")
PYTHON
